"""Run W as a Metaflow flow: each step is a process of its own, and what it sets on `self` is an artifact."""

from __future__ import annotations

from metaflow import FlowSpec, Parameter, step


class WFlow(FlowSpec):
    """Clean, split, train, judge."""

    path = Parameter("path", default="w.parquet")

    @step
    def start(self):
        import w_parts

        self.X_train, self.X_test, self.y_train, self.y_test = w_parts.split(w_parts.clean(w_parts.read(self.path)))
        self.next(self.train)

    @step
    def train(self):
        import w_parts

        self.model = w_parts.train(self.X_train, self.y_train)
        self.next(self.judge)

    @step
    def judge(self):
        import w_parts

        self.metrics = w_parts.judge(self.model, self.X_test, self.y_test)
        self.next(self.end)

    @step
    def end(self):
        print(self.metrics)


if __name__ == "__main__":
    WFlow()
