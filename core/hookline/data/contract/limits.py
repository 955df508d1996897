"""What a column may hold, as one value at a time is asked."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from hookline.kinds.artifacts import Column

from .patterns import compile_pattern

INFINITE = float("inf")
MOST_LETTERS = 200
"""Letters of a text that are told."""


class Limits:
    """One column's part of a contract, ready to be asked of a value."""

    def __init__(self, column: Column) -> None:
        self.column = column
        self.rejects = column.on_violation == "reject"
        self.categories = None if column.categories is None else frozenset(column.categories)
        self.pattern = None if column.pattern is None else compile_pattern(column.pattern)
        self.low = -INFINITE if column.minimum is None else column.minimum
        self.high = INFINITE if column.maximum is None else column.maximum
        self.allows = _asker(self)
        """Tells whether a value (a text, number, boolean, naive UTC datetime, or None) may stand in the column."""

    def complain(self, value: Any) -> str:
        """Say why a value that is not allowed is not."""
        column = self.column
        if value is None or value == "" or value != value:
            return "is missing, which the contract does not allow" if column.stated else MISSING
        if column.kind in ("string", "boolean"):
            return self._of_text(str(value).lower() if isinstance(value, bool) else value)
        number = seconds(value)
        if column.stated and column.minimum is None:
            return f"{shown(column, number)} is above the contract's maximum {shown(column, self.high)}"
        if column.stated and column.maximum is None:
            return f"{shown(column, number)} is below the contract's minimum {shown(column, self.low)}"
        whose = "the contract's" if column.stated else "the training"
        said, low, high = (shown(column, value) for value in (number, self.low, self.high))
        return f"{said} is outside {whose} range [{low}, {high}]"

    def _of_text(self, word: str) -> str:
        told = word if len(word) <= MOST_LETTERS else f"{word[: MOST_LETTERS - 3]}..."
        if self.categories is None or word in self.categories:
            return f"'{told}' does not match the contract's pattern '{self.column.pattern}'"
        return f"'{told}' " + (
            "is not among the contract's categories" if self.column.stated else "was never seen in training"
        )


MISSING = "is missing, and never was in training"


def _asker(limits: Limits) -> Callable[[Any], bool]:
    """Return a function of one value, made for its column's kind: a server asks it of every value of a request."""
    nullable, low, high, known, pattern = (
        limits.column.nullable,
        limits.low,
        limits.high,
        limits.categories,
        limits.pattern,
    )

    def number(value: Any) -> bool:
        return nullable if value is None or value != value else low <= value <= high

    def moment(value: Any) -> bool:
        return nullable if value is None else bool(low <= seconds(value) <= high)

    def text(value: Any) -> bool:
        if value is None or value == "":
            return nullable
        return (known is None or value in known) and (pattern is None or pattern.matches(value))

    def boolean(value: Any) -> bool:
        return nullable if value is None else known is None or str(value).lower() in known

    return {"number": number, "datetime": moment, "string": text, "boolean": boolean}[limits.column.kind]


def seconds(value: Any) -> Any:
    """Return a naive UTC time as seconds since 1970, and any other value as it is."""
    return value.replace(tzinfo=UTC).timestamp() if isinstance(value, datetime) else value


def shown(column: Column, number: Any) -> str:
    """Return a bound or value of a column as a person writes it."""
    if column.kind == "datetime":
        return moment_of(number).isoformat(" ", "seconds")
    return f"{number:g}"


def moment_of(number: float) -> datetime:
    """Return seconds since 1970 as a naive UTC time, the first or last one where a float is beyond the years 1 to 9999."""
    try:
        return datetime.fromtimestamp(number, UTC).replace(tzinfo=None)
    except (ValueError, OverflowError, OSError):
        return datetime.max if number > 0 else datetime.min
