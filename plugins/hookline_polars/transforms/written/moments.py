"""Reads moments that are written as texts, in one way or several, in training and at inference alike."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, Literal

from hookline import Dataset, Roles, Transform
from hookline.data.dates import SHAPE, find_order, written_out
from hookline.errors import DataError
from hookline.kinds.artifacts import DateOrder
from hookline.kinds.formats.words import ONNX

from ...columns import Columns, NullIsWord, choose, present
from ...reading import has_zone, read_as
from ...stats import value_counts
from ..checks import require_values, some

if TYPE_CHECKING:
    import polars as pl

ISO = ("%Y-%m-%d %H:%M:%S%.f", "%Y-%m-%d %H:%M:%S%.f%:z", "%Y-%m-%d %H:%M", "%Y-%m-%d %H:%M%:z", "%Y-%m-%d")
"""The ways of ISO 8601 that people use, once spaces and signs are evened out."""
MOSTLY = 0.8
"""Share of a column's texts that must be moments for it to be read where nobody has named it."""


@dataclass(frozen=True)
class FittedParseDates:
    """Reads texts as moments."""

    columns: Mapping[str, tuple[str, ...]]
    """Column -> in which ways its moments are written, the first that fits a text counting; none: as ISO 8601 has it."""
    strict: bool

    def transform(self, frame: pl.LazyFrame) -> pl.LazyFrame:
        """Read, as datetimes in UTC where a text says its distance from it; what cannot be read is missing, or an error."""
        import polars as pl

        schema = frame.collect_schema()
        texts = [name for name in present(frame, self.columns) if schema[name] in (pl.String, pl.Categorical, pl.Enum)]
        read = {name: _read(pl.col(name).cast(pl.String), self.columns[name]) for name in texts}
        if self.strict:
            frame = require_values(frame, {name: expr.is_not_null() for name, expr in read.items()}, _refusal)
        return frame.with_columns(**read)


class ParseDatesTransform(Transform):
    """Read dates and moments that are written as texts, also where one column writes them in several ways."""

    name = "parse_dates"
    columns: tuple[str, ...] | Columns = ()
    """Columns to read; by default every text of which four fifths are moments."""
    formats: tuple[str, ...] = ()
    """The ways in which they are written, in strftime's letters, the first that fits counting: ["%d.%m.%Y","%Y-%m-%d"]. None
    finds out, but refuses dates of which nobody can tell whether the day stands first."""
    errors: Annotated[Literal["raise", "null"], NullIsWord()] = "null"
    """What becomes of a text that is no moment: an error, or a missing value."""

    def lacks_words(self, roles: Roles) -> Mapping[str, str]:
        """Say that it reads texts as moments."""
        return {ONNX: "moments read from texts (the source can read them)"}

    def fit(self, train: Dataset) -> FittedParseDates:
        """Find out which texts are moments.

        Raises DataError for a column that was named and holds others, and for an order of day and month that nobody can tell.
        """
        import polars as pl

        names = choose(train, self.columns, "transform.parse_dates.columns", ("string",))
        chosen = self.columns not in ((), Columns())
        heavy = train.weighing().frame
        counts = pl.collect_all([value_counts(heavy, name).drop_nulls() for name in names])
        found = {name: self._formats(name, of_name) for name, of_name in zip(names, counts, strict=True)}
        unread = [name for name in names if found[name] is None]
        if chosen and unread:
            raise DataError(
                f"parse_dates: '{unread[0]}' holds texts of which most are no moments",
                hint='transform.parse_dates.formats=["%d.%m.%Y"] says how they are written',
            )
        held = {name: formats for name, formats in found.items() if formats is not None}
        fitted = FittedParseDates(held, self.errors == "raise")
        if fitted.strict:
            fitted.transform(train.frame).select(list(held)).collect()
        return fitted

    def _formats(self, name: str, counts: pl.DataFrame) -> tuple[str, ...] | None:
        """Return how a column writes moments; None where most of its texts are none."""
        import polars as pl

        formats = self.formats
        if not formats:
            # Of those whose year stands last alone, however few they are.
            order = find_order(counts.rename({"value": "text"}).filter(pl.col("text").str.contains(SHAPE)))
            if order is not None and order.order is None:
                raise DataError(
                    f"parse_dates: nobody can tell whether the day stands first in '{name}', such as '{order.example}'",
                    hint='transform.parse_dates.formats=["%d/%m/%Y"], or ["%m/%d/%Y"]',
                )
            formats = () if order is None else (order.order or "",)
        read = counts.filter(_read(pl.col("value"), formats).is_not_null())["rows"].sum()
        # Where a person says both which column and how, it is enough that one is.
        least = 0.0 if self.formats and self.columns not in ((), Columns()) else MOSTLY
        return formats if read and int(read) >= least * int(counts["rows"].sum()) else None


def _read(text: pl.Expr, formats: tuple[str, ...]) -> pl.Expr:
    """Return the moments that texts write; `day_first` and `month_first` are ways too."""
    import polars as pl

    stripped = text.str.strip_chars()
    read = []
    for one in formats or ISO:
        if one in ("day_first", "month_first"):
            order: DateOrder = "day_first" if one == "day_first" else "month_first"
            # Each text by itself: polars would guess one way from the first of them, and take it for all.
            read += [_as_written(_year_first(written_out(stripped, order)), way) for way in ISO]
        else:
            read.append(_as_written(stripped if formats else _year_first(stripped), one))
    return pl.coalesce(read) if len(read) > 1 else read[0]


def _year_first(text: pl.Expr) -> pl.Expr:
    """Return texts with one sign between parts of a date, and one between date and time."""
    dashed = text.str.replace(r"^(\d{4})[/.](\d{1,2})[/.](\d{1,2})", "${1}-${2}-${3}")
    return dashed.str.replace(r"^(\d{4}-\d{1,2}-\d{1,2})[Tt ]+", "${1} ").str.replace(r"\s*[zZ]$", "+00:00")


def _as_written(text: pl.Expr, layout: str) -> pl.Expr:
    """Return moments without a zone; those that say their distance from UTC are told in UTC, as the others are taken to be."""
    import polars as pl

    moments = read_as(text, pl.String(), "datetime", layout)
    return moments.dt.replace_time_zone(None) if has_zone(layout) else moments


def _refusal(name: str, values: list[Any]) -> DataError:
    return DataError(
        f"transform.parse_dates: '{name}' holds {some(values)}, which is no moment as it is written otherwise",
        hint="transform.parse_dates.errors=null makes such values missing",
    )
