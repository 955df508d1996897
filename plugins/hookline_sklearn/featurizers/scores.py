"""What features are scored by: how much they vary, repeat each other, and say of the target."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from hookline import Features
from hookline.errors import DataError
from hookline.kinds.artifacts import require_memory

if TYPE_CHECKING:
    import numpy as np

FEW_VALUES = 20
"""Distinct values up to which a feature is taken for a code rather than a measurement."""


@dataclass(frozen=True)
class Sample:
    """Rows that count, drawn at random. X: float64 (n, p) with NaN for missing; y: (n,); weight: float64 (n,) of mean 1."""

    X: np.ndarray
    y: np.ndarray
    weight: np.ndarray
    is_regression: bool

    def of_columns(self, places: Sequence[int]) -> Sample:
        """Return just some columns."""
        return self if len(places) == self.X.shape[1] else replace(self, X=self.X[:, list(places)])

    def filled(self) -> np.ndarray:
        """Return X with the weighted mean for missing values."""
        import numpy as np

        gaps = np.isnan(self.X)
        return np.where(gaps, _means(self.X, self.weight), self.X) if gaps.any() else self.X


def sample_of(train: Features, places: Sequence[int], most: int, seed: int) -> Sample:
    """Draw rows whose weight is not 0, of some columns; raises DataError where the truth of the rows is not known."""
    import numpy as np

    if train.y is None or train.target is None:
        raise DataError("featurizer 'select' goes by the target, and the rows have none", hint="set roles.target")
    rows = np.arange(train.shape[0]) if train.sample_weight is None else np.flatnonzero(train.sample_weight)
    if len(rows) > most:
        rows = np.sort(np.random.default_rng(seed).choice(rows, most, replace=False))
    require_memory(len(rows), 2 * len(places))
    X: Any = train.X
    some = X[rows][:, list(places)]
    dense = np.asarray(some if isinstance(some, np.ndarray) else some.toarray(), dtype=np.float64)
    weight = np.ones(len(rows)) if train.sample_weight is None else train.sample_weight[rows]
    return Sample(dense, train.y[rows], weight / weight.mean(), train.target.task == "regression")


def variances(train: Features) -> np.ndarray:
    """Return the weighted variance of each feature over the rows that have it, float64 (p,); 0 where none has."""
    import numpy as np

    X: Any = train.X
    weight = np.ones(train.shape[0]) if train.sample_weight is None else np.asarray(train.sample_weight, np.float64)
    if not isinstance(X, np.ndarray):
        return _sparse_variances(X.tocsc(), weight)
    found = [_variance(X[:, place].astype(np.float64), weight) for place in range(train.shape[1])]
    return np.array(found)


def _sparse_variances(X: Any, weight: np.ndarray) -> np.ndarray:
    """Return the variances of a CSC matrix, whose absent entries are 0."""
    import numpy as np

    found, counted = [], np.count_nonzero(weight)
    for place in range(X.shape[1]):
        inner = slice(X.indptr[place], X.indptr[place + 1])
        values, own = X.data[inner].astype(np.float64), weight[X.indices[inner]]
        # By count, since a difference of sums is seldom just 0.
        rest = weight.sum() - own.sum() if np.count_nonzero(own) < counted else 0.0
        found.append(_variance(np.append(values, 0.0), np.append(own, rest)))
    return np.array(found)


def _variance(values: np.ndarray, weight: np.ndarray) -> float:
    import numpy as np

    here = np.isfinite(values) & (weight > 0)
    values, weight = values[here], weight[here]
    # Of equal numbers the mean may differ from them by rounding, and so would the variance from 0.
    if not len(values) or (values == values[0]).all():
        return 0.0
    center = np.average(values, weights=weight)
    return float(np.average((values - center) ** 2, weights=weight))


def correlations(sample: Sample) -> np.ndarray:
    """Return Pearson's correlation of each two features, weighted, a missing value being the mean: float64 (p, p)."""
    require_memory(sample.X.shape[1], 2 * sample.X.shape[1])
    X = sample.filled()
    return _correlation(X, X, sample.weight)


def telling(sample: Sample) -> np.ndarray:
    """Return how much each feature correlates with the target, or with the class it tells most of: float64 (p,) of 0 to 1."""
    import numpy as np

    wanted = sample.y[:, None] if sample.is_regression else sample.y[:, None] == np.unique(sample.y)
    found: np.ndarray = np.abs(_correlation(sample.filled(), wanted.astype(np.float64), sample.weight)).max(axis=1)
    return found


def mutual_information(sample: Sample, seed: int) -> np.ndarray:
    """Return the mutual information of each feature with the target in nats, float64 (p,), estimated from near neighbors.

    Weights do not count beyond 0; a missing value is one far below all others.
    """
    import numpy as np
    from sklearn.feature_selection import mutual_info_classif, mutual_info_regression

    lowest, highest = np.fmin.reduce(sample.X), np.fmax.reduce(sample.X)
    X = np.where(np.isnan(sample.X), np.nan_to_num(lowest - (highest - lowest)) - 1, sample.X)
    codes = np.zeros(X.shape[1], dtype=bool)
    for place, column in enumerate(X.T):
        values, numbered = np.unique(column, return_inverse=True)
        codes[place] = len(values) <= FEW_VALUES
        if codes[place]:
            X[:, place] = numbered  # scikit-learn takes codes that are whole numbers.
    estimate: Any = mutual_info_regression if sample.is_regression else mutual_info_classif
    found: np.ndarray = estimate(X, sample.y, discrete_features=codes, random_state=seed)
    return found


def _means(X: np.ndarray, weight: np.ndarray) -> np.ndarray:
    import numpy as np

    here = ~np.isnan(X)
    totals = (here * weight[:, None]).sum(axis=0)
    sums = (np.where(here, X, 0.0) * weight[:, None]).sum(axis=0)
    means: np.ndarray = np.divide(sums, totals, out=np.zeros(X.shape[1]), where=totals > 0)
    return means


def _correlation(first: np.ndarray, second: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """Return weighted correlations of the columns of two matrices; 0 where one of them is constant."""
    import numpy as np

    parts = []
    for X in (first, second):
        centered = (X - np.average(X, axis=0, weights=weight)) * np.sqrt(weight)[:, None]
        length = np.sqrt((centered**2).sum(axis=0))
        parts.append(np.divide(centered, length, out=np.zeros_like(centered), where=length > 0))
    between: np.ndarray = (parts[0].T @ parts[1]).clip(-1, 1)
    return between
