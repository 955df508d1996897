"""Mean targets whose training rows never see their own target (as scikit-learn's TargetEncoder cross-fits)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from hookline import Dataset
from hookline.data.target import encode, true_values

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


def smoothed_means(codes: np.ndarray, y: np.ndarray, known: int, smooth: float) -> np.ndarray:
    """Return the mean target of each category, float64 (known, n), with `smooth` rows of the overall mean in each.

    codes: int, (n_rows,), `known` where missing
    """
    import numpy as np

    sums, counts = _sums(codes, y, known + 1)
    means: np.ndarray = (sums + smooth * y.mean(axis=0)) / np.maximum(counts + smooth, 1e-12)[:, None]
    return means[:known]


@dataclass(frozen=True)
class Folds:
    """Training rows in folds, each of which is encoded by the others."""

    y: np.ndarray
    """What is averaged, float64 (n_rows, n)."""
    fold: np.ndarray
    """int, (n_rows,)."""
    count: int
    smooth: float

    @classmethod
    def of(cls, train: Dataset, count: int, smooth: float, seed: int) -> Folds:
        """Divide the rows at random into `count` folds of one size."""
        import numpy as np

        y = target_columns(train)
        return cls(y, np.random.default_rng(seed).permutation(len(y)) % count, count, smooth)

    def means(self, codes: np.ndarray, known: int) -> np.ndarray:
        """Return the mean target of each row's category over the other folds, float64 (n_rows, n).

        codes: int, (n_rows,), `known` where missing
        """
        import numpy as np

        out = np.empty(self.y.shape)
        sums, counts = _sums(codes, self.y, known + 1)
        for held in range(self.count):
            here = self.fold == held
            held_sums, held_counts = _sums(codes[here], self.y[here], known + 1)
            overall = self.y[~here].mean(axis=0)
            left = counts - held_counts
            means = (sums - held_sums + self.smooth * overall) / np.maximum(left + self.smooth, 1e-12)[:, None]
            means[left == 0] = overall
            # A missing text is no category: it gets the overall mean, as at inference.
            means[known] = overall
            out[here] = means[codes[here]]
        return out


def _sums(codes: np.ndarray, y: np.ndarray, size: int) -> tuple[np.ndarray, np.ndarray]:
    import numpy as np

    sums = np.stack([np.bincount(codes, weights=column, minlength=size) for column in y.T], axis=1)
    return sums, np.bincount(codes, minlength=size).astype(np.float64)
