"""Rules by which an answer is made of what a model says: which class is answered, and how far the truth may be."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    import numpy as np


@dataclass(frozen=True)
class DecisionRule:
    """How the answered class follows from the probabilities, where it is not the most probable one.

    Of two classes the positive one is answered from the threshold on; of more, the one of the least expected cost.
    """

    by: Literal["threshold", "costs", "precision", "recall"]
    threshold: float | None = None
    """The least probability of the positive class that is answered with it; None of more than two classes."""
    positive: int = 1
    """Code of the positive class of two."""
    costs: tuple[tuple[float, ...], ...] = ()
    """What it costs to answer the class of a column where the class of the line is true, by class codes."""
    wanted: float | None = None
    """The least precision or recall that was wanted."""
    rows: int = 0
    """Rows that the threshold was chosen on; 0 where nothing was to be chosen."""

    def codes(self, probabilities: np.ndarray) -> np.ndarray:
        """Return the code of each row's answer, int64 (n_rows,). probabilities: float64, (n_rows, n_classes)"""
        import numpy as np

        if self.threshold is None:
            # Of equal costs the first, as of equal probabilities.
            return np.asarray((probabilities @ np.array(self.costs)).argmin(axis=1), dtype=np.int64)
        high = probabilities[:, self.positive] >= self.threshold
        return np.where(high, self.positive, 1 - self.positive).astype(np.int64)

    def lead(self, probabilities: np.ndarray, one: int, other: int) -> float:
        """Return how far a row's probabilities, (n_classes,), are from where one answer becomes another: 0 right there.

        It is twice the distance that each of them has to move by, as where the most probable class is answered.
        """
        import numpy as np

        if self.threshold is not None:
            return float(2 * abs(probabilities[self.positive] - self.threshold))
        apart = np.array(self.costs)[:, one] - np.array(self.costs)[:, other]
        moved = np.abs(apart).sum()
        return float(2 * abs(probabilities @ apart) / moved) if moved > 0 else 0.0


@dataclass(frozen=True)
class Intervals:
    """How far on either side of an answered number the truth lies in a share of the rows."""

    coverage: float
    """The share of rows whose truth is to lie within."""
    half_width: float
    """In the unit of the target."""
    rows: int
    """Validation rows that it was measured on."""

    def around(self, values: np.ndarray) -> np.ndarray:
        """Return lower and upper bound of each number, float64 (n_rows, 2). values: float64, (n_rows,)"""
        import numpy as np

        return np.column_stack([values - self.half_width, values + self.half_width])
