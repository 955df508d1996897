"""Reads a column as another type."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Literal

from hookline.data.dates import read_moments

if TYPE_CHECKING:
    import polars as pl

Dtype = Literal["string", "integer", "number", "boolean", "datetime", "date"]
WORDS = {"true": True, "false": False, "1": True, "0": False, "yes": True, "no": False}
"""Texts that mean yes or no, in any case."""


def read_as(column: pl.Expr, dtype: pl.DataType, wanted: str, layout: str | None = None) -> pl.Expr:
    """Read a column of `dtype` as the type `wanted`; what cannot be read is missing.

    layout: how texts write datetimes and dates, in strftime's letters; None finds out, but never guesses whether the day or
        the month stands first
    """
    import polars as pl

    if dtype == pl.String and wanted in ("datetime", "date"):
        if layout is None:
            moments = read_moments(column)
        else:
            moments = column.str.to_datetime(layout, time_unit="us", time_zone=_zone(layout), strict=False)
        return moments if wanted == "datetime" else moments.dt.date()
    if dtype == pl.String and wanted == "boolean":
        words, lowered = (list(WORDS), list(WORDS.values())), column.str.to_lowercase()
        return lowered.replace_strict(*words, default=None, return_dtype=pl.Boolean)
    types: dict[str, pl.DataType] = {
        "number": pl.Float64(),
        "integer": pl.Int64(),
        "string": pl.String(),
        "boolean": pl.Boolean(),
        "datetime": pl.Datetime("us"),
        "date": pl.Date(),
    }
    return column.cast(types[wanted], strict=False)


def has_zone(layout: str) -> bool:
    """Tell whether a layout has moments say their distance from UTC; a letter z of its own is none."""
    return re.search("%[:#]*[zZ]", layout) is not None


def _zone(layout: str) -> str | None:
    return "UTC" if has_zone(layout) else None
