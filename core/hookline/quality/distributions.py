"""Distributions of a table's columns, small enough to travel with a model."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

from hookline.data.columns import as_number, column_kind
from hookline.kinds.artifacts import ColumnKind
from hookline.kinds.reports import Bins, ColumnProfile, Profile
from hookline.kinds.scored import Scored, answers_column

if TYPE_CHECKING:
    import numpy as np
    import polars as pl

AT_ONCE = 4
"""So many columns are profiled at a time, since sorting a column keeps one core busy."""
MAX_TOP = 1_000
"""Most values of a text column that a profile counts one by one."""


def profile(frame: pl.LazyFrame, names: Sequence[str], *, bins: int = 256) -> Profile:
    """Profile columns exactly, AT_ONCE columns in memory at a time; NaN counts as missing.

    bins: equal-frequency bins of numbers and datetimes; fewer where values repeat
    """
    import polars as pl

    schema = frame.collect_schema()
    rows = int(frame.select(pl.len()).collect().item())
    with ThreadPoolExecutor(AT_ONCE) as pool:
        columns = pool.map(lambda name: _column(frame, name, schema[name], bins), dict.fromkeys(names))
        return Profile(rows, tuple(columns))


def answers_of(scored: Scored) -> ColumnProfile:
    """Return the distribution of answers: numbers, labels, or of two classes the probability of the later one."""
    name = answers_column(scored.target)
    return profile(scored.frame, [name])[name]


def rebin(frame: pl.LazyFrame, reference: Profile) -> Profile:
    """Profile current rows on a reference's own bins, the outer ones open-ended; absent columns are left out."""
    import polars as pl

    schema = frame.collect_schema()
    rows = int(frame.select(pl.len()).collect().item())

    def again(column: ColumnProfile) -> ColumnProfile:
        dtype = schema[column.name]
        same = column.bins is not None and column_kind(dtype) == column.kind
        return _column(frame, column.name, dtype, column.bins if same and column.bins else 1)

    with ThreadPoolExecutor(AT_ONCE) as pool:
        return Profile(rows, tuple(pool.map(again, [column for column in reference.columns if column.name in schema])))


def numbers(frame: pl.LazyFrame, name: str, kind: ColumnKind, dtype: pl.DataType) -> np.ndarray:
    """Return a column's values that are present, float64, (n,); datetimes as seconds since 1970 UTC."""
    import polars as pl

    expr = as_number(name, kind, dtype)
    expr = pl.col(name).cast(pl.Float64) if expr is None else expr
    return frame.select(expr.fill_nan(None).drop_nulls()).collect()[name].to_numpy()


def _count_sorted(values: np.ndarray, edges: np.ndarray) -> list[int]:
    """Count sorted values between edges: edges[i] < value <= edges[i + 1], the outer bins open-ended."""
    import numpy as np

    ends = np.searchsorted(values, edges[1:-1], side="right")
    counts: list[int] = np.diff(ends, prepend=0, append=len(values)).tolist()
    return counts


def _column(frame: pl.LazyFrame, name: str, dtype: pl.DataType, bins: int | Bins) -> ColumnProfile:
    """Profile a column, a number in so many bins or in those of another time."""
    kind = column_kind(dtype)
    return (
        _number(frame, name, dtype, kind, bins) if kind in ("number", "datetime") else _text(frame, name, dtype, kind)
    )


def _number(frame: pl.LazyFrame, name: str, dtype: pl.DataType, kind: ColumnKind, bins: int | Bins) -> ColumnProfile:
    import numpy as np
    import polars as pl

    rows = int(frame.select(pl.len()).collect().item())
    values = np.sort(numbers(frame, name, kind, dtype))
    facts: dict[str, Any] = {
        "name": name,
        "dtype": repr(dtype),
        "kind": kind,
        "count": rows,
        "missing": rows - len(values),
    }
    given = None
    if isinstance(bins, Bins):
        given = Bins(bins.edges, tuple(_count_sorted(values, np.asarray(bins.edges))))
    if not len(values):
        return ColumnProfile(**facts, distinct=0, bins=given)
    distinct = 1 + int((values[1:] != values[:-1]).sum())
    finite = values[np.isfinite(values)]
    if not len(finite):
        return ColumnProfile(**facts, distinct=distinct, bins=given)
    if not isinstance(bins, Bins):
        edges = _edges(finite, bins)
        given = Bins(tuple(map(float, edges)), tuple(_count_sorted(values, edges)))
    # Numbers beyond 1e154 have squares, and beyond 1e308 sums, that float64 does not hold.
    with np.errstate(over="ignore", invalid="ignore"):
        mean, std = float(finite.mean()), float(finite.std(ddof=1)) if len(finite) > 1 else float("nan")
    return ColumnProfile(
        **facts,
        distinct=distinct,
        mean=mean if np.isfinite(mean) else None,
        std=std if np.isfinite(std) else None,
        minimum=float(finite[0]),
        maximum=float(finite[-1]),
        bins=given,
    )


def _edges(finite: np.ndarray, bins: int) -> np.ndarray:
    """Return the edges of equal-frequency bins of sorted numbers."""
    import numpy as np

    places = np.linspace(0, len(finite) - 1, bins + 1).round().astype(np.int64)
    edges = np.unique(finite[places])
    if len(edges) == 1:
        return np.array([edges[0], edges[0]])
    if len(edges) == 1 + np.count_nonzero(finite[1:] != finite[:-1]):
        # Each value gets a bin of its own, as wide as the gap to the next.
        return np.concatenate([[2 * edges[0] - edges[1]], edges])
    return edges


def _text(frame: pl.LazyFrame, name: str, dtype: pl.DataType, kind: ColumnKind) -> ColumnProfile:
    import polars as pl

    # Under names of our own, since the column's may be any.
    values = frame.select(pl.col(name).cast(pl.String).alias("value"))
    counts = values.group_by("value").agg(pl.len().alias("rows")).collect()
    rows = int(counts["rows"].sum())
    present = counts.drop_nulls("value").sort(["rows", "value"], descending=[True, False])
    top = tuple(present.head(MAX_TOP).select("value", "rows").rows())
    return ColumnProfile(name, repr(dtype), kind, rows, rows - int(present["rows"].sum()), present.height, top=top)
