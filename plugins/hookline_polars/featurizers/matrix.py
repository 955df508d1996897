"""Writes collected columns into one matrix, dense or sparse."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from hookline.kinds.artifacts import require_memory

from .encodings import Encoding

if TYPE_CHECKING:
    import numpy as np
    import polars as pl

BLOCK = 65_536
"""Rows written at a time, so that a block of the matrix stays in the processor's cache."""
CODED = ("one_hot", "hashing")
"""Encodings that put a single 1 into a row."""


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
    """Return CSR, float32, (n_rows, n_features), indices in order and no zero stored."""
    import numpy as np
    from scipy import sparse as sp

    columns = _columns(encodings)
    cells = rows.height * len(columns)
    # Room for every cell; what zeros leave over at the end is never touched, and so takes no memory.
    data = np.empty(cells, dtype=np.float32)
    indices = np.empty(cells, dtype=np.int32 if cells < 2**31 else np.int64)
    indptr = np.zeros(rows.height + 1, dtype=indices.dtype)
    block, places = np.zeros((BLOCK, len(columns)), np.float32), np.tile(columns.astype(indices.dtype), (BLOCK, 1))
    end = 0
    for start in range(0, rows.height, BLOCK):
        part = rows.slice(start, BLOCK)
        _fill_cells(encodings, part, block[: part.height], places[: part.height])
        held = block[: part.height] != 0
        begin, end = end, end + int(np.count_nonzero(held))
        data[begin:end], indices[begin:end] = block[: part.height][held], places[: part.height][held]
        indptr[start + 1 : start + part.height + 1] = begin + np.cumsum(np.count_nonzero(held, axis=1))
    return sp.csr_matrix(
        (data[:end], indices[:end], indptr), (rows.height, sum(encoding.width for encoding in encodings))
    )


def _columns(encodings: Sequence[Encoding]) -> np.ndarray:
    """Return the columns of the matrix that the cells of a row stand in; one-hot and hashed texts have one cell, in the first."""
    import numpy as np

    columns: list[int] = []
    at = 0
    for encoding in encodings:
        last = at + encoding.width - encoding.indicator
        columns += [at] if encoding.how in CODED else range(at, last)
        columns += [last] if encoding.indicator else []
        at += encoding.width
    return np.array(columns)


def _fill_cells(encodings: Sequence[Encoding], rows: pl.DataFrame, block: np.ndarray, places: np.ndarray) -> None:
    """Write the cells of some rows, and for coded texts their places."""
    cell, at = 0, 0
    for encoding in encodings:
        width = encoding.width - encoding.indicator
        if encoding.how in CODED:
            codes = rows[f"{encoding.column}\0" + "0"]
            block[:, cell] = codes.is_not_null().to_numpy()
            places[:, cell] = codes.fill_null(0).to_numpy()
            places[:, cell] += at
            cell += 1
        else:
            write_block(encoding, rows, block[:, cell : cell + width])
            cell += width
        if encoding.indicator:
            block[:, cell] = rows[f"{encoding.column}\0missing"].to_numpy()
            cell += 1
        at += encoding.width
