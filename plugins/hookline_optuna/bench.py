"""Runs trials through hookline's launcher, and says from the sweep's ledger what each is worth."""

from __future__ import annotations

import json
import statistics
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hookline.errors import UnknownName
from hookline.kinds.fitting import Step, is_judged
from hookline.sweeps.definitions import check_unchanged
from hookline.sweeps.leaderboard import COSTS, cost_of, headline_metric
from hookline.sweeps.ledger import ENDED, JobRecord, Ledger
from hookline.sweeps.pruning import Referee
from hookline.sweeps.sweep import Sweep

from .definition import Definition, check_same
from .study import OVERRIDES, TRIAL, Asked, Direction, Search
from .warm import Known

if TYPE_CHECKING:
    from hydra.core.utils import JobReturn

    from hookline.sweeps.hydra.launcher import HooklineLauncher

MISSING = ("pending", "running", "interrupted")
"""What a job is called that an earlier process did not get to the end of."""


@dataclass
class Bench:
    """Where trials of one sweep are run and measured."""

    sweep: Sweep
    launcher: HooklineLauncher
    metrics: Sequence[str]
    """What a trial is judged by; none for the metric that heads the report."""
    _warned: set[str] = field(default_factory=set, init=False)
    """Trainers of which was told that their trials are not pruned."""

    def go_on(self, name: str, before: Definition, now: Definition) -> None:
        """Take up a sweep where it was left; raises ConfigError, with the difference, where it has changed since."""
        check_same(before, now, name)
        ledger = self._ledger()
        record, jobs = ledger.sweep(name), ledger.jobs(name)
        check_unchanged(self.sweep.registry, record, jobs)
        self.sweep.go_on(record, jobs)

    def check(self, trial: Asked) -> None:
        """Raise ConfigError where a trial cannot be run."""
        self.sweep.check([trial.overrides], self.launcher.compose)

    def run(self, search: Search, asked: Sequence[Asked]) -> Sequence[JobReturn]:
        """Run trials, and tell the study what they gave."""
        first = max((job.trial + 1 for job in self.sweep.jobs), default=0)
        places = {trial.number: first + i for i, trial in enumerate(asked)}
        for number, place in places.items():
            search.place(number, place)
        self.sweep.referee = self._referee(search, places)
        returned = self.launcher.launch([trial.overrides for trial in asked], initial_job_idx=first)
        self._tell(search, places)
        return returned

    def warm_up(self, search: Search, name: str) -> str:
        """Begin a study with the trials of an earlier sweep that are what it would have run, and say how many there are.

        Raises UnknownName for a sweep that is not there, or whose trials have no such metric.
        """
        ledger = self._ledger()
        record = ledger.sweep(name)
        jobs = ledger.jobs(record.id)
        known = Known(search.space, self.sweep.registry, self.launcher.compose, self._worth)
        taken = known.take(record.id, jobs)
        done = [job for job in jobs if job.status == "finished"]
        if taken.trials:
            search.warm_up(taken.trials, [self._direction(metric, done) for metric in self._judged_by(done)])
        return str(taken)

    def _worth(self, jobs: Sequence[JobRecord]) -> list[float]:
        return [_mean(metric, jobs) for metric in self._judged_by(jobs)]

    def finish(self, search: Search) -> list[Asked]:
        """Finish the trials that an earlier process had begun; returns those of which no job was written down."""
        places: dict[int, int] = {}
        unbegun = []
        written = {job.trial: list(job.overrides) for job in self.sweep.jobs}
        for trial in search.unfinished():
            overrides, place = trial.user_attrs.get(OVERRIDES), trial.user_attrs.get(TRIAL)
            if overrides is None:
                search.tell(trial.number, None, "its process ended before it was begun")
            elif place in written and written[place][: len(overrides)] == overrides:
                places[trial.number] = place
            else:
                unbegun.append(Asked(trial.number, overrides))
        # What has ended is told first, so that the others are compared with it.
        ended = self._ended()
        self._tell(search, {number: place for number, place in places.items() if place in ended})
        rest = {number: place for number, place in places.items() if place not in ended}
        self.sweep.referee = self._referee(search, rest)
        self._run_missing(set(rest.values()))
        self._tell(search, rest)
        return unbegun

    def _ended(self) -> set[int]:
        """Return the trials of which no job is missing."""
        jobs = self._ledger().jobs(self.sweep.id)
        return {job.trial for job in jobs} - {job.trial for job in jobs if job.status in MISSING}

    def _run_missing(self, trials: set[int]) -> None:
        if not trials:
            return
        missing = {job.number for job in self._ledger().jobs(self.sweep.id, trials) if job.status in MISSING}
        jobs = [job for job in self.sweep.jobs if job.number in missing]
        if jobs:
            self.sweep.run(jobs, self.launcher, stop=False)

    def _tell(self, search: Search, places: Mapping[int, int]) -> None:
        """Tell the study of its trials (number -> the ledger's)."""
        if not places:
            return
        records = self._ledger().jobs(self.sweep.id, set(places.values()))
        measured = {number: [job for job in records if job.trial == place] for number, place in places.items()}
        done = [jobs for jobs in measured.values() if all(job.status == "finished" for job in jobs)]
        if done and search.unmeasured():
            search.direct([self._direction(metric, done[0]) for metric in self._judged_by(done[0])])
        for number, jobs in measured.items():
            failed = next((job for job in jobs if job.status not in ENDED), None)
            if search.pruner is not None and not failed:
                self._compare(search, number, jobs[0])
            if not failed and any(job.status == "pruned" for job in jobs):
                search.give_up(number)
                continue
            values = None if failed else self._worth(jobs)
            search.tell(number, values, f"job {failed.number} {failed.status}: {failed.error}" if failed else "")

    def _referee(self, search: Search, places: Mapping[int, int]) -> Referee | None:
        if search.pruner is None:
            return None
        numbers = {place: number for number, place in places.items()}
        return lambda trial, step: search.judge(numbers[trial], step)

    def _compare(self, search: Search, number: int, job: JobRecord) -> None:
        """Let others be compared with a trial, or say once of its trainer why that cannot be."""
        steps = _steps(job)
        if steps and search.is_comparable(steps[0].name, greater_is_better=steps[0].greater_is_better):
            search.fill(number, steps)
            return
        trainer = str(job.config["trainer"]["component"])
        why = f"reports '{steps[0].name}', and others another metric" if steps else "reports no steps"
        if trainer not in self._warned:
            self._warned.add(trainer)
            sys.stderr.write(f"warning: trainer '{trainer}' {why}; nothing of it is pruned\n")

    def _judged_by(self, jobs: Sequence[JobRecord]) -> Sequence[str]:
        if self.metrics:
            return self.metrics
        headline = headline_metric(jobs)
        if headline is None:
            raise UnknownName("metric", "", (), hint="an evaluator measures: add evaluator=[standard]")
        return (headline,)

    def _direction(self, metric: str, jobs: Sequence[JobRecord]) -> Direction:
        if metric in COSTS:
            return "minimize"
        known = jobs[0].metrics
        if metric not in known:
            raise UnknownName("metric", metric, (*known, *COSTS))
        return "maximize" if known[metric][1] else "minimize"

    def _ledger(self) -> Ledger:
        from hookline.workspace.workspace import open_workspace

        return Ledger(open_workspace().catalog)


def _steps(job: JobRecord) -> list[Step]:
    """Return the learning curve of a job's run, at the steps at which others are judged."""
    evidence: dict[str, Any] = json.loads((Path(job.path) / "evidence.json").read_text("utf-8"))
    if (learning := evidence.get("learning")) is None:
        return []
    points = [point for before, point in enumerate(learning["points"]) if is_judged(before)]
    return [Step(step, value, learning["name"], learning["greater_is_better"]) for step, value in points]


def _mean(metric: str, jobs: Sequence[JobRecord]) -> float:
    """Return a metric's mean over the jobs of a trial, or what a trial cost; not a number where a job has none."""
    if metric in COSTS:
        return cost_of(metric, jobs)
    return statistics.fmean(float(job.metrics[metric][0]) if metric in job.metrics else float("nan") for job in jobs)
