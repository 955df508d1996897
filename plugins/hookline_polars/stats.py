"""Statistics of many columns at once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import polars as pl

AT_A_TIME = 200
"""Expressions of one pass over the rows: the time that polars takes to plan them grows faster than their number."""


def one_row(frame: pl.LazyFrame, exprs: Sequence[pl.Expr]) -> dict[str, Any]:
    """Return the value of each expression, which must be one number or text, by its name."""
    found: dict[str, Any] = {}
    for start in range(0, len(exprs), AT_A_TIME):
        found |= frame.select(exprs[start : start + AT_A_TIME]).collect().row(0, named=True)
    return found


def value_counts(frame: pl.LazyFrame, name: str) -> pl.LazyFrame:
    """Return the texts of a column, `value`, and how many `rows` hold each."""
    import polars as pl

    # Under names of our own, since the column's may be any.
    values = frame.select(pl.col(name).cast(pl.String).alias("value"))
    return values.group_by("value").agg(pl.len().alias("rows"))
