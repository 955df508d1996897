"""What a job that does nothing costs in our launcher, in reused workers and in this process; prints both as JSON."""

from __future__ import annotations

import json
import sys
import tempfile
import time
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from typing import Any

from hydra._internal.callbacks import Callbacks
from hydra.core.global_hydra import GlobalHydra
from hydra.types import HydraContext, RunMode

from hookline.plans.hydra.compose import initialized, store_config
from hookline.sweeps.hydra.applications import run_any
from hookline.sweeps.hydra.launcher import HooklineLauncher
from hookline.sweeps.workers.interfaces import JobPool, Outcome

JOBS = 30
TRIES = 3


@dataclass
class Here:
    """Runs jobs in this process."""

    setup: bytes

    def run(
        self, jobs: Sequence[tuple[int, Any]], on_start: Callable[[int], bool] | None = None
    ) -> Generator[Outcome, None, None]:
        for number, payload in jobs:
            yield Outcome(number, "done", run_any(self.setup, payload))

    def close(self) -> None: ...


class InProcess(HooklineLauncher):
    """Our launcher without its processes: composes, sends and runs each job as it always does."""

    def pool(self, function: str, setup: Any, jobs: int | None = None, check: str = "") -> JobPool:
        return Here(setup)


def nothing(config: Any) -> int:
    return 0


def per_job(launcher: HooklineLauncher, folder: str) -> float:
    """Return the seconds that each of 30 more jobs adds to a sweep of two, which has every worker start."""
    loader = GlobalHydra.instance().config_loader()
    master = loader.load_configuration("nothing", [f"hydra.sweep.dir={folder}"], RunMode.MULTIRUN)
    launcher.setup(hydra_context=HydraContext(loader, Callbacks()), task_function=nothing, config=master)

    def seconds(jobs: int) -> float:
        started = time.perf_counter()
        returned = launcher.launch([[f"number={number}"] for number in range(jobs)], 0)
        assert [job.return_value for job in returned] == [0] * jobs
        return time.perf_counter() - started

    few, many = (min(seconds(jobs) for _ in range(TRIES)) for jobs in (2, 2 + JOBS))
    return (many - few) / JOBS


def main() -> None:
    store_config("nothing", {"number": 0})
    with tempfile.TemporaryDirectory() as folder, initialized():
        told = {"workers": per_job(HooklineLauncher(n_jobs=2), folder), "here": per_job(InProcess(), folder)}
    sys.stdout.write(json.dumps(told) + "\n")


if __name__ == "__main__":
    main()
