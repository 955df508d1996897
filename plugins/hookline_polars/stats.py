"""Statistics of many columns at once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from hookline import Dataset

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


def weight_of(train: Dataset) -> pl.Expr | None:
    """Return how much each row counts, float64; None where all count alike."""
    import polars as pl

    return None if train.roles.weight is None else pl.col(train.roles.weight).cast(pl.Float64)


def mean(value: pl.Expr, weight: pl.Expr | None) -> pl.Expr:
    """Return the mean of what is there, weighted where there are weights."""
    import polars as pl

    if weight is None:
        return value.mean()
    there = weight.filter(value.is_not_null()).sum()
    return (value * weight).sum() / pl.when(there != 0).then(there)


def deviation(value: pl.Expr, weight: pl.Expr | None) -> pl.Expr:
    """Return the standard deviation of what is there (divided by n, or by the sum of weights)."""
    return value.std(ddof=0) if weight is None else mean((value - mean(value, weight)) ** 2, weight).sqrt()


def quantile(value: pl.Expr, weight: pl.Expr | None, share: float) -> pl.Expr:
    """Return a quantile between the two nearest values; equal weights are none (type 7 of Hyndman and Fan 1996).

    The k-th of n sorted values stands at (k - 1) * weight_k + (n - 1) * the weights before it.
    """
    import polars as pl

    if weight is None:
        return value.quantile(share, "linear")
    # As expressions of polars, which have no names for what is used again, it is a tree of thousands of nodes.
    return pl.map_batches(
        [value.cast(pl.Float64), weight.cast(pl.Float64)],
        lambda both: _weighed_quantile(both[0], both[1], share),
        return_dtype=pl.Float64,
        returns_scalar=True,
    )


def _weighed_quantile(value: pl.Series, weight: pl.Series, share: float) -> float | None:
    import numpy as np

    there = value.is_not_null()
    values, heavy = value.filter(there).to_numpy(), weight.filter(there).to_numpy()
    if not len(values):
        return None
    # Of equal values the lighter first, so that the order of rows decides nothing.
    order = np.lexsort((heavy, values))
    values, heavy = values[order], heavy[order]
    last = len(values) - 1
    places = np.arange(len(values)) * heavy + last * (heavy.cumsum() - heavy)
    wanted = share * places.max()
    below = max(int((places <= wanted).sum()) - 1, 0)
    above = min(below + 1, last)
    gap = places[above] - places[below]
    part = (wanted - places[below]) / gap if gap > 0 else 0.0
    return float(values[below] + part * (values[above] - values[below]))


def most_frequent(value: pl.Expr, weight: pl.Expr | None) -> pl.Expr:
    """Return the value that most rows have, or most weight.

    Of equally frequent ones the smallest, so that the choice does not depend on the order of rows.
    """
    if weight is None:
        return value.drop_nulls().mode().sort().first()
    import polars as pl

    there = value.is_not_null()
    # Over all rows, since a window over some of them is refused where it stands beside others.
    heavy = pl.when(there).then(weight).otherwise(0.0).sum().over(value)
    return value.filter(there & (heavy == heavy.filter(there).max())).sort().first()


def value_counts(frame: pl.LazyFrame, name: str) -> pl.LazyFrame:
    """Return the texts of a column, `value`, and how many `rows` hold each."""
    import polars as pl

    # Under names of our own, since the column's may be any.
    values = frame.select(pl.col(name).cast(pl.String).alias("value"))
    return values.group_by("value").agg(pl.len().alias("rows"))
