"""Mean targets whose training rows never see their own target (as scikit-learn's TargetEncoder cross-fits)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from hookline import Dataset
from hookline.data.target import encode, true_values
from hookline.kinds.artifacts import ROW_ID

if TYPE_CHECKING:
    import numpy as np


def target_columns(train: Dataset) -> np.ndarray:
    """Return what is averaged, float64: (n_rows, 1) for a number or the later of two classes, else 0/1 a class."""
    import numpy as np

    assert train.target is not None
    y = encode(true_values(train.frame, train.target), train.target)
    if train.target.task == "multiclass":
        one_hot: np.ndarray = np.eye(len(train.target.classes))[y]
        return one_hot
    return np.asarray(y, dtype=np.float64)[:, None]


def row_weights(train: Dataset) -> np.ndarray:
    """Return how much each row counts, float64 (n_rows,), on average 1."""
    import numpy as np
    import polars as pl

    if train.roles.weight is None:
        return np.ones(int(train.frame.select(pl.len()).collect().item()))
    found = train.frame.select(pl.col(train.roles.weight).cast(pl.Float64)).collect().to_series().to_numpy()
    counted = found[found > 0]
    # Where none weighs, or one is missing, the rows are refused once they are whole.
    weights: np.ndarray = found / counted.mean() if len(counted) else np.ones(len(found))
    return weights


def _numbered(train: Dataset) -> tuple[np.ndarray, np.ndarray]:
    """Return the places of rows that no earlier one is a copy of, and for each row which of those it is a copy of, or is."""
    import numpy as np
    import polars as pl

    rows = int(train.frame.select(pl.len()).collect().item())
    if ROW_ID not in train.frame.collect_schema():
        return np.arange(rows), np.arange(rows)
    ids = train.frame.select(ROW_ID).collect()[ROW_ID].to_numpy()
    _, first, copied = np.unique(ids, return_index=True, return_inverse=True)
    # In the order of the rows, so that where there are no copies each row is its own.
    order = np.argsort(first)
    place = np.empty_like(order)
    place[order] = np.arange(len(order))
    return first[order], place[copied]


def smoothed_means(codes: np.ndarray, y: np.ndarray, weight: np.ndarray, known: int, smooth: float) -> np.ndarray:
    """Return the mean target of each category, float64 (known, n), with `smooth` rows of the overall mean in each.

    codes: int, (n_rows,), `known` where missing; weight: float64, (n_rows,)
    """
    import numpy as np

    sums, counts = _sums(codes, y, weight, known + 1)
    overall = np.average(y, axis=0, weights=weight)
    means: np.ndarray = (sums + smooth * overall) / np.maximum(counts + smooth, 1e-12)[:, None]
    return means[:known]


@dataclass(frozen=True)
class Folds:
    """Training rows in folds, each of which is encoded by the others."""

    y: np.ndarray
    """What is averaged, float64 (n_rows, n)."""
    weight: np.ndarray
    """How much each row counts, float64 (n_rows,)."""
    fold: np.ndarray
    """int, (n_rows,)."""
    count: int
    smooth: float

    @classmethod
    def of(cls, train: Dataset, count: int, smooth: float, seed: int) -> Folds:
        """Divide the rows at random into `count` folds of one size; copies of a row, which tell its target, are in one."""
        import numpy as np

        y = target_columns(train)
        weight = row_weights(train)
        # Rows that weigh are divided as they would be without the others.
        fold = np.zeros(len(y), dtype=np.int64)
        heavy = weight > 0
        first, copied = _numbered(train)
        drawn = np.random.default_rng(seed).permutation(int(heavy[first].sum())) % count
        of_first = np.zeros(len(first), dtype=np.int64)
        of_first[heavy[first]] = drawn
        fold[heavy] = of_first[copied][heavy]
        return cls(y, weight, fold, count, smooth)

    def means(self, codes: np.ndarray, known: int) -> np.ndarray:
        """Return the mean target of each row's category over the other folds, float64 (n_rows, n).

        codes: int, (n_rows,), `known` where missing
        """
        import numpy as np

        out = np.empty(self.y.shape)
        sums, counts = _sums(codes, self.y, self.weight, known + 1)
        for held in range(self.count):
            here = self.fold == held
            held_sums, held_counts = _sums(codes[here], self.y[here], self.weight[here], known + 1)
            others = ~here if self.weight[~here].any() else np.ones_like(here)
            overall = np.average(self.y[others], axis=0, weights=self.weight[others])
            left = counts - held_counts
            means = (sums - held_sums + self.smooth * overall) / np.maximum(left + self.smooth, 1e-12)[:, None]
            # What is left of equal sums may be rounding only.
            means[left <= 1e-9 * counts] = overall
            # A missing text is no category: it gets the overall mean, as at inference.
            means[known] = overall
            out[here] = means[codes[here]]
        return out


def _sums(codes: np.ndarray, y: np.ndarray, weight: np.ndarray, size: int) -> tuple[np.ndarray, np.ndarray]:
    import numpy as np

    sums = np.stack([np.bincount(codes, weights=column * weight, minlength=size) for column in y.T], axis=1)
    return sums, np.bincount(codes, weights=weight, minlength=size)
