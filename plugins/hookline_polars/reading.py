"""Reads a column as another type."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    import polars as pl

Dtype = Literal["string", "integer", "number", "boolean", "datetime", "date"]
WORDS = {"true": True, "false": False, "1": True, "0": False, "yes": True, "no": False}
"""Texts that mean yes or no, in any case."""


def read_as(column: pl.Expr, dtype: pl.DataType, wanted: str, layout: str | None = None, *, strict: bool) -> pl.Expr:
    """Read a column of `dtype` as the type `wanted`; what cannot be read raises polars' error where `strict`, else is missing.

    layout: how texts write datetimes and dates, in strftime's letters; None finds out
    """
    import polars as pl

    if dtype == pl.String and wanted == "datetime":
        return column.str.to_datetime(layout, time_unit="us", strict=strict)
    if dtype == pl.String and wanted == "date":
        return column.str.to_date(layout, strict=strict)
    if dtype == pl.String and wanted == "boolean":
        words, lowered = (list(WORDS), list(WORDS.values())), column.str.to_lowercase()
        if strict:
            return lowered.replace_strict(*words, return_dtype=pl.Boolean)
        return lowered.replace_strict(*words, default=None, return_dtype=pl.Boolean)
    types: dict[str, pl.DataType] = {
        "number": pl.Float64(),
        "integer": pl.Int64(),
        "string": pl.String(),
        "boolean": pl.Boolean(),
        "datetime": pl.Datetime("us"),
        "date": pl.Date(),
    }
    return column.cast(types[wanted], strict=strict)
