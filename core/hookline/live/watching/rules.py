"""By what rules a model is watched: how long windows are, and when a finding becomes an alarm."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from hookline.errors import UsageError

LONGEST = timedelta(days=31)
"""Of a window's grid: what is older than `catch_up` of them, or than this, is not looked at."""

LEAST_KEPT = timedelta(days=31)
"""So long what is over stays on record, at least."""


@dataclass(frozen=True)
class WatchRules:
    """How a model is watched."""

    every: timedelta = timedelta(hours=1)
    """How long a window is; they begin at multiples of it since 1970, UTC."""
    least: int = 500
    """Answers of a window; one with fewer is joined with the next."""
    persist: int = 2
    """In how many windows in a row something must be found before it is an alarm, and be gone before it is over."""
    critical: int = 1
    """The same of a critical finding, before it is an alarm."""
    worse: float = 1.5
    """An alarm is told again once what was found is so many times as far beyond its threshold, or critical."""
    again: timedelta = timedelta(days=7)
    """After so long an alarm that nobody has acknowledged is told again; one that was over for less is the same."""
    catch_up: int = 168
    """Windows that are looked at after nobody watched: the newest; what is older is left out, and said."""
    grace: timedelta = timedelta(minutes=1)
    """How long after its end a window is looked at, so that what was answered in it is on record."""
    labels: timedelta = timedelta(minutes=15)
    """How often windows are looked at again because labels came, at most."""
    keep: timedelta = timedelta(days=400)
    """What is over for longer, such as windows, closed alarms and delivered messages, is taken out of the catalog."""

    def __post_init__(self) -> None:
        """Raise UsageError for what is no rule."""
        for name in ("least", "persist", "critical", "catch_up"):
            if getattr(self, name) < 1:
                raise UsageError(f"{name} must be at least 1, got {getattr(self, name)}", hint="leave it out")
        if not timedelta(seconds=1) <= self.every <= LONGEST:
            raise UsageError(f"every must be from a second to {LONGEST.days} days, got {self.every}", hint="write 1h")
        if self.keep < LEAST_KEPT:
            raise UsageError(f"keep must be at least {LEAST_KEPT.days} days, got {self.keep}", hint="write 400d")
        if self.worse <= 1:
            raise UsageError(f"worse must be greater than 1, got {self.worse:g}", hint="leave it out")

    @property
    def newest(self) -> int:
        """How many windows of a monitor a decision goes by."""
        return max(self.persist, self.critical)

    @property
    def reach(self) -> timedelta:
        """How far back answers are looked at, at most."""
        return max(self.every * self.catch_up, LONGEST)
