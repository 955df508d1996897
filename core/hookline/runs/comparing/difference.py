"""How much better or worse one run is than another in one metric, and what may be said of it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Difference:
    """How much better or worse the second run is in one metric.

    low, high: 95 % interval of second - first, from what each row (each group of rows) adds to it, its skewness taken away
        (Hall 1992, "On the removal of skewness by transformation"); of metrics that are no means of rows, `roc_auc`,
        `balanced_accuracy` and `r2`, from a paired bootstrap; over folds the corrected resampled t (Nadeau and Bengio 2003)
    margin: by how much it may be worse and still do; None where that was not said
    """

    metric: str
    first: float
    second: float
    low: float
    high: float
    greater_is_better: bool
    margin: float | None = None

    @property
    def difference(self) -> float:
        """Second minus first."""
        return self.second - self.first

    @property
    def verdict(self) -> str:
        """Better, worse, or no difference that these rows can show; with a margin, whether it is shown to be kept."""
        told = self.shown
        if self.margin is None or told == "better":
            return told
        if self.worst > -self.margin:
            return f"no worse than by {self.margin:g}"
        return told if told == "worse" else f"not shown to be within {self.margin:g}"

    @property
    def worst(self) -> float:
        """The end of the interval where the second run is worst; negative where it is worse."""
        return self.low if self.greater_is_better else -self.high

    @property
    def shown(self) -> str:
        """Better, worse, or no difference that these rows can show, whatever the margin."""
        if self.low <= 0 <= self.high:
            return "no difference shown"
        return "better" if (self.low > 0) == self.greater_is_better else "worse"
