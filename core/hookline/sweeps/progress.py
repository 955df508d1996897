"""What a person is told while a sweep is under way: what its jobs have in common once, and of each job what is its own."""

from __future__ import annotations

import sys
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from hookline.telling.terminal import harmless

from .leaderboard import headline_metric
from .ledger import JobRecord, NewJob

MANY = 50
"""From so many trials on, it is said that they are being checked, which takes seconds."""


class Teller(Protocol):
    """Shows a person how far a sweep is."""

    def say(self, text: str) -> None:
        """Show a line that stays."""
        ...

    def at(self, ended: int, count: int, running: Sequence[str]) -> None:
        """Show for now how many jobs have ended, of how many, and what is being run."""
        ...

    def close(self) -> None:
        """Take away what was shown for now."""
        ...


class Silent:
    """Tells nothing."""

    def say(self, text: str) -> None:
        """Show nothing."""

    def at(self, ended: int, count: int, running: Sequence[str]) -> None:
        """Show nothing."""

    def close(self) -> None:
        """Do nothing."""


class Lines(Silent):
    """Writes the lines to stderr."""

    def say(self, text: str) -> None:
        """Write a line."""
        sys.stderr.write(f"{harmless(text)}\n")
        sys.stderr.flush()


@dataclass
class Course:
    """How far a sweep is, as a teller is told."""

    teller: Teller
    ended: int = 0
    count: int = 0
    """How many jobs there will be, as far as is known."""
    common: Mapping[str, str] = field(default_factory=dict)
    """Key -> override of what every job known so far has."""
    _own: dict[int, str] = field(default_factory=dict, repr=False)
    _running: dict[int, str] = field(default_factory=dict, repr=False)
    _width: int = 0

    def add(self, jobs: Iterable[NewJob | JobRecord], searched: Collection[str] = ()) -> None:
        """Take in jobs that are to run.

        searched: keys that vary even where the jobs known so far agree
        """
        given = {job.number: _by_key(job.overrides) for job in jobs}
        begun = bool(self._own)
        for said in given.values():
            known = self.common if begun else {key: text for key, text in said.items() if key not in searched}
            self.common, begun = {key: text for key, text in known.items() if said.get(key) == text}, True
        for number, said in given.items():
            self._own[number] = " ".join(text for key, text in said.items() if key not in self.common)
        self._width = max(self._width, *(min(len(text), 60) for text in self._own.values()), 0)

    def open(self, sweep: str) -> None:
        """Tell what is to be run, and what all of it has in common."""
        jobs = f"{self.count} job{'s' * (self.count != 1)}"
        shared = f", each with {' '.join(self.common.values())}" if self.common and self.count > 1 else ""
        self.teller.say(f"sweep {sweep}: {jobs}{shared}")
        self._show()

    def start(self, job: JobRecord | NewJob) -> None:
        """Tell of a job that begins."""
        self._running[job.number] = self._own.get(job.number, "")
        self._show()

    def end(self, job: JobRecord) -> None:
        """Tell of a job that has ended."""
        self.ended += 1
        self._running.pop(job.number, None)
        own = f"{self._own.get(job.number, ''):<{self._width}}"
        self.teller.say(line(job, own, self.ended, self.count))
        self._show()

    def _show(self) -> None:
        running = [f"#{number} {own}".rstrip() for number, own in self._running.items()]
        self.teller.at(self.ended, self.count, running)


def line(job: JobRecord, own: str, ended: int, count: int) -> str:
    """Return what is said of a job that has ended; `own` is what other jobs do not have."""
    mark = {"finished": "✓", "pruned": "–"}.get(job.status, "✗")
    metric = headline_metric([job])
    shown = f"{metric} {job.metrics[metric][0]:.4g}" if metric else ""
    what = shown if job.status == "finished" else f"{job.status}: {job.error.splitlines()[0] if job.error else ''}"
    return f"{mark} {ended:>3}/{count} #{job.number:<4} {own} {job.seconds:6.1f}s  {what}".rstrip()


def _by_key(overrides: Sequence[str]) -> dict[str, str]:
    """Return overrides by their keys; of one key the last counts, as a repeat's seed does."""
    return {text.partition("=")[0]: text for text in overrides}
