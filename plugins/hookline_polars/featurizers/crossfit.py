"""Target encoding whose training rows never see their own target (as scikit-learn's TargetEncoder cross-fits)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from hookline import Dataset, Features
from hookline.data.target import encode, true_values

from .matrix import dense, sparse

if TYPE_CHECKING:
    import numpy as np

    from .fitted import FittedTabular


def target_columns(train: Dataset) -> np.ndarray:
    """Return what is averaged, float64: (n_rows, 1) for a number or the later of two classes, else 0/1 a class."""
    import numpy as np

    assert train.target is not None
    y = encode(true_values(train.frame, train.target), train.target)
    if train.target.task == "multiclass":
        one_hot: np.ndarray = np.eye(len(train.target.classes))[y]
        return one_hot
    return np.asarray(y, dtype=np.float64)[:, None]


def target_means(train: Dataset, names: list[str], smooth: float) -> Mapping[str, Mapping[str, tuple[float, ...]]]:
    """Return column -> category -> smoothed mean target; the key "" holds the overall mean."""
    import numpy as np
    import polars as pl

    y = target_columns(train)
    overall = y.mean(axis=0)
    means: dict[str, dict[str, tuple[float, ...]]] = {}
    texts = train.frame.select(pl.col(name).cast(pl.String) for name in names).collect()
    for name in names:
        categories = texts[name].drop_nulls().unique().sort()
        codes = texts[name].cast(pl.Enum(categories)).to_physical().cast(pl.Int64).fill_null(len(categories)).to_numpy()
        sums, counts = _sums(codes, y, len(categories) + 1)
        smoothed = (sums + smooth * overall) / np.maximum(counts + smooth, 1e-12)[:, None]
        means[name] = {text: tuple(map(float, smoothed[i])) for i, text in enumerate(categories.to_list())}
        means[name][""] = tuple(map(float, overall))
    return means


def crossfitted(fitted: FittedTabular, train: Dataset, smooth: float, folds: int, seed: int) -> Features:
    """Return the training matrix with each row's target encodings learned from the other folds."""
    import numpy as np

    rows = fitted.collect(train.frame)
    y = target_columns(train)
    fold = np.random.default_rng(seed).permutation(rows.height) % folds
    X = sparse(fitted.encodings, rows).toarray() if fitted.is_sparse else dense(fitted.encodings, rows)
    at = 0
    for encoding in fitted.encodings:
        width = len(encoding.default)
        if encoding.how == "target":
            known = len(encoding.categories)
            codes = rows[f"{encoding.column}\0" + "0"].cast(int).fill_null(known).to_numpy()
            X[:, at : at + width] = _out_of_fold(codes, y, fold, known, smooth, folds)
        at += encoding.width
    if not fitted.is_sparse:
        return Features(X, fitted.features)
    from scipy.sparse import csr_matrix

    return Features(csr_matrix(X), fitted.features)


def _out_of_fold(
    codes: np.ndarray, y: np.ndarray, fold: np.ndarray, known: int, smooth: float, folds: int
) -> np.ndarray:
    import numpy as np

    out = np.empty(y.shape)
    sums, counts = _sums(codes, y, known + 1)
    for held in range(folds):
        here = fold == held
        held_sums, held_counts = _sums(codes[here], y[here], known + 1)
        overall = y[~here].mean(axis=0)
        left = counts - held_counts
        means = (sums - held_sums + smooth * overall) / np.maximum(left + smooth, 1e-12)[:, None]
        means[left == 0] = overall
        # A missing text is no category: it gets the overall mean, as at inference.
        means[known] = overall
        out[here] = means[codes[here]]
    return out


def _sums(codes: np.ndarray, y: np.ndarray, size: int) -> tuple[np.ndarray, np.ndarray]:
    import numpy as np

    sums = np.stack([np.bincount(codes, weights=column, minlength=size) for column in y.T], axis=1)
    return sums, np.bincount(codes, minlength=size).astype(np.float64)
