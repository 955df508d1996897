"""Hydra's command line in front of a run, and what is said of the run."""

from __future__ import annotations

import gc
import sys
from collections.abc import Sequence
from contextlib import redirect_stdout
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hookline.errors import HooklineError, UsageError
from hookline.kinds.hooks import hookimpl
from hookline.kinds.reports import Metric
from hookline.plans.config import resolve
from hookline.plans.gates import FOLDS, REPEATS
from hookline.plans.hydra.app import run_app
from hookline.plans.hydra.shorthand import read_in
from hookline.registry.backends.lean import import_scipy
from hookline.registry.registry import Registry, load_registry
from hookline.runs.result import Run, measured_in
from hookline.runs.runner import run_config
from hookline.telling.terminal import one_line
from hookline.workspace.workspace import open_workspace

from ..output import print_json, say, tell
from .progress import Progress

if TYPE_CHECKING:
    from hookline.runs.beside.second import Second


def run(argv: Sequence[str], second: Second | None) -> int:
    """Run from Hydra overrides and flags."""
    registry = load_registry()
    registry.plugins.manager.register(Progress(), "progress")
    registry.plugins.manager.register(Begun(), "begun")
    task = Task(registry, "--json" in argv, second)
    given = read_in(argument for argument in argv if argument not in ("--json", "--profile"))
    sweeps = bool({"-m", "--multirun"} & set(given))
    if "--profile" in argv:
        _profile(registry, sweeps)
    if sweeps:
        return _sweep(registry, given, task)
    try:
        run_app(registry, given, task)
    except HooklineError as error:
        if error.exit_code == 3:  # a gate said no: the report is there all the same
            say("the run is recorded: `hookline runs show last`")
        raise
    return 0


def _profile(registry: Registry, sweeps: bool) -> None:
    from .stage_costs import StageCosts

    if sweeps:
        raise UsageError(
            "--profile is for a single run", hint="a sweep's leaderboard tells the seconds and memory of each job"
        )
    registry.plugins.manager.register(StageCosts(), "stage_costs")


class Begun:
    """Has a run's stages wait for less: for what they import, and for each look for garbage among what was loaded before."""

    @hookimpl
    def before_run(self) -> None:
        """Import what any run needs, and take what there is by now for kept."""
        import_scipy()
        gc.freeze()
        gc.set_threshold(200_000, 50, 100)


@dataclass(frozen=True)
class Task:
    """Runs one config and prints what came of it; in another process with the very same plugins."""

    registry: Registry
    as_json: bool
    second: Second | None = field(default=None, repr=False, compare=False)
    """A process beside the run, which does not go to another process with it."""

    def __call__(self, tree: dict[str, Any], folder: Path) -> Run:
        """Run a plain config in a folder."""
        with redirect_stdout(sys.stderr):  # What components print is no data.
            done = run_config(self.registry, resolve(self.registry, tree), folder=folder, second=self.second)
        print_json(done.evidence) if self.as_json else _print(done)
        return done

    def __reduce__(self) -> tuple[Any, ...]:
        return _task_elsewhere, (self.registry.plugins.signature(), self.as_json)


def _task_elsewhere(signature: tuple[tuple[str, str, str], ...], as_json: bool) -> Task:
    registry = load_registry()
    registry.plugins.require(signature)
    return Task(registry, as_json)


def _sweep(registry: Registry, argv: Sequence[str], task: Task) -> int:
    from hookline.sweeps.hydra.nulls import without_choice_of_null
    from hookline.sweeps.ledger import Ledger
    from hookline.sweeps.sweep import Sweep

    from .progress import SweepProgress
    from .sweeps import conclude

    argv = [without_choice_of_null(argument) for argument in argv]
    teller = SweepProgress()
    sweep = Sweep(registry, [argument for argument in argv if not argument.startswith("-")], teller)
    try:
        run_app(registry, argv, task, sweep)
    finally:
        teller.close()
    if not sweep.jobs:  # Another launcher ran them.
        return 0
    return conclude(Ledger(open_workspace().catalog).sweep(sweep.id))


def _print(run: Run) -> None:
    shown = _headline_metrics(run)
    width = max(map(len, shown), default=0)
    for name, value in shown.items():
        tell(f"{one_line(name):<{width}}  {value}")
    say(run.evidence["verdict"]["headline"])
    for finding in run.findings:
        if finding["severity"] == "critical":
            say(f"critical: {finding['message']}")
    for gate in run.evidence.get("gates", ()):
        say(f"gate {gate['metric']} {gate['said']}: {gate['told']}")
    deployment = run.evidence.get("deployment")
    if deployment and not deployment["accepted"]:
        say(deployment["told"])
    say(f"report: {run.report}" if run.report.is_file() else f"run folder: {run.path}")


def _headline_metrics(run: Run) -> dict[str, str]:
    """Return what was measured: on held-out rows, with its interval; a constant guess; training rows; means of several fits."""
    found = measured_in(run.evidence).values()
    shown = {metric.name: f"{metric.value:.4f}{_interval(metric)}" for metric in found}
    width = max(map(len, shown.values()), default=0)
    means = {
        before.rstrip("."): {name.removeprefix(before): value for name, value in found.numbers().items()}
        for before, found in ((one, measured_in(run.evidence, one.rstrip("."))) for one in (FOLDS, REPEATS))
    }
    beside = {"guess": run.baseline, "training": run.training, **means}
    return {
        name: "  ".join(
            [f"{told:<{width}}", *(f"{word} {of[name]:.4f}" for word, of in beside.items() if name in of)]
        ).rstrip()
        for name, told in shown.items()
    }


def _interval(metric: Metric) -> str:
    return "" if metric.low is None or metric.high is None else f"  [{metric.low:.4f}, {metric.high:.4f}]"
