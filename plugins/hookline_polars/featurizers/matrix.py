"""Writes collected columns into one matrix, dense or sparse."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

from hookline.kinds.artifacts import require_memory

from .encodings.base import ColumnEncoding

if TYPE_CHECKING:
    import numpy as np
    import polars as pl

E = TypeVar("E", bound=ColumnEncoding)

BLOCK = 65_536
"""Rows written at a time, so that a block of the matrix stays in the processor's cache."""


def placed(encodings: Sequence[E]) -> Iterator[tuple[E, int, int]]:
    """Yield each encoding with its first column of the matrix, and the one after its last, where an indicator stands."""
    at = 0
    for encoding in encodings:
        yield encoding, at, at + encoding.size
        at += encoding.width


def dense(encodings: Sequence[ColumnEncoding], rows: pl.DataFrame) -> np.ndarray:
    """Return float32, (n_rows, n_features), C order."""
    import numpy as np

    width = sum(encoding.width for encoding in encodings)
    require_memory(rows.height, width)
    X = np.zeros((rows.height, width), dtype=np.float32)
    for start in range(0, rows.height, BLOCK):
        _fill(encodings, rows.slice(start, BLOCK), X[start : start + BLOCK])
    return X


def _fill(encodings: Sequence[ColumnEncoding], rows: pl.DataFrame, X: np.ndarray) -> None:
    for encoding, first, end in placed(encodings):
        encoding.write(rows, X[:, first:end])
        if encoding.indicator:
            X[:, end] = encoding.indicated(rows)


def sparse(encodings: Sequence[ColumnEncoding], rows: pl.DataFrame) -> Any:
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


def _columns(encodings: Sequence[ColumnEncoding]) -> np.ndarray:
    """Return the columns of the matrix that the cells of a row stand in; those of a code, which moves, in the first."""
    import numpy as np

    columns: list[int] = []
    for encoding, first, end in placed(encodings):
        columns += range(first, first + encoding.cells)
        columns += [end] if encoding.indicator else []
    return np.array(columns)


def _fill_cells(encodings: Sequence[ColumnEncoding], rows: pl.DataFrame, block: np.ndarray, places: np.ndarray) -> None:
    """Write the cells of some rows, and their columns where these move."""
    cell = 0
    for encoding, first, _ in placed(encodings):
        after = cell + encoding.cells
        encoding.write_cells(rows, block[:, cell:after], places[:, cell:after], first)
        if encoding.indicator:
            block[:, after] = encoding.indicated(rows)
        cell = after + encoding.indicator
