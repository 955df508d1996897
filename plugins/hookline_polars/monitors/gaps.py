"""Gaps in time: spans without any row that rows at random moments would not leave."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from math import exp
from typing import TYPE_CHECKING

from hookline.data.columns import column_kind
from hookline.quality.distributions import numbers

if TYPE_CHECKING:
    import numpy as np
    import polars as pl


@dataclass(frozen=True)
class Times:
    """When rows happened. at: float64 seconds since 1970, sorted, (n,); gaps: between one and the next, (n - 1,)."""

    at: np.ndarray
    gaps: np.ndarray
    moments: bool


@dataclass(frozen=True)
class Gap:
    """A span without rows. chance: how often so long a one comes of rows at random moments."""

    seconds: float
    start: float
    chance: float
    moments: bool = True

    @property
    def told(self) -> str:
        """How long it is in words."""
        return str(timedelta(seconds=round(self.seconds))) if self.moments else f"{self.seconds:g}"

    @property
    def since(self) -> str:
        """When it began."""
        return f"{datetime.fromtimestamp(self.start, UTC):%Y-%m-%d %H:%M}" if self.moments else f"{self.start:g}"


def times_in(frame: pl.LazyFrame, name: str) -> Times:
    """Return when rows happened, by a column of datetimes or numbers; none where it is absent or a text."""
    import numpy as np

    dtype = frame.collect_schema().get(name)
    kind = None if dtype is None else column_kind(dtype)
    if dtype is None or kind is None or kind not in ("datetime", "number"):
        return Times(np.zeros(0), np.zeros(0), moments=True)
    values = numbers(frame, name, kind, dtype)
    at = np.sort(values[np.isfinite(values)])
    return Times(at, np.diff(at), moments=kind == "datetime")


def gap_in(times: Times, longer: float) -> Gap | None:
    """Return the longest gap, where it is longer than so many seconds; None where it is not.

    Of n rows at random moments (a Poisson process) the longest gap is as long as n exp(-gap / mean) of cases at most.
    """
    if len(times.gaps) < 2:
        return None
    place = int(times.gaps.argmax())
    longest = float(times.gaps[place])
    # The mean of the others, which the gap itself has no part in.
    mean = (float(times.gaps.sum()) - longest) / (len(times.gaps) - 1)
    if longest <= longer or longest <= 0:
        return None
    chance = min(1.0, len(times.gaps) * exp(-longest / mean)) if mean > 0 else 0.0
    return Gap(longest, float(times.at[place]), chance, times.moments)
