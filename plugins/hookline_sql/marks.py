"""How far rows were read: up to which value of a column that grows, and which of the newest ones were there."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

from hookline.errors import DataError

WORDS: Mapping[str, type] = {"time": datetime, "day": date, "number": float, "whole": int, "text": str}
"""How the type of a value is written."""


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

    def text(self) -> str:
        """Return the position as the core keeps it."""
        held = {"upto": _out(self.upto), "settled": _out(self.settled), "rows": self.rows}
        return json.dumps(held | {"open": [_out(key) for key in sorted(self.open)]}, separators=(",", ":"))

    @classmethod
    def parse(cls, text: str) -> Mark:
        """Return the position that a text says; raises DataError for a text of another source."""
        try:
            told = json.loads(text)
            return cls(_in(told["upto"]), _in(told["settled"]), int(told["rows"]), [_in(key) for key in told["open"]])
        except (ValueError, KeyError, TypeError, AttributeError):
            raise DataError(
                f"{text[:40]!r} is no position of source 'sql'",
                hint="give what position() of the same source returned",
            ) from None


def before(value: Any, overlap: float) -> Any:
    """Return what is so much smaller: seconds before a time, days' worth of them before a day; raises DataError for a text."""
    if not overlap:
        return value
    if isinstance(value, (datetime, date)):
        return value - timedelta(seconds=overlap)
    if isinstance(value, (int, float, Decimal)):
        return type(value)(float(value) - overlap)
    if isinstance(value, str) and (moment := moment_in(value)) is not None:
        # As long as it was, so that texts compare as their times do.
        earlier = moment - timedelta(seconds=overlap)
        written = earlier.isoformat(sep=value[10:11] or " ", timespec="microseconds" if "." in value else "seconds")
        return written[: len(value)]
    raise DataError(
        f"source.overlap is measured in seconds or numbers, and source.watermark holds texts such as {value!r}",
        hint="cast it to a time in source.query, or leave the overlap out",
    )


def moment_in(text: str) -> datetime | None:
    """Return the time that a text says in ISO 8601, as SQLite keeps times; else None."""
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return None


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
    return ["whole", int(value)] if isinstance(value, int) else ["number", float(value)]


def _in(told: Any) -> Any:
    if told is None:
        return None
    word, value = told
    if WORDS[word] is datetime:
        read = datetime.fromisoformat(value)
        return read if read.tzinfo is None else read.astimezone(UTC)
    return date.fromisoformat(value) if WORDS[word] is date else WORDS[word](value)
