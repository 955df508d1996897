"""Which trials of a sweep are given up while they run."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeAlias

from hookline.kinds.fitting import Step

from .ledger import JobState
from .workers.interfaces import Outcome

Referee: TypeAlias = Callable[[int, Step], bool]
"""Tells of a trial's number and a step of its first job whether the trial is given up."""


class Pruning:
    """The trials that have been given up; the first job of a trial speaks for its other repeats and folds."""

    def __init__(self, jobs: Sequence[JobState], referee: Referee | None) -> None:
        self.referee = referee
        self._trials = {job.number: job.trial for job in jobs}
        self._first = {job.trial: job.number for job in reversed(jobs)}
        self._given_up = {job.trial for job in jobs if job.status == "pruned"}

    def judge(self, number: int, step: Step) -> bool:
        """Tell whether a job that reports a step is to stop there."""
        trial = self._trials[number]
        if self.referee is not None and self._first[trial] == number and self.referee(trial, step):
            self._given_up.add(trial)
        return trial in self._given_up

    def refusal(self, number: int) -> Outcome | None:
        """Return what becomes of a job that need not start, since its trial has been given up."""
        trial = self._trials[number]
        if trial not in self._given_up:
            return None
        why = f"its trial was given up in job {self._first[trial]}"
        return Outcome(number, "done", {"status": "pruned", "error": why})
