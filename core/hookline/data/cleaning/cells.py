"""Tells whether a cell holds another value than before."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import polars as pl


def differs(before: pl.Series, after: pl.Series) -> pl.Series:
    """Tell, row by row (bool), whether a value is another: null and NaN are equal, and so are 5, 5.0 and the text 5."""
    import polars as pl

    first, second = _plain(before, after), _plain(after, before)
    whole = [series.dtype.is_integer() for series in (first, second)]
    if all(whole) and first.dtype != second.dtype:
        return first.cast(pl.Int128).ne_missing(second.cast(pl.Int128))
    if whole[0] and second.dtype.is_float():
        return _differs_from_float(first, second)
    if whole[1] and first.dtype.is_float():
        return _differs_from_float(second, first)
    gaps = first.is_null() != second.is_null()
    try:
        if first.dtype == pl.String:
            first = first.cast(second.dtype, strict=False)
        elif second.dtype == pl.String:
            second = second.cast(first.dtype, strict=False)
        return first.ne_missing(second) | gaps
    except pl.exceptions.PolarsError:
        # Types that do not compare, such as a text and a moment: a value that is there is another one.
        return first.is_not_null() | second.is_not_null()


def _plain(series: pl.Series, other: pl.Series) -> pl.Series:
    """Return a series with one word for missing, and in a type that compares with the other's."""
    import polars as pl

    if series.dtype.is_float():
        return series.fill_nan(None)
    if series.dtype in (pl.Categorical, pl.Enum):
        return series.cast(pl.String)
    return series.cast(pl.Int8) if series.dtype == pl.Boolean and other.dtype.is_numeric() else series


def _differs_from_float(whole: pl.Series, number: pl.Series) -> pl.Series:
    """Compare integers with floats exactly, beyond 2^53 too, where a float cannot hold every integer."""
    read = number.cast(whole.dtype, strict=False)
    return read.ne_missing(whole) | (number != number.floor()).fill_null(value=False)
