"""Code for worker processes that ends as it is told to: a function of jobs, and a plugin with a trainer."""

from __future__ import annotations

import textwrap

JOBS = textwrap.dedent("""
    import ctypes, os, sys, time

    def act(setup, payload):
        what, value = payload
        if what == "echo":
            return (setup, value, os.getpid())
        if what == "raise":
            raise ValueError(value)
        if what == "exit":
            sys.exit(value)
        if what == "segfault":
            ctypes.string_at(0)
        if what == "kill":
            os.kill(os.getpid(), 9)
        if what == "kill the worker":
            os.kill(os.getppid(), 9)
            time.sleep(60)
        if what == "sleep":
            time.sleep(value)
        if what == "import":
            __import__(value)
        if what == "eat":
            held = bytearray(value)
            time.sleep(60)
        if what == "once":
            if os.path.exists(value):
                return "second"
            open(value, "w").close()
            os._exit(7)
        if what == "cores":
            time.sleep(0.5)
            return (sorted(os.sched_getaffinity(0)), os.environ["OMP_NUM_THREADS"])
        if what == "meet":
            folder, number = value
            open(os.path.join(folder, str(os.getpid())), "w").close()
            while len(os.listdir(folder)) < number:
                time.sleep(0.05)
            return os.environ.get("RAY_RAYLET_PID")
        if what == "leased":
            return [os.environ.get(name) for name in ("POLARS_MAX_THREADS", "CUDA_VISIBLE_DEVICES")]
        if what == "ask":
            from hookline.sweeps.workers.asking import ask
            return [ask(question) for question in range(value)]
""")
DYING = textwrap.dedent("""
    import ctypes, os, sys, time
    from typing import Literal

    from hookline import Features, SklearnModel, Trainer, hookimpl

    class Dying(Trainer):
        "Ends as it is told to."
        name = "dying"
        how: Literal["well", "exit", "segfault", "raise", "hang"] = "well"
        seed: int = 0

        def fit(self, train: Features, valid: Features | None) -> SklearnModel:
            from sklearn.tree import DecisionTreeClassifier
            if self.how == "exit":
                sys.exit(5)
            if self.how == "segfault":
                ctypes.string_at(0)
            if self.how == "hang":
                time.sleep(600)
            if self.how == "raise":
                where = "on Ray" if "RAY_RAYLET_PID" in os.environ else "elsewhere"
                raise ValueError(f"on purpose, {where}, mark {os.environ.get('MARK')}")
            return SklearnModel.of(DecisionTreeClassifier(random_state=self.seed).fit(train.X, train.y), train)

    @hookimpl
    def register_trainers():
        return [Dying]
""")
