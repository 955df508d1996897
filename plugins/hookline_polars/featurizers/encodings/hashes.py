"""Texts hashed to a fixed number of columns."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from hookline import Dataset
from hookline.errors import ExportError

from ...stats import one_row
from .base import CodedEncoding, RawColumn, version_of

if TYPE_CHECKING:
    import polars as pl


@dataclass(frozen=True, kw_only=True)
class HashingEncoding(CodedEncoding):
    """A 1 in column crc32(text) modulo `hashes`."""

    how: Literal["hashing"] = "hashing"
    hashes: int = 0

    @classmethod
    def fit(
        cls, columns: Sequence[RawColumn], train: Dataset, *, n_hashes: int, indicators: bool
    ) -> dict[str, HashingEncoding]:
        """Look for what is missing; a column that holds nothing is left out."""
        import polars as pl

        names = [column.name for column in columns]
        held = [pl.col(name).count().alias(f"{name}\0held") for name in names]
        missing = [pl.col(name).null_count().alias(f"{name}\0missing") for name in names]
        found = one_row(train.frame, [*held, *missing])
        return {
            name: cls(column=name, hashes=n_hashes, indicator=indicators and bool(found[f"{name}\0missing"]))
            for name in names
            if found[f"{name}\0held"]
        }

    @property
    def size(self) -> int:
        """A column a hash."""
        return self.hashes

    def described(self) -> Iterable[tuple[str, str, str]]:
        """Return a feature a hash."""
        version = version_of(self.how, hashes=self.hashes)
        for i in range(self.hashes):
            yield f"{self.column}#{i}", f"crc32({self.column}) mod {self.hashes} == {i}", version

    def read(self, column: pl.Expr) -> list[pl.Expr]:
        """Return the hash of each text, null where missing."""
        import polars as pl

        return [column.cast(pl.String).map_batches(lambda texts: _hashed(texts, self.hashes), return_dtype=pl.UInt32)]

    @classmethod
    def onnx_blocks(cls, encodings: Sequence[HashingEncoding], inputs: Mapping[str, Any]) -> list[Any]:
        """Raise ExportError: ONNX has no word for it."""
        raise ExportError(
            f"featurizer 'tabular' hashes '{encodings[0].column}', which cannot be said in ONNX",
            hint="featurizer.tabular.categorical=one_hot, or packager=[skops]",
        )


def _hashed(texts: pl.Series, hashes: int) -> pl.Series:
    from zlib import crc32

    import polars as pl

    # CRC-32, since Python's own hash differs from process to process; each distinct text is hashed once.
    unique = texts.drop_nulls().unique()
    codes = pl.Series([crc32(text.encode()) % hashes for text in unique.to_list()], dtype=pl.UInt32)
    if unique.is_empty():
        return pl.Series(texts.name, [None] * len(texts), dtype=pl.UInt32)
    return texts.replace_strict(unique, codes, default=None, return_dtype=pl.UInt32)
