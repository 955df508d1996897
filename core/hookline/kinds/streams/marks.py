"""How far rows were read, and of what: up to which value of a column that grows, and which of the newest ones were there."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal, InvalidOperation
from math import ceil
from typing import TYPE_CHECKING, Any

from hookline.errors import DataError

if TYPE_CHECKING:
    import polars as pl

WORDS: Mapping[str, type] = {
    "time": datetime,
    "day": date,
    "number": float,
    "exact": Decimal,
    "whole": int,
    "text": str,
}
"""How the type of a value is written."""
ANEW = "begin anew: collect under another name, or let a version learn it that has learned nothing yet"
MOST_OPEN = 100_000
"""Keys of rows within the overlap that a position may hold."""
DAY = 24 * 60 * 60
"""Seconds."""
MICROSECONDS = len("2026-01-31 10:00:00.123456")
TIME = re.compile(r"(\d{4}-\d\d-\d\d(?:[ T]\d\d:\d\d(?::\d\d(?:\.\d+)?)?)?)(Z|[+-]\d\d(?::?\d\d)?|)")
"""A day or a time whose texts compare as they do, and its zone."""


@dataclass(frozen=True)
class Mark:
    """A position of a source.

    Rows up to `settled` are read and counted. Of those above it, up to `upto`, more may come late, so that they are known
    by their keys. Without an overlap both are one, and no key is kept.
    """

    upto: Any = None
    """The largest value; None where there were no rows."""
    settled: Any = None
    rows: int = 0
    """How many rows there were up to `settled`."""
    open: Collection[Any] = ()
    """Keys of the rows above it."""
    of: str = ""
    """What was read, in words without credentials: a position of one table says nothing of another."""

    def text(self) -> str:
        """Return the position as the core keeps it."""
        held = {"of": self.of, "upto": _out(self.upto), "settled": _out(self.settled), "rows": self.rows}
        return json.dumps(held | {"open": [_out(key) for key in sorted(self.open)]}, separators=(",", ":"))

    @classmethod
    def parse(cls, text: str, source: str, of: str) -> Mark:
        """Return the position that a text says; raises DataError for a text of another source, or of what else was read.

        source: the name of the source, as errors tell it; of: what it reads
        """
        try:
            told = json.loads(text)
            found = _in(told["upto"]), _in(told["settled"]), int(told["rows"]), [_in(key) for key in told["open"]]
            named = told.get("of")
        except (ValueError, KeyError, TypeError, AttributeError, InvalidOperation):
            raise DataError(
                f"{text[:40]!r} is no position of source '{source}'",
                hint="give what position() of the same source returned",
            ) from None
        if named != of:
            was = "does not say of what it is" if named is None else f"is of {named}"
            raise DataError(f"the position {was}, and source '{source}' reads {of} here", hint=ANEW)
        return cls(*found, of)


def before(value: Any, overlap: float) -> Any:
    """Return what is so much smaller: seconds, or the whole days that hold them, before a time; raises DataError for a text."""
    if not overlap:
        return value
    if isinstance(value, datetime):
        return value - timedelta(seconds=overlap)
    if isinstance(value, date):
        return value - timedelta(days=ceil(overlap / DAY))
    if isinstance(value, int):
        return value - ceil(overlap)
    if isinstance(value, Decimal):
        return value - Decimal(str(overlap))
    if isinstance(value, float):
        return value - overlap
    if isinstance(value, str) and (parts := TIME.fullmatch(value)):
        body, zone = parts.groups()
        if (moment := moment_in(body)) is not None:
            # As long as it was and in its zone, so that texts compare as their times do.
            earlier = moment - timedelta(seconds=overlap)
            written = earlier.isoformat(sep=body[10:11] or " ", timespec="microseconds" if "." in body else "seconds")
            return written[: len(body)] + zone
    raise DataError(
        f"source.overlap is measured in seconds or numbers, and source.watermark holds texts such as {value!r}",
        hint="read it as a time (in SQL, cast it in source.query), or leave the overlap out",
    )


def require_apart(keys: Collection[Any], name: str, overlap: float) -> None:
    """Raise DataError where keys of rows within an overlap do not tell rows apart, or are more than a position holds.

    name: of the key, as `source.key 'id'`
    """
    if len(keys) > MOST_OPEN:
        raise DataError(
            f"more than {MOST_OPEN:,} rows lie within source.overlap={overlap:g}",
            hint="say a smaller one: how late a row may come",
        )
    if len({*keys}) < len(keys) or None in keys:
        raise DataError(f"{name} does not tell rows apart", hint="name one that has a value once a row")


def require_comparable(forms: Collection[str], name: str) -> None:
    """Raise DataError where texts that say times do not compare as their times do, so that rows would be lost.

    forms: what `form_of` tells of all texts of a column, `name`
    """
    told = [form.split("|") for form in forms]
    timed = [(parted, zone, int(length)) for parted, zone, length in told if parted]
    zones, lengths = {zone for _, zone, _ in timed}, {length for _, _, length in timed}
    # 'Z' stands behind the digits and the point: 10:00:00.5Z comes before 10:00:00Z.
    mixed = len({parted for parted, _, _ in timed}) > 1 or len(zones) > 1 or ("Z" in zones and len(lengths) > 1)
    finer = any(length - len(zone) > MICROSECONDS for _, zone, length in timed)
    if mixed or finer:
        what = "are written in several ways" if mixed else "are finer than microseconds"
        raise DataError(
            f"times of '{name}' {what}, so that they do not compare as texts do, and rows would be lost",
            hint="write them all alike; in SQL, cast them in source.query, as by strftime('%Y-%m-%d %H:%M:%f', ...)",
        )


def moment_in(text: str) -> datetime | None:
    """Return the time that a text says in ISO 8601, as SQLite keeps times; else None."""
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return None


def alike(value: Any, dtype: pl.DataType) -> Any:
    """Return a watermark or key as values of a column are: a time in UTC, with a zone where the column has one.

    Raises DataError for a text that says no time where the column holds times.
    """
    import polars as pl

    if isinstance(value, str) and dtype in (pl.Date, pl.Datetime):
        moment = moment_in(value)
        if moment is None:
            raise DataError(
                f"the column is read as {dtype}, and a position of it is {value!r}, which says no time",
                hint="write times as 2026-01-31 10:00:00; in SQL, cast the column to text in source.query",
            )
        value = moment
    if isinstance(value, datetime) and isinstance(dtype, pl.Datetime):
        moment = value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)
        return moment.replace(tzinfo=None) if dtype.time_zone is None else moment
    if isinstance(value, datetime) and dtype == pl.Date:
        return value.date()
    return value


def newer(frame: pl.LazyFrame, watermark: str, key: str | None, first: Mark, last: Mark) -> pl.LazyFrame:
    """Leave out of rows between two positions what the first one has, and what came after the last one was asked for.

    frame: rows whose watermark is larger than `first.settled`, and no larger than `last.upto`
    """
    import polars as pl

    if last.upto is None:
        return frame.clear()
    if key is None or last.settled == last.upto:
        return frame
    held, mark = pl.col(key), pl.col(watermark)
    schema = frame.collect_schema()
    before_, there = ([alike(one, schema[key]) for one in open_] for open_ in (first.open, last.open))
    # A row without a key was in no position: those in one have keys.
    known = frame if not before_ else frame.filter(~held.is_in(before_).fill_null(value=False))
    return known.filter((mark <= alike(last.settled, schema[watermark])) | held.is_in(there))


def _out(value: Any) -> Any:
    if value is None:
        return None
    if isinstance(value, datetime):
        return ["time", value.isoformat()]
    if isinstance(value, date):
        return ["day", value.isoformat()]
    if isinstance(value, bool) or not isinstance(value, (int, float, Decimal, str)):
        raise DataError(
            f"{value!r} of {type(value).__name__} can be neither watermark nor key",
            hint="name a column of numbers, times or texts",
        )
    if isinstance(value, str):
        return ["text", value]
    if isinstance(value, Decimal):
        return ["exact", str(value)]
    return ["whole", int(value)] if isinstance(value, int) else ["number", float(value)]


def _in(told: Any) -> Any:
    if told is None:
        return None
    word, value = told
    if WORDS[word] is datetime:
        read = datetime.fromisoformat(value)
        return read if read.tzinfo is None else read.astimezone(UTC)
    return date.fromisoformat(value) if WORDS[word] is date else WORDS[word](value)
