"""Distributions of a table's columns, small enough to travel with a model."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from hookline.data.columns import as_number, column_kind
from hookline.kinds.artifacts import ColumnKind
from hookline.kinds.reports import Bins, ColumnProfile, Profile
from hookline.kinds.scored import ASIDE, Scored, answers_column

from .grouped import worth_in

if TYPE_CHECKING:
    import numpy as np
    import polars as pl

AT_ONCE = 4
"""So many columns are profiled at a time, since sorting a column keeps one core busy."""
HEAVY = 4
"""A value that fills this part of a bin gets one of its own."""
RARE = 0.5
"""Texts of more values than this share of their rows have their lengths profiled, in at most LENGTHS bins."""
LENGTHS = 64
PART = 1 << 15
"""Values that are gone over at a time."""
MAX_TOP = 1_000
"""Most values of a text column that a profile counts one by one."""


def profile(frame: pl.LazyFrame, names: Sequence[str], *, bins: int = 256, group: str | None = None) -> Profile:
    """Profile columns exactly, AT_ONCE columns in memory at a time; NaN counts as missing.

    bins: equal-frequency bins of numbers and datetimes, where a value that stands in many rows has one of its own; one a
        value where there are no more values than bins
    group: a column whose rows of one value are related, and so tell less than as many others
    """
    import polars as pl

    schema = frame.collect_schema()
    rows = int(frame.select(pl.len()).collect().item())

    def of(name: str) -> ColumnProfile:
        column = _column(frame, name, schema[name], bins, rows)
        return column if group is None else replace(column, independent=worth_in(frame, name, group))

    with ThreadPoolExecutor(AT_ONCE) as pool:
        return Profile(rows, tuple(pool.map(of, dict.fromkeys(names))))


def answers_of(scored: Scored) -> ColumnProfile:
    """Return the distribution of answers: numbers, labels, or of two classes the probability of the later one."""
    name = answers_column(scored.target)
    return profile(scored.frame, [name], group=group_of(scored))[name]


def group_of(scored: Scored) -> str | None:
    """Return the column of `scored.frame` that names groups, where there is one."""
    names, group = scored.frame.collect_schema().names(), scored.roles.group
    return next((name for name in (f"{ASIDE}{group}", group) if name in names), None)


def rebin(frame: pl.LazyFrame, reference: Profile, *, group: str | None = None) -> Profile:
    """Profile current rows between the edges of a reference's bins, and beyond them; absent columns are left out.

    group: as `profile` takes it; where rows do not tell it, they are taken to be related as the reference's are
    """
    import polars as pl

    schema = frame.collect_schema()
    rows = int(frame.select(pl.len()).collect().item())

    def again(column: ColumnProfile) -> ColumnProfile:
        dtype = schema[column.name]
        same = column.bins is not None and column_kind(dtype) == column.kind
        found = _column(frame, column.name, dtype, finer(column) if same else 1, rows)
        if column.lengths and found.kind == "string":
            found = replace(found, lengths=_lengths(frame, column.name, finer(column.lengths), rows))
        told = group is not None and group in schema
        return replace(found, independent=worth_in(frame, column.name, group) if told and group else column.independent)

    with ThreadPoolExecutor(AT_ONCE) as pool:
        return Profile(rows, tuple(pool.map(again, [column for column in reference.columns if column.name in schema])))


def numbers(frame: pl.LazyFrame, name: str, kind: ColumnKind, dtype: pl.DataType) -> np.ndarray:
    """Return a column's values that are present, float64, (n,); datetimes as seconds since 1970 UTC."""
    import polars as pl

    expr = as_number(name, kind, dtype)
    expr = pl.col(name).cast(pl.Float64) if expr is None else expr
    found = frame.select(expr).collect()[name]
    found = found.drop_nulls() if found.null_count() else found
    return (found.filter(found.is_not_nan()) if found.is_nan().any() else found).to_numpy()


def finer(column: ColumnProfile) -> Bins:
    """Return the bins of a column with an edge just below each value where every bin holds one value, its upper edge."""
    import numpy as np

    assert column.bins is not None
    edges, counts = np.asarray(column.bins.edges), column.bins.counts
    # Equal-frequency bins begin with the smallest value, and bins of one value each end with theirs.
    if column.minimum != edges[1]:
        return column.bins
    below = np.maximum(np.nextafter(edges[1:], -np.inf), edges[:-1])
    split = np.column_stack([below, edges[1:]]).ravel()
    return Bins((float(edges[0]), *split.tolist()), tuple(part for count in counts for part in (0, count)))


def _beyond(edges: np.ndarray, finite: np.ndarray) -> np.ndarray:
    """Return edges that hold sorted numbers, all of them, and tell those on the first edge from those below and above."""
    import numpy as np

    if not len(finite):
        return edges
    below = np.nextafter([edges[0], min(edges[0], finite[0])], -np.inf)
    return np.unique([*below, *edges, max(edges[-1], finite[-1])])


def _count_sorted(values: np.ndarray, edges: np.ndarray) -> list[int]:
    """Count sorted values between edges: edges[i] < value <= edges[i + 1], the first also those on its lower edge."""
    import numpy as np

    ends = np.searchsorted(values, edges[1:-1], side="right")
    counts: list[int] = np.diff(ends, prepend=0, append=len(values)).tolist()
    return counts


def _column(frame: pl.LazyFrame, name: str, dtype: pl.DataType, bins: int | Bins, rows: int) -> ColumnProfile:
    """Profile a column of so many rows, a number in so many bins or in those of another time."""
    kind = column_kind(dtype)
    if kind in ("number", "datetime"):
        return _number(frame, name, dtype, kind, bins, rows)
    return _text(frame, name, dtype, kind)


def _number(
    frame: pl.LazyFrame, name: str, dtype: pl.DataType, kind: ColumnKind, bins: int | Bins, rows: int
) -> ColumnProfile:
    import numpy as np

    values = np.sort(numbers(frame, name, kind, dtype))
    facts: dict[str, Any] = {
        "name": name,
        "dtype": repr(dtype),
        "kind": kind,
        "count": rows,
        "missing": rows - len(values),
    }
    # What is infinite stands at both ends.
    finite = values[np.searchsorted(values, -np.inf, "right") : np.searchsorted(values, np.inf, "left")]
    distinct = 1 + int((values[1:] != values[:-1]).sum()) if len(values) else 0
    given = None
    if isinstance(bins, Bins) or len(finite):
        edges = _beyond(np.asarray(bins.edges), finite) if isinstance(bins, Bins) else _edges(finite, bins)
        given = Bins(tuple(map(float, edges)), tuple(_count_sorted(finite, edges)))
    if not len(finite):
        return ColumnProfile(**facts, distinct=distinct, bins=given)
    # Numbers beyond 1e154 have squares, and beyond 1e308 sums, that float64 does not hold.
    with np.errstate(over="ignore", invalid="ignore"):
        mean, std = _moments(finite)
    return ColumnProfile(
        **facts,
        distinct=distinct,
        mean=mean if np.isfinite(mean) else None,
        std=std if np.isfinite(std) else None,
        minimum=float(finite[0]),
        maximum=float(finite[-1]),
        bins=given,
    )


def _moments(values: np.ndarray) -> tuple[float, float]:
    """Return mean and standard deviation, part by part: parts stay in the cache, which whole columns do not."""
    mean = float(values.mean())
    parts = (values[start : start + PART] - mean for start in range(0, len(values), PART))
    squares = sum(float((part * part).sum()) for part in parts)
    return mean, (squares / (len(values) - 1)) ** 0.5 if len(values) > 1 else float("nan")


def _edges(finite: np.ndarray, bins: int) -> np.ndarray:
    """Return the edges of equal-frequency bins of sorted numbers."""
    import numpy as np

    steps = np.flatnonzero(finite[1:] != finite[:-1])
    if not len(steps):
        return np.array([finite[0], finite[0]])
    if len(steps) < bins:
        # Each value gets a bin of its own, as wide as the gap to the next.
        edges = finite[np.append(steps, len(finite) - 1)]
        return np.concatenate([[2 * edges[0] - edges[1]], edges])
    places = np.linspace(0, len(finite) - 1, bins + 1).round().astype(np.int64)
    edges = np.unique(finite[places])
    # A value of many rows is told apart from those just below, so that a bin of several values holds few rows.
    rows = np.searchsorted(finite, edges, side="right") - np.searchsorted(finite, edges, side="left")
    many = edges[rows > len(finite) / (HEAVY * bins)]
    return np.union1d(edges, np.nextafter(many[many > finite[0]], -np.inf))


def _text(frame: pl.LazyFrame, name: str, dtype: pl.DataType, kind: ColumnKind) -> ColumnProfile:

    counts = _counted(frame, name, dtype)
    rows = int(counts["rows"].sum())
    present = counts.drop_nulls("value").sort(["rows", "value"], descending=[True, False])
    top = tuple(present.head(MAX_TOP).select("value", "rows").rows())
    held = int(present["rows"].sum())
    rare = kind == "string" and present.height > RARE * held
    lengths = _lengths(frame, name, LENGTHS, rows) if rare else None
    return ColumnProfile(name, repr(dtype), kind, rows, rows - held, present.height, top=top, lengths=lengths)


def _counted(frame: pl.LazyFrame, name: str, dtype: pl.DataType) -> pl.DataFrame:
    """Return `value`, as text, and `rows` of each value of a column, under names of our own, since the column's may be any."""
    import polars as pl

    column = pl.col(name)
    if dtype == pl.Boolean:
        # Many times quicker than to group as many texts.
        yes, none, rows = (
            frame.select(column.sum().alias("0"), column.null_count().alias("1"), pl.len()).collect().row(0)
        )
        found = [
            (value, count) for value, count in (("true", yes), ("false", rows - none - yes), (None, none)) if count
        ]
        return pl.DataFrame(found, {"value": pl.String, "rows": pl.UInt32}, orient="row")
    values = frame.select(column.cast(pl.String).alias("value"))
    return values.group_by("value").agg(pl.len().alias("rows")).collect()


def _lengths(frame: pl.LazyFrame, name: str, bins: int | Bins, rows: int) -> ColumnProfile:
    """Profile how many letters texts have."""
    import polars as pl

    letters = frame.select(pl.col(name).cast(pl.String).str.len_chars().alias(name))
    return _number(letters, name, pl.UInt32(), "number", bins, rows)
