"""95 % intervals that hold also near 1, on few rows and on rows that come in groups; shown in benchmarks/quality/coverage.py."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np

Interval = tuple[float, float]
CONFIDENCE = 0.95


@dataclass(frozen=True)
class Units:
    """What is independent of each other: rows, or groups of rows.

    of: int64, (n_rows,), the unit of each row, from 0 on; weight: float64, (n_rows,)
    """

    of: np.ndarray
    weight: np.ndarray
    count: int

    @classmethod
    def among(cls, weight: np.ndarray, groups: np.ndarray | None) -> Units:
        """Return the groups of rows, or each row for itself. groups: int64, (n_rows,)."""
        import numpy as np

        if groups is None:
            return cls(np.arange(len(weight)), weight, len(weight))
        names, of = np.unique(groups, return_inverse=True)
        return cls(of, weight, len(names))

    def effective(self, rows: np.ndarray | None = None) -> float:
        """Return how many equally heavy units tell as much as the units of some rows (bool mask): Kish 1965, section 11.7."""
        import numpy as np

        weight = self.weight if rows is None else self.weight * rows
        totals = np.bincount(self.of, weight, self.count)
        return float(totals.sum() ** 2 / (totals**2).sum()) if totals.any() else 0.0

    def sums(self, values: np.ndarray) -> np.ndarray:
        """Return the sum of row values, (n_rows,), in each unit, (count,)."""
        import numpy as np

        return np.bincount(self.of, values, self.count)


def of_share(value: float, variance: float, most: float, units: int) -> Interval:
    """Return Wilson's interval (1927) of a share or an area, on as many rows as would make it vary so.

    An effective sample size in Wilson's interval is what Franco, Little, Louis and Slud (2019) recommend for correlated
    rows. `most` bounds it: near 0 and 1 resamples hardly vary, and would promise more than so few rows can tell.

    variance: of the value over resamples
    most: the number of rows (or groups) of the scarcest sort that it is taken from
    units: rows or groups, for Student's t
    """
    spread = value * (1 - value)
    count = min(spread / variance, most) if variance > 0 and spread > 0 else most
    if not count > 0:
        return 0.0, 1.0
    z = _t(units)
    center = (value + z * z / (2 * count)) / (1 + z * z / count)
    half = z / (1 + z * z / count) * math.sqrt(max(0.0, spread) / count + z * z / (4 * count * count))
    # Rounding alone must not put the value itself outside.
    return max(0.0, min(center - half, value)), min(1.0, max(center + half, value))


def of_mean(value: float, parts: np.ndarray) -> Interval:
    """Return the interval of a mean, or of what is nearly one, with its skewness taken away (Hall 1992, section 2.2).

    parts: float64, (n_units,), what each unit adds to the mean beyond its share of it; they sum to 0
    """
    import numpy as np

    units = len(parts)
    deviation = float(np.sqrt((parts**2).sum() * units))
    if units < 2 or not deviation > 0:
        return value, value
    skewness = float(((units * parts) ** 3).mean()) / deviation**3
    error = deviation / math.sqrt(units - 1)
    t = _t(units)
    return value - error * _straightened(t, skewness, units), value - error * _straightened(-t, skewness, units)


def of_resampled_mean(values: Sequence[float], share: float) -> Interval | tuple[None, None]:
    """Return the interval of a mean over folds or resamples of the same rows: the corrected resampled t.

    Training rows of two folds overlap, so their figures are not independent, and the variance of the mean is taken as
    1/n + share times theirs instead of 1/n (Nadeau and Bengio 2003, "Inference for the generalization error", Machine
    Learning 52, section 3; of repeated folds Bouckaert and Frank 2004). None where there are fewer than 2, or one is not finite.

    share: held-out rows to one that is trained on
    """
    import statistics

    if len(values) < 2 or not all(map(math.isfinite, values)):
        return None, None
    mean, half = (
        statistics.fmean(values),
        _t(len(values)) * statistics.stdev(values) * math.sqrt(1 / len(values) + share),
    )
    return mean - half, mean + half


def of_shares_difference(value: float, parts: np.ndarray) -> Interval:
    """Return the interval of the difference of two shares of the same rows, of which few may differ.

    Normal, with half a disagreement more on either side (Agresti and Min 2005, "Simple improved confidence intervals for
    comparing matched proportions", Statistics in Medicine 24:729), here as large as the largest of a unit.
    parts: float64, (n_units,), what each unit adds to the difference
    """
    from statistics import NormalDist

    largest = float((parts**2).max(initial=0.0))
    error = math.sqrt(float(((parts - parts.mean()) ** 2).sum()) + largest)
    reach = NormalDist().inv_cdf((1 + CONFIDENCE) / 2) * error
    return value - reach, value + reach


def _straightened(t: float, skewness: float, units: int) -> float:
    """Return where a skewed statistic stands when its transform, which is nearly normal, stands at t."""
    import numpy as np

    a = skewness / math.sqrt(units)
    return t if abs(a) < 1e-8 else float(3 / a * (np.cbrt(1 + a * (t - a / 6)) - 1))


def _t(units: int) -> float:
    """Return the quantile of Student's t for the mean of so many units (Abramowitz and Stegun 1964, 26.7.3 to 26.7.5)."""
    from statistics import NormalDist

    chance, freedom = (1 + CONFIDENCE) / 2, max(1, units - 1)
    if freedom == 1:
        return math.tan(math.pi * (chance - 0.5))
    if freedom == 2:
        return (2 * chance - 1) / math.sqrt(2 * chance * (1 - chance))
    z = NormalDist().inv_cdf(chance)
    terms = (
        (z**3 + z) / 4,
        (5 * z**5 + 16 * z**3 + 3 * z) / 96,
        (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / 384,
        (79 * z**9 + 776 * z**7 + 1482 * z**5 - 1920 * z**3 - 945 * z) / 92160,
    )
    return float(z + sum(term / freedom ** (order + 1) for order, term in enumerate(terms)))
