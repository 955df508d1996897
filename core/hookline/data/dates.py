"""Dates as people write them: which order of day and month a column's texts are in, and how they are read."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from hookline.kinds.artifacts import DateOrder

if TYPE_CHECKING:
    import polars as pl

TIME = r"(?:[ T]+(\d{1,2}:\d{2}(?::\d{2}(?:\.\d+)?)?))?"
SHAPE = rf"^\s*(\d{{1,2}})([/.-])(\d{{1,2}})[/.-](\d{{4}}|\d{{2}}){TIME}\s*$"
"""A date whose year stands last: two numbers, the sign between them, the year, and maybe a time."""
ZONE = r"(?:[zZ]|[+-]\d{2}:?\d{2})\s*$"
"""The end of a moment that says its distance from UTC; of a date alone it would be a part, which is looked at first."""
DATE = r"^\s*\d{4}-\d{1,2}-\d{1,2}\s*$"
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MONTHS = 12
CENTURY = 69
"""Years of two digits from here on are of the last century, as POSIX has it (strptime, %y)."""


@dataclass(frozen=True)
class FoundDates:
    """What the texts of a column say of the order of their dates; counts are of rows."""

    order: DateOrder | None
    """None where no date tells: then it must be asked."""
    dates: int
    """Rows that hold a date whose year stands last, in that order."""
    example: str


def find_order(counts: pl.DataFrame) -> FoundDates | None:
    """Return the order in which most texts write day and month; None unless most are dates whose year stands last.

    counts: `text`, different ones, and the `rows` of each
    """
    import polars as pl

    parts = {f"p{i}": pl.col("text").str.extract(SHAPE, i) for i in (1, 2, 3)}
    held = counts.with_columns(**parts).filter(pl.col("p1").is_not_null())
    if held.is_empty() or 2 * held["rows"].sum() <= counts["rows"].sum():
        return None
    held = held.with_columns(pl.col("p1", "p3").cast(pl.Int64)).sort(["rows", "text"], descending=[True, False])
    day, month = (
        int(held.filter((pl.col(first) > MONTHS) & (pl.col(last) <= MONTHS))["rows"].sum())
        for first, last in (("p1", "p3"), ("p3", "p1"))
    )
    # Points are written where the day stands first.
    day += int((held["p2"] == ".").all())
    order: DateOrder | None = None if day == month else "day_first" if day > month else "month_first"
    second = "p1" if order == "month_first" else "p3"
    fitting = held if order is None else held.filter(pl.col(second) <= MONTHS)
    return FoundDates(order, int(fitting["rows"].sum()), held["text"][0])


def read_moments(text: pl.Expr, order: DateOrder | None = None) -> pl.Expr:
    """Return texts as datetimes in UTC, without a time zone; what is none is missing.

    order: of day and month where the year stands last; None takes such dates for unreadable, since it would be a guess
    """
    import polars as pl

    last = text.str.contains(SHAPE)
    zoned = text.str.contains(ZONE) & ~text.str.contains(DATE)
    plain = pl.when(~last & ~zoned).then(text).str.to_datetime(time_unit="us", strict=False)
    aware = pl.when(~last & zoned).then(text).str.to_datetime(time_unit="us", time_zone="UTC", strict=False)
    read = pl.coalesce(plain, aware.dt.replace_time_zone(None))
    return read if order is None else pl.coalesce(read, _year_last(text, order))


def written_out(text: pl.Expr, order: DateOrder) -> pl.Expr:
    """Return texts with the dates among them whose year stands last as ISO 8601 has them; all others as they are."""
    import polars as pl

    return pl.coalesce(_year_last(text, order).dt.to_string("iso:strict"), text)


def date_written_out(text: str, order: DateOrder) -> str:
    """Return a text as `written_out` does, of one that is not in a frame."""
    found = re.match(SHAPE, text)
    if found is None:
        return text
    first, _, second, said, time = found.groups()
    day, month = (first, second) if order == "day_first" else (second, first)
    short = int(said)
    year = short + (2000 if short < CENTURY else 1900 if short < 100 else 0)
    hour, _, clock = (time or "00:00").partition(":")
    written = f"{year:04}-{month:0>2}-{day:0>2}T{hour:0>2}:{clock}"
    try:
        datetime.fromisoformat(written)
    except ValueError:
        return text
    return written


def _year_last(text: pl.Expr, order: DateOrder) -> pl.Expr:
    import polars as pl

    first, second, year, time = (text.str.extract(SHAPE, i) for i in (1, 3, 4, 5))
    day, month = (first, second) if order == "day_first" else (second, first)
    short = year.cast(pl.Int64, strict=False)
    full = pl.when(short < CENTURY).then(short + 2000).when(short < 100).then(short + 1900).otherwise(short)
    clock = time.fill_null("00:00")
    seconds = pl.when(clock.str.count_matches(":") == 1).then(clock + ":00").otherwise(clock)
    written = pl.concat_str(
        full.cast(pl.String), pl.lit("-"), month.str.zfill(2), pl.lit("-"), day.str.zfill(2), pl.lit(" "), seconds
    )
    return written.str.to_datetime("%Y-%m-%d %H:%M:%S%.f", time_unit="us", strict=False)


def shown(value: float, kind: str) -> str:
    """Return a number, or a moment in seconds since 1970 UTC, as text."""
    if kind == "datetime":
        try:
            moment = (EPOCH + timedelta(seconds=value)).replace(tzinfo=None)
        except OverflowError:
            return f"{value:g} s"
        return moment.date().isoformat() if moment.time() == moment.min.time() else moment.isoformat(" ")
    return str(int(value)) if float(value).is_integer() and abs(value) < 1e15 else f"{value:.6g}"
