"""Where the times of a column have gaps that are no part of their usual rhythm."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np

UNITS = (("day", 86_400.0), ("hour", 3_600.0))
"""Units of time with their seconds; the first of which there are LEAST is used, so that nights are no gaps in days."""
LEAST = 14
"""Units that times must span, and steps that there must be to call one long."""
TIMES = 2.0
"""How many times as long as nearly all others (95 %) a gap is; so weekends and months are none."""
DOUBT = 5.0
"""Beyond the longest that chance makes: of events at random, one column in 150 (e^-5) has a gap by this alone."""
MOST = 5


@dataclass(frozen=True)
class Gaps:
    """Times without rows, longer than the rhythm of the others explains; moments are seconds since 1970 UTC."""

    unit: str
    """day, hour, or second where the times span less than 14 hours."""
    spanned: int
    """Units from the first to the last."""
    filled: int
    """Units that hold a row."""
    usual: float
    """Units from one that holds a row to the next, in 95 % of the steps or more."""
    count: int = 0
    longest: tuple[tuple[float, float], ...] = ()
    """The longest gaps, at most 5, from the last row before to the first one after, the longest first."""


def gaps_in(times: np.ndarray) -> Gaps | None:
    """Find the gaps in sorted times, float64 seconds, (n,); None where they are too few to have a rhythm."""
    import numpy as np

    span = float(times[-1] - times[0]) if len(times) else 0.0
    unit, seconds = next(((u, s) for u, s in UNITS if span >= LEAST * s), ("second", 1.0))
    held = np.floor(times / seconds)
    first = np.concatenate([[True], held[1:] != held[:-1]])
    held = held[first]
    if len(held) <= LEAST:
        return None
    steps = np.diff(held)
    usual = float(np.quantile(steps, 0.95))
    limit = max(TIMES * usual, float(steps.mean()) * (float(np.log(len(steps))) + DOUBT))
    longer = np.flatnonzero(steps > limit)
    longest = longer[np.argsort(-steps[longer], kind="stable")][:MOST]
    starts = np.flatnonzero(first)
    found = tuple((float(times[starts[i + 1] - 1]), float(times[starts[i + 1]])) for i in longest.tolist())
    return Gaps(unit, int(held[-1] - held[0]) + 1, len(held), usual, len(longer), found)
