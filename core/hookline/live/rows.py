"""Rows that somebody hands over for a model: a file or a frame, with the truth where they have it."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hookline.data.columns import as_read, read_column
from hookline.data.frames import mark_missing, to_polars
from hookline.kinds.artifacts import Column, Dataset, Roles, Schema, Target
from hookline.packages.reading import Reading, read_table
from hookline.registry.registry import Registry

if TYPE_CHECKING:
    import polars as pl


def rows_for(registry: Registry, data: Any, schema: Schema, target: Target, roles: Roles, reading: Reading) -> Dataset:
    """Return raw rows, lazily, what is missing in them marked; raises DataError where they cannot be read.

    data: a file, a glob or a folder; a polars or pandas frame; a mapping of columns; or a list of mappings
    reading: how a file is read
    """
    wanted = _with_target(schema, target)
    if isinstance(data, (str, Path)):
        rows = read_table(registry, str(data), wanted, reading)
    else:
        rows = Dataset(mark_missing(_timed(as_read(to_polars(data).lazy(), wanted), wanted)), name="frame")
    return Dataset(rows.frame, roles, rows.name, target)


def _timed(frame: pl.LazyFrame, schema: Schema) -> pl.LazyFrame:
    """Return rows with those texts as dates and times of which all can be read so, as the model reads them."""
    import polars as pl

    held = frame.collect_schema()
    moments = [column for column in schema.columns if column.kind == "datetime" and held.get(column.name) == pl.String]
    for column in moments:
        with suppress(ValueError):
            frame = frame.with_columns(read_column(frame.select(column.name).collect()[column.name], column))
    return frame


def truth_in(frame: pl.LazyFrame, target: Target) -> tuple[Any, bool]:
    """Return the target's values of transformed rows, (n_rows,), None where they have none, and whether all are known."""
    import numpy as np
    import polars as pl

    if target.name not in frame.collect_schema().names():
        return None, False
    column = frame.select(target.name).collect()[target.name]
    known = len(column) - column.null_count()
    if not known:
        return None, False
    if target.task == "regression":
        column = column.cast(pl.Float64)
    return (np.array(column.to_list(), dtype=object), False) if known < len(column) else (column.to_numpy(), True)


def _with_target(schema: Schema, target: Target) -> Schema:
    """Add a target of texts, so that a class such as 007 is read as one whatever it looks like in a file."""
    texts = bool(target.classes) and all(isinstance(label, str) for label in target.classes)
    if not texts:
        return schema
    return replace(schema, columns=(*schema.columns, Column(target.name, "String", "string")))
