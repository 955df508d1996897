"""Means of bounded numbers told by betting: evidence and bounds that hold at every time at once, and at any number of rows.

Whoever believes that the mean is at most `m` takes a bet on each row whose price is fair then. A fortune that grows all the same
speaks against it: under the belief it ever exceeds 1 / risk with at most that risk (Ville 1939; Waudby-Smith and Ramdas 2024,
"Estimating means of bounded random variables by betting", Journal of the Royal Statistical Society B 86:1, section 4). The
fortune is divided among stakes of several sizes beforehand, which is as fair as each is; so it does not depend on the order
of rows, and a process that is begun anew comes to the same.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np

STAKES = tuple(0.9 * 0.75**place for place in range(24))
"""Shares of what may be lost at most on one row, from nearly all of it down to a thousandth: the smaller, the more rows."""
PRECISION = 1e-6
"""Of a bound, as a share of the range."""


def log_fortune(values: np.ndarray, most: float, low: float, high: float) -> float:
    """Return the log of the fortune of who bets that the mean exceeds `most`; evidence once it exceeds log(1 / risk).

    values: (n,), each between low and high; they may depend on each other as long as each one's mean, given those before it, is
    at most `most` where the mean is
    """
    import numpy as np

    if most >= high:
        return -math.inf
    levels, counts = np.unique(np.asarray(values, dtype=np.float64), return_counts=True)
    # A stake of one loses everything where a value is the lowest there is.
    stakes = np.array(STAKES) / max(most - low, 1e-12)
    logs = np.log1p(stakes[:, None] * (levels - most)[None, :]) @ counts
    return float(np.logaddexp.reduce(logs) - math.log(len(STAKES)))


def lower_bound(values: np.ndarray, risk: float, low: float, high: float) -> float:
    """Return what the mean of numbers between low and high exceeds at every time at once, but for a risk; `low` of none."""
    wanted, under, over = -math.log(risk), low, high
    if not len(values):
        return low
    while over - under > PRECISION * (high - low):
        middle = (under + over) / 2
        # Whoever bets against a greater mean has less.
        if log_fortune(values, middle, low, high) >= wanted:
            under = middle
        else:
            over = middle
    return under


def upper_bound(values: np.ndarray, risk: float, low: float, high: float) -> float:
    """Return what the mean stays below at every time at once, but for a risk; `high` of none."""
    return -lower_bound(-values, risk, -high, -low)
