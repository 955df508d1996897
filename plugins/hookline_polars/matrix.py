"""Writes collected columns into one matrix, dense or sparse."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from hookline.artifacts import require_memory

from .encodings import Encoding

if TYPE_CHECKING:
    import numpy as np
    import polars as pl

BLOCK = 65_536
"""Rows written at a time, so that a block of the matrix stays in the processor's cache."""


def dense(encodings: Sequence[Encoding], rows: pl.DataFrame) -> np.ndarray:
    """Return float32, (n_rows, n_features), C order."""
    import numpy as np

    width = sum(encoding.width for encoding in encodings)
    require_memory(rows.height, width)
    X = np.zeros((rows.height, width), dtype=np.float32)
    for start in range(0, rows.height, BLOCK):
        _fill(encodings, rows.slice(start, BLOCK), X[start : start + BLOCK])
    return X


def _fill(encodings: Sequence[Encoding], rows: pl.DataFrame, X: np.ndarray) -> None:
    at = 0
    for encoding in encodings:
        width = encoding.width - encoding.indicator
        write_block(encoding, rows, X[:, at : at + width])
        if encoding.indicator:
            X[:, at + width] = rows[f"{encoding.column}\0missing"].to_numpy()
        at += encoding.width


def write_block(encoding: Encoding, rows: pl.DataFrame, X: np.ndarray) -> None:
    """Fill one encoding's columns of a zeroed matrix block, (n_rows, its width without the indicator)."""
    import numpy as np

    first = rows[f"{encoding.column}\0" + "0"]
    if encoding.how in ("number", "datetime"):
        for i in range(X.shape[1]):
            X[:, i] = rows[f"{encoding.column}\0{i}"].to_numpy()
    elif encoding.how == "ordinal":
        X[:, 0] = first.cast(int).fill_null(-1).to_numpy()
    elif encoding.how == "target":
        table = np.array([*encoding.values, encoding.default])
        X[:] = table[first.fill_null(len(encoding.values)).to_numpy()]
    else:
        held = np.flatnonzero(first.is_not_null().to_numpy())
        X[held, first.drop_nulls().to_numpy()] = 1.0


def sparse(encodings: Sequence[Encoding], rows: pl.DataFrame) -> Any:
    """Return CSR, float32, (n_rows, n_features)."""
    import numpy as np
    from scipy import sparse as sp

    blocks = []
    for encoding in encodings:
        width = encoding.width - encoding.indicator
        if encoding.how in ("one_hot", "hashing"):
            codes = rows[f"{encoding.column}\0" + "0"]
            present = codes.is_not_null().to_numpy()
            indptr = np.concatenate([[0], np.cumsum(present)])
            indices = codes.drop_nulls().to_numpy()
            blocks.append(sp.csr_matrix((np.ones(len(indices), np.float32), indices, indptr), (rows.height, width)))
        else:
            block = np.zeros((rows.height, width), dtype=np.float32)
            write_block(encoding, rows, block)
            blocks.append(sp.csr_matrix(block))
        if encoding.indicator:
            blocks.append(sp.csr_matrix(rows[f"{encoding.column}\0missing"].to_numpy()[:, None]))
    return sp.hstack(blocks, format="csr", dtype=np.float32)
