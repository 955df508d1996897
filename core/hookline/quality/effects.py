"""Effect sizes between two samples of a column, each with a lower confidence bound, by default at 95 %."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import exp, log
from statistics import NormalDist
from typing import TYPE_CHECKING

from hookline.kinds.reports import Bins, ColumnProfile

from .distributions import finer

if TYPE_CHECKING:
    import numpy as np


@dataclass(frozen=True)
class Effect:
    """A difference between two samples, and what it is at least, with the confidence asked for."""

    column: str
    statistic: str
    value: float
    low: float
    chance: float = 0.0
    """How often as large a difference comes of samples of the same source; 0 where it cannot."""


Worth = tuple[float, float]
"""How many independent rows a row of either sample is worth: less than one where rows come in groups."""
ALONE: Worth = (1.0, 1.0)


def numeric_effect(
    column: str, before: np.ndarray, now: np.ndarray, confidence: float = 0.95, worth: Worth = ALONE
) -> Effect:
    """Return the Kolmogorov-Smirnov distance of two samples, (n,) and (m,); equals scipy.stats.ks_2samp."""
    import numpy as np

    if not len(before) or not len(now):
        # How many values are missing is an effect of its own.
        return Effect(column, "KS", 0.0, 0.0, 1.0)
    before, now = np.sort(before), np.sort(now)
    values = np.concatenate([before, now])
    gaps = np.searchsorted(before, values, side="right") / len(before) - np.searchsorted(
        now, values, side="right"
    ) / len(now)
    return _with_bound(column, float(np.abs(gaps).max()), (len(before) * worth[0], len(now) * worth[1]), confidence)


def numeric_effect_of_bins(before: ColumnProfile, now: ColumnProfile) -> Effect:
    """Return the Kolmogorov-Smirnov distance of a profile and of rows that `rebin` counted on its bins.

    It is at most the exact one, and at most half a percent less: so much of a profile one bin of several values may hold.
    """
    assert before.bins is not None
    assert now.bins is not None
    return _of_bins(before, now, finer(before), now.bins)


def numeric_effect_of_profiles(before: ColumnProfile, now: ColumnProfile) -> Effect:
    """Return the Kolmogorov-Smirnov distance of two profiles with bins of their own: at most the exact one, or 0.01 less.

    At an edge of one the share of the other is known to within one of its bins; the smallest gap that this leaves is taken.
    """
    return _of_bins(before, now, finer(before), finer(now))


def categorical_effect(column: str, before: Mapping[str, int], now: Mapping[str, int], worth: Worth = ALONE) -> Effect:
    """Return Cramer's V between value and sample, given how often each sample holds each value, and its lower bound."""
    values = sorted({*before, *now})
    held = [[counts.get(value, 0) for value in values] for counts in (before, now)]
    return association(column, held[0], held[1], worth=worth)


def categorical_effect_of_top(before: ColumnProfile, now: Mapping[str, int], worth: Worth = ALONE) -> Effect:
    """Return Cramer's V where training's rarer values are counted together only: its `top` was cut, current counts are whole.

    Values that stand in `top` because training happened to hold many of them are rarer in any other sample. Of a fresh one,
    values seen at least t times before make up the share of training's rows whose value was seen at least t + 1 times
    (Good, 1953: the expected frequency of a value seen r times is (r + 1) N[r + 1] / N[r]). Of the rarer values those that are
    surely commoner now, even by the most rows that training may have held, are counted one by one again.
    """
    kept, least = _kept(before)
    return _of_top(before, kept, least, dict(now), sum(now.values()), worth)


def categorical_effect_of_profiles(before: ColumnProfile, now: ColumnProfile) -> Effect:
    """Return Cramer's V of two profiles, of which either or both may list their most frequent values only.

    Where the other does not list a value, it is taken to hold as many as would be no difference, if so many may be cut off.
    """
    worth = before.independent, now.independent
    cut = [len(column.top) < column.distinct for column in (before, now)]
    if not any(cut):
        return categorical_effect(before.name, dict(before.top), dict(now.top), worth)
    if not cut[0]:
        # It is the same from either side.
        before, now, worth = now, before, (worth[1], worth[0])
    kept, least = _kept(before)
    held, present = dict(now.top), now.count - now.missing
    if len(now.top) < now.distinct:
        most, scale = now.top[-1][1], present / (before.count - before.missing)
        left = present - sum(held.values())
        for value in kept.keys() - held.keys():
            held[value] = min(most, round(kept[value] * scale), left)
            left -= held[value]
    return _of_top(before, kept, least, held, present, worth)


def missing_effect(before: ColumnProfile, now: ColumnProfile) -> Effect:
    """Return the difference of the shares of missing values, and its lower bound."""
    counts = (before.missing, before.count), (now.missing, now.count)
    return share_effect(before.name, "missing share", *counts, worth=(before.independent, now.independent))


def share_effect(
    column: str,
    statistic: str,
    before: tuple[int, int],
    now: tuple[int, int],
    confidence: float = 0.95,
    worth: Worth = ALONE,
) -> Effect:
    """Return the difference of two shares, each given as (rows that have it, rows), and its lower bound.

    The bound is that of the Wald interval of two proportions; where rows come in groups, which may be few, one row of either
    sort is added to each sample of as many independent rows (Agresti and Caffo, 2000).
    """
    shares = [held / max(1, rows) for held, rows in (before, now)]
    difference = abs(shares[0] - shares[1])
    sizes = [max(1, rows) * each for (_, rows), each in zip((before, now), worth, strict=True)]
    more = 1 if min(worth) < 1 else 0
    sizes, shares = (
        [size + 2 * more for size in sizes],
        [(share * size + more) / (size + 2 * more) for share, size in zip(shares, sizes, strict=True)],
    )
    spread = sum(share * (1 - share) / size for share, size in zip(shares, sizes, strict=True)) ** 0.5
    low = min(difference, abs(shares[0] - shares[1]) - _normal(confidence) * spread)
    return Effect(column, statistic, difference, max(0.0, low), _beyond(difference, spread))


def surged(before: tuple[int, int], now: Mapping[str, int], rows: int, worth: Worth = ALONE) -> dict[str, int]:
    """Return the values, with their rows, that surely are a larger share now than `before`, given as (most rows, rows).

    The bound of each allows for as many values as there are (Bonferroni).
    """
    confidence = 1 - 0.05 / max(1, len(now))
    return {
        value: count
        for value, count in now.items()
        if count / max(1, rows) > before[0] / max(1, before[1])
        and share_effect("", "", before, (count, rows), confidence, worth).low > 0
    }


def _of_bins(before: ColumnProfile, now: ColumnProfile, then: Bins, current: Bins) -> Effect:
    """Return the distance of two binned samples; what is infinite lies beyond every edge."""
    import numpy as np

    sizes = before.count - before.missing, now.count - now.missing
    if not all(sizes):
        return Effect(before.name, "KS", 0.0, 0.0, 1.0)
    edges = np.union1d(then.edges, current.edges)
    bounds = [_share_bounds(bins, size, edges) for bins, size in zip((then, current), sizes, strict=True)]
    gaps = [bounds[0][0] - bounds[1][1], bounds[1][0] - bounds[0][1]]
    independent = sizes[0] * before.independent, sizes[1] * now.independent
    return _with_bound(before.name, max(0.0, float(np.max(gaps))), independent, 0.95)


def _kept(before: ColumnProfile) -> tuple[dict[str, int], int]:
    """Return the values of a cut `top` that surely are all of their count, and the most rows of any other."""
    least = before.top[-1][1]
    # As many rows as the last have, others may have that were cut off.
    return {value: count for value, count in before.top if count > least}, least


def _of_top(
    before: ColumnProfile, kept: Mapping[str, int], least: int, now: Mapping[str, int], rows: int, worth: Worth
) -> Effect:
    present = before.count - before.missing
    expected = sum(count for count in kept.values() if count > least + 1)
    scale = expected / max(1, sum(kept.values()))
    held = [now.get(value, 0) for value in kept]
    others = {value: count for value, count in now.items() if value not in kept}
    fresh = surged((least, present), others, rows, worth)
    # No more than there are, where many values surge.
    was = min(1.0, (present - expected) / max(1, least * len(fresh))) * least
    apart = present - expected - was * len(fresh), rows - sum(held) - sum(fresh.values())
    then = [*(count * scale for count in kept.values()), *(was for _ in fresh), apart[0]]
    return association(before.name, then, [*held, *fresh.values(), apart[1]], worth=worth)


def _share_bounds(bins: Bins, rows: int, at: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return at least and at most which share of a binned sample is no larger than each of some values."""
    import numpy as np

    edges = bins.edges
    below = np.concatenate([[0.0], np.cumsum(bins.counts) / rows])
    left = np.searchsorted(edges, at, side="right") - 1
    exact = np.isin(at, edges[1:])
    low = np.where(left < 0, 0.0, below[np.clip(left, 0, len(below) - 1)])
    high = np.where(left < 0, 0.0, below[np.clip(left + 1, 0, len(below) - 1)])
    return low, np.where(exact, low, high)


def association(
    column: str, before: Sequence[float], now: Sequence[float], confidence: float = 0.95, worth: Worth = ALONE
) -> Effect:
    """Return Cramer's V of a table of two rows, and its lower bound.

    The chi-square statistic equals scipy.stats.chi2_contingency without correction; its noncentrality is bounded by the
    normal approximation of the noncentral chi-square (mean df + l, variance 2 (df + 2 l); Patnaik, 1949). Rows that come in
    groups count as many independent ones (Rao and Scott, 1981).
    """
    import numpy as np

    table = np.array([before, now], dtype=np.float64)
    table = table[:, table.sum(axis=0) > 0]
    effect = (_chi2(table) / table.sum()) ** 0.5
    table *= np.array(worth)[:, None]
    df = max(1, table.shape[1] - 1)
    noncentrality = max(0.0, _chi2(table) - df)
    low = max(0.0, noncentrality - _normal(confidence) * (2 * (df + 2 * noncentrality)) ** 0.5)
    chance = _of_chi2(noncentrality + df, df) if noncentrality else 1.0
    return Effect(column, "Cramer's V", effect, min(effect, float(low / table.sum()) ** 0.5), chance)


def _chi2(table: np.ndarray) -> float:
    expected = table.sum(axis=1, keepdims=True) * table.sum(axis=0, keepdims=True) / table.sum()
    return float(((table - expected) ** 2 / expected).sum())


def _of_chi2(value: float, df: int) -> float:
    """Return how often chi-square is as large (Wilson and Hilferty, 1931: its cube root is nearly normal)."""
    part = 2 / (9 * df)
    return NormalDist().cdf((1 - part - (value / df) ** (1 / 3)) / part**0.5)


def _beyond(difference: float, spread: float) -> float:
    """Return how often a normal difference of that spread is as large, either way."""
    return 2 * NormalDist().cdf(-difference / spread) if spread else float(not difference)


def _with_bound(column: str, distance: float, independent: tuple[float, float], confidence: float) -> Effect:
    """Bound a Kolmogorov-Smirnov distance (Smirnov, 1948): equal samples differ by less than `error` in so many of cases."""
    doubt = 1 / independent[0] + 1 / independent[1]
    error = (-log((1 - confidence) / 2) / 2 * doubt) ** 0.5
    chance = min(1.0, 2 * exp(-2 * distance**2 / doubt))
    return Effect(column, "KS", distance, max(0.0, distance - error), chance)


def _normal(confidence: float) -> float:
    """Return the one-sided quantile of the normal distribution."""
    return NormalDist().inv_cdf(confidence)
