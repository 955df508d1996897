"""How evenly rows are spread over the values of a column."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np

POINTS = 20
"""Equal steps of a Lorenz curve."""


@dataclass(frozen=True)
class Spread:
    """How evenly rows are spread over values: as over how many equal ones, and how many of them a few have."""

    effective: float
    """As many equally frequent values are as varied: e to the power of Shannon's entropy (Jost, 2006; Hill, 1973, order 1)."""
    gini: float
    """0 where every value has as many rows, near 1 where one has nearly all (Gini, 1912)."""
    top_share: float
    """Share of the rows that the most frequent 1 % of the values have, at least one value."""
    lorenz: tuple[float, ...] = ()
    """Share of the rows that the rarest 0, 5, 10, ... 100 % of the values have; of 20 values or more."""


def spread_of(counts: np.ndarray) -> Spread | None:
    """Return the spread of values with these rows each, int64 (n_values,), all above 0; None of fewer than two."""
    import numpy as np

    size = len(counts)
    if size < 2:
        return None
    held = np.sort(counts).astype(np.float64)
    total = float(held.sum())
    below = np.concatenate([[0.0], np.cumsum(held) / total])
    # Of those that are as one, rounding would make a little less than none.
    gini = max(0.0, 1.0 - float((below[1:] + below[:-1]).sum()) / size)
    most = held[-max(1, size // 100) :].sum() / total
    held /= total
    effective = float(np.exp(-(held * np.log(held)).sum()))
    steps = np.linspace(0, size, POINTS + 1)
    lorenz = np.interp(steps, np.arange(size + 1), below).round(6).tolist() if size >= POINTS else []
    return Spread(effective, gini, float(most), tuple(lorenz))
