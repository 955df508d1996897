"""Finds the row of a source that somebody names."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hookline.errors import DataError, UsageError, closest
from hookline.kinds.artifacts import ROW_ID, Dataset, Label

if TYPE_CHECKING:
    import polars as pl

CANDIDATES = 5_000
"""So many ids are looked at for one like a mistyped one."""


def find_row(source: Dataset, row: Label | None) -> int:
    """Return the position of the row of an id, or, where there is no id role, of a position; raises DataError or UsageError."""
    import polars as pl

    text, id_column = str(row), source.roles.id
    if row is None:
        raise UsageError("say which row", hint="by its id, or by its position")
    if id_column is None:
        if not text.removeprefix("-").isdecimal():
            raise UsageError(
                f"'{text}' is no position: this run has no id role, so its rows go by their position from 0",
                hint="roles.id=COLUMN names the column that names rows",
            )
        return check_position(source, int(text))
    column = source.frame.select(ROW_ID, id_column)
    fits = pl.col(id_column).cast(pl.String) == text
    if column.collect_schema()[id_column].is_float():
        fits = pl.col(id_column) == _number(text)
    found = column.filter(fits).collect()[ROW_ID].to_list()
    if not found:
        raise DataError(f"no row of {source.name} has the {id_column} '{text}'", hint=_like(column, id_column, text))
    if len(found) > 1:
        shown = ", ".join(map(str, found[:5]))
        raise DataError(
            f"{len(found):,} rows of {source.name} have the {id_column} '{text}', at positions {shown}",
            hint=f"say which by its position: --position {found[0]}",
        )
    return int(found[0])


def check_position(source: Dataset, position: int) -> int:
    """Return a position; raises DataError where the source has no such row."""
    import polars as pl

    rows = source.frame.select(pl.len()).collect().item()
    if not 0 <= position < rows:
        raise DataError(f"there is no row {position}: the rows of {source.name} are 0 to {rows - 1:,}")
    return position


def _like(frame: pl.LazyFrame, column: str, text: str) -> str | None:
    """Return a hint with the ids closest to one that is not there."""
    import polars as pl

    ids = frame.select(pl.col(column).drop_nulls())
    number = _number(text)
    if frame.collect_schema()[column].is_numeric() and number is not None:
        nearest = ids.sort((pl.col(column).cast(pl.Float64) - number).abs()).head(3).collect()[column].to_list()
    else:
        texts = ids.select(pl.col(column).cast(pl.String).unique())
        near = texts.filter(pl.col(column).str.len_chars().is_between(len(text) - 2, len(text) + 2))
        alike = near.sort(pl.col(column).str.starts_with(text[:2]), descending=True).head(CANDIDATES).collect()
        found = closest(text, alike[column].to_list())
        if found:
            return f"did you mean '{found}'?"
        nearest = texts.sort(column).head(3).collect()[column].to_list()
        return f"such values are {', '.join(map(repr, nearest))}" if nearest else None
    return f"the closest are {', '.join(map(str, nearest))}" if nearest else None


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None
