"""What was known at a row's moment, and no later: the last row before it, or figures of those in a window that ends with it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Literal

from annotated_types import Len

from hookline.errors import DataError

if TYPE_CHECKING:
    import polars as pl

SPAN = re.compile(r"(\d+(us|ms|s|m|h|d|w))+|\d+i")
"""How polars writes spans: `36h`, `7d`, `1d12h`; of whole numbers `5i`."""
SORTS = "write 5i of whole numbers, 12h of times"
PLACE, MOMENT, MATCHED = "__hookline_place", "__hookline_moment", "__hookline_matched"
"""Columns of ours while rows are joined."""


@dataclass(frozen=True)
class Window:
    """A figure of the right rows in the time before a left row: `{of: amount, figure: sum, over: 30d}`."""

    of: Annotated[str, Len(1)]
    """The right column."""
    figure: Literal["sum", "mean", "min", "max", "std", "count"]
    """Of its values that are there; where there are none it is missing, and a count 0."""
    over: str
    """How far back, such as `30d`: right rows after the moment so long before a left row's, up to that row's."""

    def __post_init__(self) -> None:
        require_span(self.over, "over")
        if not re.search(r"[1-9]", self.over):
            raise ValueError(f"over must be longer than nothing, got {self.over!r}")

    def check(self, name: str, right: pl.Schema) -> None:
        """Raise DataError where the figure is none of such values; name: the new column's."""
        import polars as pl

        dtype = right[self.of]
        ordered = self.figure in ("min", "max") and dtype.is_temporal()
        if self.figure == "count" or dtype.is_numeric() or dtype == pl.Boolean or ordered:
            return
        raise DataError(
            f"source.windows.{name}.figure: '{self.of}' of source.right is {dtype}, of which there is no {self.figure}",
            hint=f"name a column of numbers in source.windows.{name}.of, or count its values: figure: count",
        )

    def expr(self) -> pl.Expr:
        """Return the figure as an expression over rows of both sides, of which the right ones have values."""
        import polars as pl

        column = pl.col(self.of)
        if self.figure == "count":
            return column.is_not_null().cast(pl.Int64).rolling_sum_by(MOMENT, self.over, closed="right")
        figures = {
            "sum": column.rolling_sum_by,
            "mean": column.rolling_mean_by,
            "min": column.rolling_min_by,
            "max": column.rolling_max_by,
            "std": column.rolling_std_by,
        }
        return figures[self.figure](MOMENT, self.over, min_samples=1, closed="right")


@dataclass(frozen=True)
class Moments:
    """Where the moments of both sides stand, and how late a right row is known."""

    on: Sequence[str]
    left: str
    right: str
    lag: str | None = None

    def check(self, left: pl.Schema, right: pl.Schema) -> None:
        """Raise DataError where a column of moments is absent, holds none, or both are of types that do not compare."""
        for side, schema, name in (("left", left, self.left), ("right", right, self.right)):
            field = "time" if side == "left" else "right_time"
            if name not in schema:
                known = ", ".join(schema.names()[:20])
                raise DataError(
                    f"source.{side} has no column '{name}'; it has {known}", hint=f"name a time in source.{field}"
                )
            if not _is_moment(schema[name]):
                raise DataError(
                    f"'{name}' of source.{side} is {schema[name]}, and no moment",
                    hint=f"read it as one, such as source.{side}.dtypes={{{name}: datetime}}",
                )
        zones = [_family(schema[name]) for schema, name in ((left, self.left), (right, self.right))]
        if zones[0] != zones[1]:
            raise DataError(
                f"'{self.left}' of source.left is {left[self.left]} and '{self.right}' of source.right {right[self.right]}, "
                "which do not compare",
                hint="read both as one type; both times with a zone, or both without",
            )

    def check_spans(self, left: pl.Schema, spans: Mapping[str, str | None]) -> None:
        """Raise DataError where a span is of whole numbers and the moments are times, or the other way; spans: field -> it."""
        whole = left[self.left].is_integer()
        for field, span in spans.items():
            if span is not None and span.endswith("i") != whole:
                held = "whole numbers" if whole else "times"
                raise DataError(f"source.{field} is {span}, and '{self.left}' holds {held}", hint=SORTS)

    def of_left(self, frame: pl.LazyFrame) -> pl.LazyFrame:
        """Return left rows with their places and moments."""
        return frame.with_row_index(PLACE).with_columns(_moment(frame, self.left).alias(MOMENT))

    def of_right(self, frame: pl.LazyFrame) -> pl.LazyFrame:
        """Return right rows with the moments at which they are known; those without a moment or a key belong to nobody."""
        moment = _later(_moment(frame, self.right), self.lag)
        return frame.with_columns(moment.alias(MOMENT)).drop_nulls([*self.on, MOMENT])


def as_of(
    left: pl.LazyFrame, right: pl.LazyFrame, moments: Moments, tolerance: str | None, suffix: str
) -> pl.LazyFrame:
    """Return left rows, in order, each with the last right row that was known at its moment, and MATCHED.

    Of right rows of one moment the last counts. tolerance: how old the right row may be; an older one counts as none
    """
    import polars as pl

    names, own = right.collect_schema().names(), left.collect_schema().names()
    added = {name: f"{name}{suffix}" if name in own else name for name in names if name not in moments.on}
    known = moments.of_right(right).with_columns(pl.lit(True).alias(MATCHED)).sort(MOMENT, maintain_order=True)
    joined = (
        moments.of_left(left)
        .sort(MOMENT, maintain_order=True)
        .join_asof(known, on=MOMENT, by=list(moments.on) or None, suffix=suffix, check_sortedness=False)
        .sort(PLACE)
        .with_columns(pl.col(MATCHED).fill_null(False))
    )
    if tolerance is not None:
        there = _later(_moment(joined, added[moments.right]), tolerance) >= pl.col(MOMENT)
        fresh = pl.col(MATCHED) & there.fill_null(False)
        kept = [pl.when(fresh).then(pl.col(name)).alias(name) for name in added.values()]
        joined = joined.with_columns(*kept, fresh.alias(MATCHED))
    return joined.drop(PLACE, MOMENT)


def windowed(left: pl.LazyFrame, right: pl.LazyFrame, moments: Moments, windows: Mapping[str, Window]) -> pl.LazyFrame:
    """Return left rows, in order, each with figures of right rows in windows that end with its moment, and MATCHED."""
    import polars as pl

    wanted = list(dict.fromkeys(window.of for window in windows.values()))
    placed = moments.of_left(left)
    asking = placed.select(PLACE, *moments.on, MOMENT).drop_nulls([*moments.on, MOMENT])
    known = moments.of_right(right).select(*moments.on, MOMENT, *wanted, pl.lit(1).alias(MATCHED))
    both = pl.concat([asking, known], how="diagonal_relaxed")
    longest = [
        pl.col(MATCHED).rolling_sum_by(MOMENT, over, closed="right") for over in {w.over for w in windows.values()}
    ]
    figures = {name: window.expr() for name, window in windows.items()}
    figures[MATCHED] = pl.max_horizontal(longest).fill_null(0) > 0
    made = both.with_columns(
        (expr.over(list(moments.on)) if moments.on else expr).alias(name) for name, expr in figures.items()
    ).filter(pl.col(PLACE).is_not_null())
    return (
        placed.drop(MOMENT)
        .join(made.select(PLACE, *figures), on=PLACE, how="left", maintain_order="left")
        .with_columns(pl.col(MATCHED).fill_null(False))
        .drop(PLACE)
    )


def require_span(span: str | None, field: str) -> None:
    """Raise ValueError for what is no span of time or of whole numbers."""
    if span is not None and not SPAN.fullmatch(span):
        raise ValueError(f"{field} must be a span such as 12h, 30d or 1d12h, or 5i of whole numbers, got {span!r}")


def _is_moment(dtype: pl.DataType) -> bool:
    import polars as pl

    return dtype.is_integer() or dtype in (pl.Date, pl.Datetime)


def _family(dtype: pl.DataType) -> tuple[bool, str | None]:
    return dtype.is_integer(), getattr(dtype, "time_zone", None)


def _moment(frame: pl.LazyFrame, name: str) -> pl.Expr:
    import polars as pl

    dtype = frame.collect_schema()[name]
    if dtype.is_integer():
        return pl.col(name).cast(pl.Int64)
    return pl.col(name).cast(pl.Datetime("us", getattr(dtype, "time_zone", None)))


def _later(moment: pl.Expr, span: str | None) -> pl.Expr:
    if span is None:
        return moment
    return moment + int(span[:-1]) if span.endswith("i") else moment.dt.offset_by(span)
