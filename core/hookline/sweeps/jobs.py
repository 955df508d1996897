"""What a sweep's jobs are: expanded by repeats and folds, checked before the first one starts, run by workers, written down."""

from __future__ import annotations

import json
import os
import platform
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import nullcontext, suppress
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import count, takewhile
from pathlib import Path
from typing import Any

from hookline.errors import ConfigError, GateFailed, HooklineError, JobFailed, Problem, Pruned, UnknownName, UsageError
from hookline.kinds.fitting import judged_by
from hookline.plans.config import RunConfig, resolve
from hookline.plans.explain import explain
from hookline.plans.plan import Plan
from hookline.registry.registry import Registry, load_registry
from hookline.runs.runner import run_config
from hookline.runs.sequence import plan_run
from hookline.workspace.workspace import open_workspace

from .leaderboard import headline_metric
from .ledger import ENDED, JobRecord, Ledger, NewJob, SweepRecord
from .pool import JobPool, Outcome, Pools, ask
from .pruning import Pruning, Referee

FUNCTION = f"{__name__}:run_job"
CHECK = f"{__name__}:check_machine"
MOST_PROBLEMS = 10
Compose = Callable[[Sequence[str]], Mapping[str, Any]]
"""Overrides as they were typed -> the plain config that they mean."""


@dataclass
class Sweep:
    """One sweep from the command line, while it is under way."""

    registry: Registry
    overrides: Sequence[str]
    tell: Callable[[JobRecord, int, int], None]
    """Told of each job that has ended: the job, how many have, and of how many."""
    id: str = ""
    ended: int = 0
    jobs: list[NewJob] = field(default_factory=list)
    trials: int | None = None
    """How many trials there will be, where they come batch by batch and that is known."""
    settings: dict[str, Any] = field(default_factory=dict)
    """Kept on the ledger; `metrics` are what the leaderboard ranks by."""
    keep: bool = False
    """Whether workers wait for more jobs once these have ended; whoever says so must `close`."""
    referee: Referee | None = None
    """Decides which trials are pruned; without one none is."""
    _pool: JobPool | None = field(default=None, init=False, repr=False)

    def go_on(self, sweep: SweepRecord, jobs: Sequence[JobRecord]) -> None:
        """Take up a sweep that is on the ledger: jobs that are added continue its numbers."""
        self.id, self.settings = sweep.id, dict(sweep.settings)
        self.jobs = [NewJob(job.number, job.trial, job.overrides, job.config, job.fingerprints) for job in jobs]
        self.ended = sum(job.status in ENDED for job in jobs)

    def check(self, jobs_overrides: Sequence[Sequence[str]], compose: Compose) -> None:
        """Raise ConfigError with the problems of every job that `add` would refuse; writes nothing down."""
        list(self._defined(jobs_overrides, compose))

    def add(self, folder: Path, jobs_overrides: Sequence[Sequence[str]], compose: Compose) -> list[NewJob]:
        """Compose and check jobs as a whole, and write them down.

        Raises ConfigError with the problems of every job before any of them starts.
        """
        self.id = folder.name
        new = list(self._defined(jobs_overrides, compose))
        stages: dict[str, Any] = {}
        for _, plan in new:
            stages |= {stage.fingerprint: stage.parts for stage in plan.stages}
        jobs = [job for job, _ in new]
        record = SweepRecord(self.id, str(folder), tuple(self.overrides), self.settings, stages)
        Ledger(open_workspace().catalog).begin(record, jobs)
        self.jobs += jobs
        return jobs

    def run(self, jobs: Sequence[NewJob], pools: Pools, *, stop: bool) -> None:
        """Run jobs; raises JobFailed where one failed and `stop` is wanted, and KeyboardInterrupt once all is written down."""
        ledger, numbers = Ledger(open_workspace().catalog), [job.number for job in jobs]
        sweep = ledger.sweep(self.id)
        if self.keep and self._pool is None:
            self._pool = pool_for(sweep, pools)
        pool = self._pool or pool_for(sweep, pools, len(jobs))
        try:
            execute(ledger, sweep, numbers, pool, self._told, stop=stop, referee=self.referee)
        except KeyboardInterrupt as stopped:
            stopped.add_note(f"`hookline resume {self.id}` goes on")
            raise

    def close(self) -> None:
        """Stop the workers that were kept."""
        if self._pool is not None:
            self._pool.close()

    def _told(self, job: JobRecord) -> None:
        self.ended += 1
        known = len({some.trial for some in self.jobs})
        coming = max((self.trials or 0) - known, 0) * len(self.jobs) // known
        self.tell(job, self.ended, len(self.jobs) + coming)

    def _defined(self, jobs_overrides: Sequence[Sequence[str]], compose: Compose) -> Iterator[tuple[NewJob, Plan]]:
        problems: list[Problem] = []
        number, first = len(self.jobs), max((job.trial + 1 for job in self.jobs), default=0)
        made: list[tuple[NewJob, Plan]] = []
        for trial, overrides in enumerate(jobs_overrides, first):
            for more in replicates(compose(overrides)):
                whole = [*overrides, *more]
                try:
                    config = resolve(self.registry, _undeployed(compose(whole), overrides))
                    plan = plan_run(self.registry, config)
                except HooklineError as error:
                    problems += _problems(trial, overrides, error)
                    break
                prints = {stage.key: stage.fingerprint for stage in plan.stages}
                made.append((NewJob(number, trial, tuple(whole), config.plain(), prints), plan))
                number += 1
        if problems:
            more_of_them = len(problems) - MOST_PROBLEMS
            shown = problems[:MOST_PROBLEMS]
            if more_of_them > 0:
                shown.append(Problem("...", f"and {more_of_them} more"))
            raise ConfigError("nothing was run: jobs of the sweep are wrong", shown)
        yield from made


def replicates(tree: Mapping[str, Any]) -> Iterator[tuple[str, ...]]:
    """Yield the overrides that make each repeat and fold of a job; outside of what a sweep searches."""
    repeats, seed = tree.get("repeats") or 1, tree.get("seed") or 0
    folds = (tree.get("split") or {}).get("folds") or 0
    if not isinstance(repeats, int) or not isinstance(seed, int) or not isinstance(folds, int):
        yield ()  # The check of the config says what is wrong with them.
        return
    for repeat in range(repeats):
        for fold in range(max(folds, 1)):
            seeds = (f"seed={seed + repeat}",) if repeats > 1 else ()
            yield (*seeds, *((f"split.fold={fold}",) if folds else ()))


def execute(
    ledger: Ledger,
    sweep: SweepRecord,
    numbers: Sequence[int],
    pool: JobPool,
    tell: Callable[[JobRecord], None],
    *,
    stop: bool = False,
    referee: Referee | None = None,
) -> None:
    """Run jobs of a sweep that nobody else has taken, and write down what became of each.

    referee: told of the steps that the first job of each trial reports, and stops every job of the trials that it gives up
    """
    known, wanted = ledger.jobs(sweep.id), set(numbers)
    jobs = [job for job in known if job.number in wanted]
    facts = {"folder": sweep.path, "judged": referee is not None}
    payloads = [(job.number, {"config": job.config, "number": job.number, **facts}) for job in jobs]
    pruning = Pruning(known, referee)

    def note(outcome: Outcome) -> JobRecord:
        ledger.finish(sweep.id, outcome.job, outcome)
        record = next(job for job in ledger.jobs(sweep.id) if job.number == outcome.job)
        tell(record)
        return record

    def start(number: int) -> bool:
        if not ledger.claim(sweep.id, number):
            return False
        if given_up := pruning.refusal(number):
            note(given_up)
        return given_up is None

    running = pool.run(payloads, on_start=start, on_ask=pruning.judge)
    try:
        for outcome in running:
            record = note(outcome)
            if stop and record.status not in ENDED:
                stopped = GateFailed if record.status == "gated" else JobFailed
                raise stopped(
                    f"job {record.number} is {record.status}: {record.error}",
                    hint=f"on_error=stop: the others wait; `hookline resume {sweep.id}` goes on",
                )
    finally:
        running.close()
        ledger.release(sweep.id)


def pool_for(sweep: SweepRecord, pools: Pools, jobs: int | None = None) -> JobPool:
    """Return a pool that runs jobs of a sweep: so many, or as many as come until it is closed."""
    home, signature = str(open_workspace().home), load_registry().plugins.signature()
    setup = {"home": home, "signature": signature, "sweep": sweep.path, "host": platform.node()}
    return pools.pool(FUNCTION, setup, jobs, CHECK)


def check_unchanged(registry: Registry, sweep: SweepRecord, jobs: Sequence[JobRecord]) -> None:
    """Raise ConfigError, with the difference, where a job would no longer be what the sweep was made of."""
    problems = []
    for job in jobs:
        plan = plan_run(registry, configured(registry, job))
        for stage in plan.stages:
            before = job.fingerprints.get(stage.key)
            if stage.fingerprint != before:
                why = explain(stage, sweep.stages.get(before or ""))
                problems.append(Problem(f"job {job.number}, {stage.key}", why))
                break
    if problems:
        raise ConfigError(
            f"sweep {sweep.id} is no longer what it was when it began",
            problems[:MOST_PROBLEMS],
            hint="bring back what has changed, or begin a new sweep: what is still the same comes from the store",
        )


def configured(registry: Registry, job: JobRecord) -> RunConfig:
    """Return a job's config as typed values."""
    return resolve(registry, job.config)


def check_machine(setup: Mapping[str, Any]) -> None:
    """Raise where a worker, perhaps on another machine, does not see the sweep's home or has other plugins."""
    here, there, sweep = platform.node(), setup["host"], Path(setup["sweep"])
    if not sweep.is_dir():
        raise UsageError(
            f"{here} does not see {sweep}, the folder of the sweep on {there}",
            hint="set HOOKLINE_HOME to a folder that every machine of the cluster has at the same path",
        )
    if here != there and (os.environ.get("HOOKLINE_CATALOG") or "sqlite").startswith("sqlite"):
        raise UsageError(
            f"{here} and {there} cannot share a catalog that is a SQLite file",
            hint="set HOOKLINE_CATALOG to the URL of a PostgreSQL database",
        )
    _registry(tuple(map(tuple, setup["signature"])))


def run_job(setup: Mapping[str, Any], payload: Mapping[str, Any]) -> dict[str, Any]:
    """Run one job in a worker; a gate that says no is a result, as is being pruned; all else that goes wrong is raised."""
    registry = _registry(tuple(map(tuple, setup["signature"])))
    sweep, number = Path(payload["folder"]), payload["number"]
    # A worker may end a job in the moment in which its sweep is killed; what is done is not done again.
    done = _done_before(setup["home"], sweep, number)
    if done is not None:
        return done
    folder, status, error = _folder(sweep, number), "finished", ""
    try:
        with judged_by(ask) if payload["judged"] else nullcontext():
            run_config(registry, resolve(registry, payload["config"]), home=setup["home"], folder=folder)
    except GateFailed as gate:
        status, error = "gated", gate.message
    except Pruned as pruned:
        status, error = "pruned", pruned.message
    return _result(folder, status, error)


def _result(folder: Path, status: str, error: str) -> dict[str, Any]:
    """Return what the ledger keeps of a run that has ended."""
    from hookline.runs.names import load
    from hookline.runs.result import Run

    run = load(folder)
    assert isinstance(run, Run)
    metrics = {
        metric["name"]: [metric["value"], metric["greater_is_better"]]
        for report in run.evidence["reports"]
        for metric in report["metrics"]
        if report["kind"] == "evaluator"
    }
    return {"run_id": run.id, "path": str(folder), "metrics": metrics, "status": status, "error": error}


def _done_before(home: str, sweep: Path, number: int) -> dict[str, Any] | None:
    """Return the result of an earlier try that ended, though nobody was there to write it down."""
    catalog = open_workspace(home).catalog
    for folder in takewhile(_begun, _tries(sweep, number)):
        run_id = json.loads((folder / "run.json").read_text("utf-8"))["id"]
        with suppress(UnknownName):
            record = catalog.runs.get(run_id)
            if record.id == run_id and record.finished and record.status in (*ENDED, "gated"):
                seconds = (record.finished - record.started).total_seconds()
                return _result(folder, record.status, record.error or "") | {"seconds": seconds}
    return None


@lru_cache(maxsize=1)
def _registry(signature: tuple[tuple[str, str, str], ...]) -> Registry:
    registry = load_registry()
    registry.plugins.require(signature)
    return registry


def _folder(sweep: Path, number: int) -> Path:
    """Return the job's folder; a second try gets one of its own."""
    return next(folder for folder in _tries(sweep, number) if not _begun(folder))


def _begun(folder: Path) -> bool:
    return (folder / "run.json").exists()


def _tries(sweep: Path, number: int) -> Iterator[Path]:
    """Yield the folders of a job's first try, its second, and so on."""
    yield sweep / str(number)
    for tried in count(2):
        yield sweep / f"{number}-{tried}"


def _undeployed(tree: Mapping[str, Any], overrides: Sequence[str]) -> dict[str, Any]:
    # Of many runs at once none should become the champion for having ended last.
    asked = any(override.lstrip("+").startswith("deployer") for override in overrides)
    return dict(tree) if asked else {**tree, "deployer": None}


def _problems(trial: int, overrides: Sequence[str], error: HooklineError) -> list[Problem]:
    where = f"job {trial} ({' '.join(overrides)})"
    if isinstance(error, ConfigError):
        return [Problem(where, str(problem)) for problem in error.problems]
    with suppress(IndexError):
        return [Problem(where, error.message.splitlines()[0])]
    return [Problem(where, type(error).__name__)]


def line(job: JobRecord, ended: int, count: int) -> str:
    """Return what is said on stderr of a job that has ended."""
    mark = {"finished": "✓", "pruned": "–"}.get(job.status, "✗")
    metric = headline_metric([job])
    shown = f"{metric} {job.metrics[metric][0]:.4g}" if metric else ""
    what = shown if job.status == "finished" else f"{job.status}: {job.error.splitlines()[0] if job.error else ''}"
    return f"{mark} {ended:>3}/{count} #{job.number:<4} {' '.join(job.overrides):<60} {job.seconds:6.1f}s  {what}"


def say(job: JobRecord, ended: int, count: int) -> None:
    """Tell a person of a job that has ended."""
    sys.stderr.write(line(job, ended, count) + "\n")
    sys.stderr.flush()
