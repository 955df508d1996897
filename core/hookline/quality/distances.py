"""Distances between two samples of a column as figures, which judge nothing: Wasserstein, PSI, Jensen-Shannon.

PSI and Jensen-Shannon compare shares of bins: of numbers and datetimes the ranges between the deciles of the reference, and what
lies beyond them in the outer two; of texts and booleans each value of the reference's, and all others together.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from hookline.kinds.reports import Bins, ColumnProfile

from .distributions import finer

if TYPE_CHECKING:
    import numpy as np

PARTS = 10
"""Bins of a number, at most."""
BULK = (0.01, 0.99)
"""Shares of the reference between which `shift` looks, so that no single value far off decides."""
NORMAL_IQR = 1.349
"""Interquartile range of the normal distribution, in standard deviations."""


@dataclass(frozen=True)
class Distances:
    """How far two samples of a column are apart."""

    psi: float
    jensen_shannon: float
    wasserstein: float | None = None
    """In interquartile ranges of the reference; None for texts, booleans, and where that range is 0."""
    within: float = 0.0
    """By how much `wasserstein` may be off, since a bin does not tell where in it its values lie."""
    shift: float | None = None
    """Wasserstein distance between the reference's quantiles of BULK, in standard deviations; None for texts, booleans, and
    what hardly ever varies. As such counts that of the reference there, or less where its interquartile range is less than a
    normal column's (Silverman, 1986, 3.4.2), but no less than half."""
    mean_shift: float = 0.0
    """How far the mean has moved there, in the same unit, what is beyond taken to be at their ends."""
    spread: float = 0.0
    """Standard deviation of the reference there, in the same unit; at least 1."""
    scale: float = 0.0
    """The interquartile range of the reference."""


def psi(before: np.ndarray, now: np.ndarray) -> float:
    """Return the population stability index of two arrays of counts, (n_bins,): sum of (q - p) ln(q / p).

    A bin without rows is taken to hold half a row, since the logarithm of nothing is infinite.
    """
    import numpy as np

    first, second = (np.maximum(counts, 0.5) / counts.sum() for counts in (before, now))
    return float(((second - first) * np.log(second / first)).sum())


def jensen_shannon(before: np.ndarray, now: np.ndarray) -> float:
    """Return the Jensen-Shannon distance of two arrays of counts, (n_bins,), base 2: from 0, the same, to 1, nothing shared.

    It equals scipy.spatial.distance.jensenshannon(before, now, base=2), the square root of the divergence (Lin, 1991).
    """
    import numpy as np

    shares = [counts / counts.sum() for counts in (before, now)]
    middle = (shares[0] + shares[1]) / 2
    parts = [share[share > 0] * np.log2(share[share > 0] / middle[share > 0]) for share in shares]
    return float(max(0.0, (parts[0].sum() + parts[1].sum()) / 2) ** 0.5)


def wasserstein(before: np.ndarray, now: np.ndarray) -> float:
    """Return the area between the cumulative distributions of two samples, (n,) and (m,), in their unit.

    It equals scipy.stats.wasserstein_distance.
    """
    import numpy as np

    before, now = np.sort(before), np.sort(now)
    values = np.sort(np.concatenate([before, now]))
    shares = [np.searchsorted(sample, values[:-1], side="right") / len(sample) for sample in (before, now)]
    return float((np.abs(shares[0] - shares[1]) * np.diff(values)).sum())


def of_numbers(before: ColumnProfile, now: ColumnProfile) -> Distances | None:
    """Return the distances of a profile and of rows that `rebin` counted on its bins; None where either has no finite values."""
    import numpy as np

    if before.bins is None or now.bins is None or not sum(before.bins.counts) or not sum(now.bins.counts):
        return None
    then = finer(before)
    edges = np.union1d(then.edges, now.bins.edges)
    shares = [_cumulative(bins, edges) for bins in (then, now.bins)]
    ends = _quantiles(then, np.arange(1, PARTS) / PARTS)
    counts = [
        np.diff(_cumulative(bins, np.unique(ends)), prepend=0.0, append=1.0) * sum(bins.counts)
        for bins in (then, now.bins)
    ]
    low, quarter, three, high = map(float, _quantiles(then, np.array([BULK[0], 0.25, 0.75, BULK[1]])))
    area, doubt = _area(edges, shares)
    bulk = (edges[:-1] >= low) & (edges[1:] <= high)
    signed = (gaps := shares[0] - shares[1])[:-1] + gaps[1:]
    moved = (signed / 2 * np.diff(edges))[bulk]
    spread, scale = _spread(then, low, high), three - quarter
    unit = min(spread, max(scale / NORMAL_IQR or spread, spread / 2))
    found = Distances(psi(*counts), jensen_shannon(*counts))
    if unit > 0:
        far, mean = float(area[bulk].sum()) / unit, float(moved.sum()) / unit
        found = replace(found, shift=far, mean_shift=mean, spread=spread / unit)
    if scale > 0:
        whole, within = float(area.sum()) / scale, float(doubt.sum()) / scale
        found = replace(found, wasserstein=whole, within=within, scale=scale)
    return found


def of_counts(before: Sequence[tuple[str, int]], rows: int, now: Mapping[str, int]) -> Distances | None:
    """Return the distances of two samples of values; None where either is empty.

    before: values of the reference with their rows, of `rows` that have one; now: every current value with its rows
    """
    import numpy as np

    present = sum(now.values())
    if not rows or not present:
        return None
    first = np.array([*(count for _, count in before), 0], dtype=float)
    second = np.array([*(now.get(value, 0) for value, _ in before), 0], dtype=float)
    first[-1], second[-1] = rows - first.sum(), present - second.sum()
    some = (first > 0) | (second > 0)
    return Distances(psi(first[some], second[some]), jensen_shannon(first[some], second[some]))


def _area(edges: np.ndarray, shares: Sequence[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """Return the area between two cumulative distributions in each bin, and how far it may be off, (n_bins,).

    In a bin both are taken to rise evenly. Each is anywhere between its shares at both ends, so the area is off by at most half
    of what the two rise together, times the width.
    """
    import numpy as np

    gaps, width = shares[0] - shares[1], np.diff(edges)
    left, right = np.abs(gaps[:-1]), np.abs(gaps[1:])
    crossed = gaps[:-1] * gaps[1:] < 0
    total = np.where(left + right > 0, left + right, 1.0)
    area = np.where(crossed, (left**2 + right**2) / total, left + right) / 2 * width
    rise = np.diff(shares[0]) + np.diff(shares[1])
    return area, rise * width / 2


def _spread(bins: Bins, low: float, high: float) -> float:
    """Return the standard deviation of a binned sample, what is beyond two values taken to be there."""
    import numpy as np

    values = np.clip(bins.edges[1:], low, high)
    mean = np.average(values, weights=bins.counts)
    return float(np.average((values - mean) ** 2, weights=bins.counts) ** 0.5)


def _cumulative(bins: Bins, at: np.ndarray) -> np.ndarray:
    """Return the share of a binned sample up to each of some values, rising evenly within a bin."""
    import numpy as np

    below = np.concatenate([[0.0], np.cumsum(bins.counts) / sum(bins.counts)])
    edges, places = np.unique(np.asarray(bins.edges)[::-1], return_index=True)
    # Of equal edges the last tells the share.
    found: np.ndarray = np.interp(at, edges, below[::-1][places], left=0.0, right=1.0)
    return found


def _quantiles(bins: Bins, shares: np.ndarray) -> np.ndarray:
    """Return the lowest edge up to which a binned sample has so large a share, of each of some shares."""
    import numpy as np

    below = np.cumsum(bins.counts) / sum(bins.counts)
    found: np.ndarray = np.asarray(bins.edges)[1 + np.searchsorted(below, shares - 1e-12)]
    return found
