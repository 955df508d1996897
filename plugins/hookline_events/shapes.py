"""What makes an event a row, and what is wrong with one that is none."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any, Literal

from .brokers.broker import Event

if TYPE_CHECKING:
    import polars as pl

Dtype = Literal["string", "integer", "number", "boolean", "datetime", "date"]
WORDS = {"true": True, "false": False, "yes": True, "no": False, "1": True, "0": False}
"""Texts that mean yes or no, in any case."""
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
INT64 = 1 << 63
SHOWN = 40
MOST_NAMES = 1_000
"""Fields that nobody named and that are yet known by name."""


class NoRow(Exception):
    """Says why an event is no row."""


@dataclass(frozen=True)
class Shape:
    """How the fields of an event become columns."""

    field: str | None
    """Redis: the field that holds the event as JSON; None where each field is a column."""
    columns: tuple[str, ...]
    dtypes: Mapping[str, Dtype]
    own: tuple[str, str | None]
    """The columns of the event's id and time, the latter where it is one."""

    def row(self, event: Event, came: set[str]) -> dict[str, Any]:
        """Return an event's columns, values as JSON has them, moments as they are counted; raises NoRow.

        came: takes the names of its fields, as far as there is room
        """
        told = self._told(event.body)
        if not -INT64 <= event.time < INT64:
            raise NoRow("has a time that has more than 64 bits")
        if taken := next((name for name in self.own if name in told), None):
            raise NoRow(f"has a field '{taken}', which is the column of its id or time")
        for name in told:
            _require_whole(name[:SHOWN].encode("utf-8", "replace").decode(), name)
        if len(came) < MOST_NAMES:
            came.update(told)
        else:
            came.update(name for name in self.named if name in told)
        names = self.columns or told
        return {name: _value(name, told.get(name), self.dtypes.get(name)) for name in names}

    @property
    def named(self) -> tuple[str, ...]:
        """The fields that somebody named."""
        return tuple(dict.fromkeys([*self.columns, *self.dtypes]))

    def _told(self, body: bytes | Mapping[bytes, bytes]) -> Mapping[str, Any]:
        if isinstance(body, Mapping):
            if self.field is None:
                return {_text(key): _text(value) for key, value in body.items()}
            found = body.get(self.field.encode())
            if found is None:
                raise NoRow(f"has no field '{self.field}'")
            body = found
        try:
            told = json.loads(_text(body), parse_constant=_constant)
        except (ValueError, RecursionError) as error:
            raise NoRow(f"is no JSON: {str(error)[:100]}") from None
        if not isinstance(told, Mapping):
            raise NoRow(f"is no JSON object, but {_kind_words(told)}")
        return told


def kind_of(value: Any) -> str:
    """Return what a value is, as JSON says it; "" where it is missing."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "boolean"
    return "text" if isinstance(value, str) else "number"


def type_of(dtype: Dtype) -> pl.DataType:
    """Return the type of a column."""
    import polars as pl

    types: dict[Dtype, pl.DataType] = {
        "string": pl.String(),
        "integer": pl.Int64(),
        "number": pl.Float64(),
        "boolean": pl.Boolean(),
        "datetime": pl.Datetime("us"),
        "date": pl.Date(),
    }
    return types[dtype]


def _value(name: str, value: Any, dtype: Dtype | None) -> Any:
    if value is None:
        return None
    if isinstance(value, (list, dict)):
        if dtype not in (None, "string"):
            raise NoRow(f"field '{name}' is {_kind_words(value)}, and no {dtype}")
        # A column of lists or records is none that a pipeline takes; as a text a transform of the user's own can.
        value = json.dumps(value, ensure_ascii=False)
    if isinstance(value, float) and not math.isfinite(value):
        raise NoRow(f"field '{name}' is infinite, or too large a number")
    if isinstance(value, int) and not -INT64 <= value < INT64:
        raise NoRow(f"field '{name}' has more than 64 bits")
    if isinstance(value, str):
        _require_whole(name, value)
    if dtype is None:
        return value
    try:
        read = READ[dtype](value)
    except (ValueError, TypeError, OverflowError):
        raise NoRow(f"field '{name}' is no {dtype}: {value!r:.{SHOWN}}") from None
    return read


def _require_whole(name: str, value: str) -> None:
    try:
        value.encode()
    except UnicodeEncodeError:
        raise NoRow(f"field '{name}' holds half a character (a lone surrogate)") from None


def _string(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _integer(value: Any) -> int:
    read = int(_written(value)) if isinstance(value, str) else value
    if isinstance(read, bool) or int(read) != read or not -INT64 <= read < INT64:
        raise ValueError
    return int(read)


def _number(value: Any) -> float:
    read = float(_written(value)) if isinstance(value, str) else float(value)
    if isinstance(value, bool) or not math.isfinite(read):
        raise ValueError
    return read


def _written(text: str) -> str:
    """Return a text that is a number; `1_000` is one of Python alone."""
    if "_" in text:
        raise ValueError
    return text


def _boolean(value: Any) -> bool:
    if isinstance(value, bool):
        return value
    if str(value).lower() not in WORDS:
        raise ValueError
    return WORDS[str(value).lower()]


def _datetime(value: Any) -> int:
    """Return microseconds since 1970; a time without a zone is UTC."""
    read = datetime.fromisoformat(value)
    moment = read.replace(tzinfo=UTC) if read.tzinfo is None else read
    past = moment - EPOCH
    return (past.days * 86_400 + past.seconds) * 1_000_000 + past.microseconds


def _date(value: Any) -> int:
    return (date.fromisoformat(value) - EPOCH.date()).days


READ: Mapping[Dtype, Callable[[Any], Any]] = {
    "string": _string,
    "integer": _integer,
    "number": _number,
    "boolean": _boolean,
    "datetime": _datetime,
    "date": _date,
}
"""Type -> what reads a value as it, or raises ValueError or TypeError."""


def _text(body: bytes) -> str:
    try:
        return body.decode()
    except UnicodeDecodeError:
        raise NoRow("is no UTF-8") from None


def _constant(name: str) -> float | None:
    """Return what a word stands for that is no JSON, and that many write all the same: NaN is a missing value."""
    return None if name == "NaN" else float(name)


def _kind_words(value: Any) -> str:
    if value is None:
        return "null"
    return {"list": "a list", "dict": "an object", "str": "a text", "bool": "a boolean"}.get(
        type(value).__name__, "a number"
    )
