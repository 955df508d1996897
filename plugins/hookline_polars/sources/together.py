"""Puts the rows of several files one below the other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from hookline.errors import DataError

if TYPE_CHECKING:
    import polars as pl


def together(parts: Sequence[tuple[pl.LazyFrame, Path]]) -> pl.LazyFrame:
    """Put frames one below the other; whole numbers give way to fractions, and anything to text.

    Raises DataError naming the file whose columns are not those of the first.
    """
    import polars as pl

    frames = [frame for frame, _ in parts]
    if len(frames) == 1:
        return frames[0]
    schemas = [frame.collect_schema() for frame in frames]
    _require_columns(schemas, [file for _, file in parts])
    names = schemas[0].names()
    same = all(schema == schemas[0] for schema in schemas)
    frames = [frame.select(names) if same else _without_empty(frame.select(names)) for frame in frames]
    return pl.concat(frames, how="vertical" if same else "vertical_relaxed")


def _require_columns(schemas: Sequence[Mapping[str, pl.DataType]], files: Sequence[Path]) -> None:
    for schema, file in zip(schemas, files, strict=True):
        missing = [name for name in schemas[0] if name not in schema]
        extra = [name for name in schema if name not in schemas[0]]
        if missing or extra:
            what = f"has no column '{missing[0]}'" if missing else f"has a column '{extra[0]}'"
            raise DataError(f"{file} {what}, unlike {files[0]}", hint="name the files that belong together")


def _without_empty(frame: pl.LazyFrame) -> pl.LazyFrame:
    """Give text columns that hold nothing no type, so that they take on that of the other files."""
    import polars as pl

    texts = [name for name, dtype in frame.collect_schema().items() if dtype == pl.String]
    held = frame.select(pl.col(name).count() for name in texts).collect().row(0, named=True) if texts else {}
    return frame.with_columns(pl.lit(None).alias(name) for name, count in held.items() if not count)
