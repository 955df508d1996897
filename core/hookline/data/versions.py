"""What a table is known by: a digest of its content, the same under another name, at another time and in another format."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

from hookline.kinds.artifacts import ColumnVersion, DataVersion

if TYPE_CHECKING:
    import polars as pl

DIGEST = 16
"""Bytes of a digest (BLAKE2b); two of 2**64 tables share one by chance."""
BATCH = 200_000
"""Rows that are looked at together."""


def version_of(frame: pl.LazyFrame, name: str, *, without: Iterable[str] = ()) -> DataVersion:
    """Return the version of some rows: every value of every column but those of `without`, in order, with its type.

    What polars' own hashes say may change from one of its releases to the next, so the bytes themselves are digested.
    """
    kept = frame.drop(*without)
    columns = {column: _Column(column, dtype) for column, dtype in kept.collect_schema().items()}
    rows = 0
    with ThreadPoolExecutor() as pool:
        for batch in kept.collect_batches(maintain_order=True, chunk_size=BATCH):
            start = rows
            rows += batch.height
            list(pool.map(lambda series, at=start: columns[series.name].add(series, at), batch.get_columns()))
    found = tuple(column.version() for column in columns.values())
    whole = hashlib.blake2b(repr((rows, [(c.name, c.dtype, c.digest) for c in found])).encode(), digest_size=DIGEST)
    return DataVersion(whole.hexdigest(), name, rows, found)


class _Column:
    """The digest of one column under way; where its batches end makes no difference."""

    def __init__(self, name: str, dtype: pl.DataType) -> None:
        self._name = name
        self._dtype = repr(dtype)
        self._parts = [hashlib.blake2b(digest_size=DIGEST) for _ in range(3)]

    def add(self, column: pl.Series, start: int) -> None:
        """Take in the next values; `start` is the position of the first."""
        gaps, sizes, values = self._parts
        if column.null_count():
            gaps.update((column.is_null().arg_true().to_numpy().astype("<u8") + start).tobytes())
        texts = _as_texts(column)
        if texts is None:
            values.update(memoryview(_as_numbers(column)))
        else:
            sizes.update(texts.str.len_bytes().fill_null(0).to_numpy().astype("<u4").tobytes())
            values.update(str(texts.str.join("").item() or "").encode())

    def version(self) -> ColumnVersion:
        """Return what was found."""
        whole = hashlib.blake2b(self._dtype.encode(), digest_size=DIGEST)
        for part in self._parts:
            whole.update(part.digest())
        return ColumnVersion(self._name, self._dtype, whole.hexdigest())


def _as_texts(column: pl.Series) -> pl.Series | None:
    """Return a column as texts, or None where it is one of numbers of at most 64 bits."""
    import polars as pl

    dtype = column.dtype
    if dtype == pl.String:
        return column
    if dtype.is_nested() or dtype in (pl.Binary, pl.Object):
        return pl.Series(column.name, [None if value is None else repr(value) for value in column.to_list()], pl.String)
    wide = dtype.is_decimal() or dtype in (pl.Int128, pl.UInt128, pl.Null, pl.Categorical, pl.Enum)
    return column.cast(pl.String) if wide else None


def _as_numbers(column: pl.Series) -> Any:
    """Return a column's values, one after the other and with 0 for the missing, as bytes (numpy, uint8)."""
    import numpy as np
    import polars as pl

    physical = column.cast(pl.UInt8) if column.dtype == pl.Boolean else column.to_physical()
    values = np.ascontiguousarray(physical.fill_null(0).to_numpy())
    return values.astype(values.dtype.newbyteorder("<"), copy=False).view(np.uint8)
