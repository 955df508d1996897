"""The threshold of a Page-Hinkley test, from the losses that it will see where nothing changes."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np

STATES = 240
"""Cells that the test's sum is divided into."""
STEPS = 18
"""Halvings of the range that holds the threshold."""
MOST_SPREADS = 400
"""Standard deviations of a loss that a threshold may be."""


def rows_until_alarm(losses: np.ndarray, delta: float, threshold: float) -> float:
    """Return how many rows pass on average before a false alarm, where losses are drawn from these.

    The cumulative sum is a Markov chain of so many states (Brook and Evans, 1972, Biometrika 59:539).
    losses: float64, (n,)
    """
    import numpy as np

    steps = np.sort(losses - losses.mean() - delta)
    width = threshold / STATES
    # From the middle of a cell to the upper end of another, so many cells on; the lowest cell takes all that falls below.
    reach = (np.arange(1 - STATES, STATES) + 0.5) * width
    below = np.searchsorted(steps, reach, side="right") / len(steps)
    places = np.arange(STATES)
    moves = np.diff(below[places[None, :] - places[:, None] + STATES - 1], prepend=0.0, axis=1)
    runs = np.linalg.solve(np.eye(STATES) - moves, np.ones(STATES))
    return float(runs[0]) if np.isfinite(runs[0]) and runs[0] > 0 else float("inf")


def threshold_for(losses: np.ndarray, delta: float, rows: float) -> float:
    """Return the lowest threshold with which `rows` rows pass on average before a false alarm.

    losses: float64, (n,), of which not all are the same
    """
    from threadpoolctl import threadpool_limits

    spread = float(losses.std())
    low, high = spread / 10, spread * MOST_SPREADS
    # Threads that wait for each other over so small a matrix take longer than one.
    with threadpool_limits(1):
        for _ in range(STEPS):
            middle = (low * high) ** 0.5
            low, high = (low, middle) if rows_until_alarm(losses, delta, middle) >= rows else (middle, high)
    return high
