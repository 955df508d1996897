"""One class against the rest, over every threshold of its score: ROC, precision and recall, calibration."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np

CALIBRATION_BINS = 10


@dataclass(frozen=True)
class Ranking:
    """Rows from the highest score down, sorted once for any number of row weights.

    order: int64, (n_rows,), positions of the rows
    truth: float64, (n_rows,), 1 where the row in that order is of the class
    ends: int64, (n_thresholds,), the last place of each distinct score
    """

    order: np.ndarray
    truth: np.ndarray
    ends: np.ndarray

    @classmethod
    def of(cls, truth: np.ndarray, score: np.ndarray) -> Ranking:
        """Rank rows by `score`, float64 (n_rows,); truth: bool, (n_rows,)."""
        import numpy as np

        order = np.argsort(-score, kind="stable")
        ends = np.append(np.flatnonzero(np.diff(score[order])), len(score) - 1)
        return cls(order, truth[order].astype(np.float64), ends)

    def cumulative(self, weight: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return the weight of false and of true positives at each threshold, float64 (1 + n_thresholds,), from 0 on."""
        import numpy as np

        sorted_weight = weight[self.order]
        true = np.cumsum(sorted_weight * self.truth)[self.ends]
        false = np.cumsum(sorted_weight)[self.ends] - true
        return np.append(0.0, false), np.append(0.0, true)


def areas(false: np.ndarray, true: np.ndarray) -> tuple[float, float]:
    """Return the area under the ROC curve, ties counted half, and the average precision; NaN where one side is empty."""
    import numpy as np

    if not (true[-1] > 0 and false[-1] > 0):
        return math.nan, math.nan
    roc = np.trapezoid(true, false) / (true[-1] * false[-1])
    average_precision = (np.diff(true) * precision(false, true)[1:]).sum() / true[-1]
    return float(roc), float(average_precision)


def precision(false: np.ndarray, true: np.ndarray) -> np.ndarray:
    """Return the precision at each threshold; 1 where nothing is above it."""
    import numpy as np

    shares: np.ndarray = np.divide(true, true + false, out=np.ones_like(true), where=true + false > 0)
    return shares


def calibration(truth: np.ndarray, score: np.ndarray, weight: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the mean score and the share of truth in bins that hold equally many rows, (n_bins,) each."""
    import numpy as np

    edges = np.quantile(score, np.linspace(0, 1, CALIBRATION_BINS + 1)[1:-1])
    which = np.searchsorted(edges, score)
    sizes = np.bincount(which, weights=weight, minlength=CALIBRATION_BINS)
    held = sizes > 0
    means = (np.bincount(which, weights=weight * x, minlength=CALIBRATION_BINS)[held] for x in (score, truth))
    predicted, observed = (mean / sizes[held] for mean in means)
    return predicted, observed
