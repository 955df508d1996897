"""Conditions that values must meet when rows are read, where polars' own error would name neither column nor transform."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from hookline.errors import DataError

if TYPE_CHECKING:
    import polars as pl


def require_values(
    frame: pl.LazyFrame, conditions: Mapping[str, pl.Expr], refusal: Callable[[str, list[Any]], DataError]
) -> pl.LazyFrame:
    """Return the same rows, whose reading raises `refusal(column, values)` where values do not meet their column's condition.

    A missing value meets any condition; one that polars cannot even compute is met by none.
    """
    import polars as pl

    def checked(rows: pl.DataFrame) -> pl.DataFrame:
        for name in [name for name in conditions if name in rows.columns]:
            values = rows[name].drop_nulls()
            try:
                bad = values.to_frame().filter(~conditions[name])[name]
            except pl.exceptions.PolarsError:
                bad = values
            if len(bad):
                raise refusal(name, bad.unique().sort().to_list())
        return rows

    # Not batch by batch, so that the same values are named each time.
    return frame.map_batches(checked, predicate_pushdown=True, projection_pushdown=True)


def some(values: Sequence[Any]) -> str:
    """Return the first five values as a message tells them, and how many more there are."""
    shown = ", ".join(repr(value) for value in values[:5])
    return f"{shown} and {len(values) - 5} more" if len(values) > 5 else shown
