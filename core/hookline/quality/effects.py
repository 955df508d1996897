"""Effect sizes between two samples of a column, each with a lower confidence bound, by default at 95 %."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import log
from statistics import NormalDist
from typing import TYPE_CHECKING

from hookline.kinds.reports import ColumnProfile

if TYPE_CHECKING:
    import numpy as np


@dataclass(frozen=True)
class Effect:
    """A difference between two samples, and what it is at least, with the confidence asked for."""

    column: str
    statistic: str
    value: float
    low: float


def numeric_effect(column: str, before: np.ndarray, now: np.ndarray, confidence: float = 0.95) -> Effect:
    """Return the Kolmogorov-Smirnov distance of two samples, (n,) and (m,); equals scipy.stats.ks_2samp."""
    import numpy as np

    if not len(before) or not len(now):
        # How many values are missing is an effect of its own.
        return Effect(column, "KS", 0.0, 0.0)
    before, now = np.sort(before), np.sort(now)
    values = np.concatenate([before, now])
    gaps = np.searchsorted(before, values, side="right") / len(before) - np.searchsorted(
        now, values, side="right"
    ) / len(now)
    return _with_bound(column, float(np.abs(gaps).max()), len(before), len(now), confidence)


def numeric_effect_of_bins(before: ColumnProfile, now: ColumnProfile) -> Effect:
    """Return the Kolmogorov-Smirnov distance at the reference's bin edges: at most the exact one."""
    import numpy as np

    assert before.bins is not None
    assert now.bins is not None
    if not sum(before.bins.counts) or not sum(now.bins.counts):
        return Effect(before.name, "KS", 0.0, 0.0)
    shares = [np.cumsum(bins.counts) / sum(bins.counts) for bins in (before.bins, now.bins)]
    distance = float(np.abs(shares[0] - shares[1]).max(initial=0.0))
    return _with_bound(before.name, distance, sum(before.bins.counts), sum(now.bins.counts), 0.95)


def numeric_effect_of_profiles(before: ColumnProfile, now: ColumnProfile) -> Effect:
    """Return the Kolmogorov-Smirnov distance of two profiles with bins of their own: at most the exact one.

    At an edge of one the share of the other is known to within one of its bins; the smallest gap that this leaves is taken.
    """
    import numpy as np

    assert before.bins is not None
    assert now.bins is not None
    sizes = [sum(bins.counts) for bins in (before.bins, now.bins)]
    if not all(sizes):
        return Effect(before.name, "KS", 0.0, 0.0)
    edges = np.union1d(before.bins.edges, now.bins.edges)
    bounds = [_share_bounds(column.bins.edges, column.bins.counts, edges) for column in (before, now) if column.bins]
    gaps = [bounds[0][0] - bounds[1][1], bounds[1][0] - bounds[0][1]]
    distance = max(0.0, float(np.max(gaps)))
    return _with_bound(before.name, distance, sizes[0], sizes[1], 0.95)


def categorical_effect(column: str, before: Mapping[str, int], now: Mapping[str, int]) -> Effect:
    """Return Cramer's V between value and sample, given how often each sample holds each value, and its lower bound."""
    values = sorted({*before, *now})
    held = [[counts.get(value, 0) for value in values] for counts in (before, now)]
    return association(column, held[0], held[1])


def categorical_effect_of_top(before: ColumnProfile, now: Mapping[str, int]) -> Effect:
    """Return Cramer's V where training's rarer values are counted together only: its `top` was cut, current counts are whole.

    Values that stand in `top` because training happened to hold many of them are rarer in any other sample. Of a fresh one,
    values seen at least t times before make up the share of training's rows whose value was seen at least t + 1 times
    (Good, 1953: the expected frequency of a value seen r times is (r + 1) N[r + 1] / N[r]).
    """
    least = before.top[-1][1]
    # As many rows as the last have, others may have that were cut off.
    kept = {value: count for value, count in before.top if count > least}
    expected = sum(count for count in kept.values() if count > least + 1)
    scale = expected / max(1, sum(kept.values()))
    held = [now.get(value, 0) for value in kept]
    others = before.count - before.missing - expected, sum(now.values()) - sum(held)
    return association(before.name, [*(count * scale for count in kept.values()), others[0]], [*held, others[1]])


def missing_effect(before: ColumnProfile, now: ColumnProfile) -> Effect:
    """Return the difference of the shares of missing values, and its lower bound."""
    return share_effect(before.name, "missing share", (before.missing, before.count), (now.missing, now.count))


def share_effect(
    column: str, statistic: str, before: tuple[int, int], now: tuple[int, int], confidence: float = 0.95
) -> Effect:
    """Return the difference of two shares, each given as (rows that have it, rows), and its lower bound.

    The bound is that of the Wald interval of two proportions.
    """
    shares = [held / max(1, rows) for held, rows in (before, now)]
    spread = sum(s * (1 - s) / max(1, rows) for s, (_, rows) in zip(shares, (before, now), strict=True)) ** 0.5
    difference = abs(shares[0] - shares[1])
    return Effect(column, statistic, difference, max(0.0, difference - _normal(confidence) * spread))


def _share_bounds(edges: Sequence[float], counts: Sequence[int], at: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return at least and at most which share of a binned sample is no larger than each of some values."""
    import numpy as np

    below = np.concatenate([[0.0], np.cumsum(counts) / sum(counts)])
    left = np.searchsorted(edges, at, side="right") - 1
    exact = np.isin(at, edges[1:])
    low = np.where(left < 0, 0.0, below[np.clip(left, 0, len(below) - 1)])
    high = np.where(left < 0, 0.0, below[np.clip(left + 1, 0, len(below) - 1)])
    return low, np.where(exact, low, high)


def association(column: str, before: Sequence[float], now: Sequence[float], confidence: float = 0.95) -> Effect:
    """Return Cramer's V of a table of two rows, and its lower bound.

    The chi-square statistic equals scipy.stats.chi2_contingency without correction; its noncentrality is bounded by the
    normal approximation of the noncentral chi-square (mean df + l, variance 2 (df + 2 l); Patnaik, 1949).
    """
    import numpy as np

    table = np.array([before, now], dtype=np.float64)
    table = table[:, table.sum(axis=0) > 0]
    total = table.sum()
    expected = table.sum(axis=1, keepdims=True) * table.sum(axis=0, keepdims=True) / total
    chi2 = float(((table - expected) ** 2 / expected).sum())
    df = max(1, table.shape[1] - 1)
    noncentrality = max(0.0, chi2 - df)
    low = max(0.0, noncentrality - _normal(confidence) * (2 * (df + 2 * noncentrality)) ** 0.5)
    return Effect(column, "Cramer's V", (chi2 / total) ** 0.5, (low / total) ** 0.5)


def _with_bound(column: str, distance: float, rows_before: int, rows_now: int, confidence: float) -> Effect:
    """Bound a Kolmogorov-Smirnov distance (Smirnov, 1948): equal samples differ by less than `error` in so many of cases."""
    error = (-log((1 - confidence) / 2) / 2 * (1 / rows_before + 1 / rows_now)) ** 0.5
    return Effect(column, "KS", distance, max(0.0, distance - error))


def _normal(confidence: float) -> float:
    """Return the one-sided quantile of the normal distribution."""
    return NormalDist().inv_cdf(confidence)
