"""A test of two small samples of many columns by a kernel: the maximum mean discrepancy of Gretton and others (2012)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .samples import Pair

if TYPE_CHECKING:
    import numpy as np

PERMUTATIONS = 499


def discrepancy(pair: Pair, seed: int) -> tuple[float, float]:
    """Return the squared maximum mean discrepancy, unbiased (lemma 6), and how often as large a one comes of nothing.

    The kernel is Gaussian, its width the median distance (section 8). Which rows are current is mixed up, by whole groups where
    there are any.
    """
    import numpy as np

    kernel = _kernel(_standing(pair))
    rng = np.random.default_rng(seed)
    marks = np.column_stack([pair.now, *(_mixed(pair, rng) for _ in range(PERMUTATIONS))])
    first, second = marks.sum(axis=0), (~marks).sum(axis=0)
    held = kernel @ marks
    within = (marks * held).sum(axis=0)
    across = (~marks * held).sum(axis=0)
    others = kernel.sum() - within - 2 * across
    found = within / (first * (first - 1)) + others / (second * (second - 1)) - 2 * across / (first * second)
    as_large = int((found[1:] >= found[0] - 1e-12).sum())
    return float(found[0]), (1 + as_large) / (1 + PERMUTATIONS)


def _mixed(pair: Pair, rng: np.random.Generator) -> np.ndarray:
    """Return which rows are current, if that were chance; at least two on either side."""
    import numpy as np

    if pair.groups is None:
        return rng.permutation(pair.now)
    places = np.unique(pair.groups, return_inverse=True)[1]
    mostly = np.bincount(places, pair.now) >= np.bincount(places) / 2
    return np.asarray(rng.permutation(mostly)[places])


def _kernel(X: np.ndarray) -> np.ndarray:
    """Return the kernel of all rows with each other, without that of a row with itself."""
    import numpy as np
    from scipy.spatial.distance import pdist, squareform

    distances = pdist(X, "sqeuclidean")
    width = float(np.median(distances[distances > 0])) if (distances > 0).any() else 1.0
    return np.asarray(squareform(np.exp(-distances / width)))


def _standing(pair: Pair) -> np.ndarray:
    """Return columns on one scale: numbers by rank, values of texts each for itself, missing ones in the middle."""
    import numpy as np
    from scipy.stats import rankdata

    columns = []
    for place, categorical in enumerate(pair.categorical):
        values = pair.X[:, place]
        if categorical:
            columns += [(values == code) / np.sqrt(2) for code in np.unique(values[~np.isnan(values)])]
            continue
        ranks = rankdata(values, nan_policy="omit") / max(1, int((~np.isnan(values)).sum()))
        columns.append(np.where(np.isnan(values), 0.5, ranks) * np.sqrt(12) / 2)
        if np.isnan(values).any():
            columns.append(np.isnan(values).astype(float))
    return np.column_stack(columns)
