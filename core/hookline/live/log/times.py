"""Times as people say them: a moment, how long ago one was, and how long something takes."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta
from typing import Annotated, Any, TypeAlias

from hookline.errors import UsageError

from ..segments.moments import in_utc

UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
SPAN = re.compile(r"(\d{1,6})\s*([smhdw])")


class _Readable:
    """Has a text refused, where config is checked, that is no length of time."""

    def __get_pydantic_core_schema__(self, source: Any, handler: Any) -> Any:
        from pydantic_core import core_schema

        return core_schema.no_info_after_validator_function(_readable, handler(source))


Span: TypeAlias = Annotated[str, _Readable()]
"""A length of time in config."""


def span_of(said: str | timedelta, name: str) -> timedelta:
    """Return a length of time such as `90s`, `15m`, `1h`, `7d` or `2w`; raises UsageError, which calls it `name`."""
    if isinstance(said, timedelta):
        return said
    found = SPAN.fullmatch(said.strip())
    if found is None:
        raise UsageError(f"{name}: '{said}' is no length of time", hint="write 90s, 15m, 1h, 7d or 2w")
    return timedelta(**{UNITS[found[2]]: int(found[1])})


def before(now: datetime, span: str | timedelta, name: str) -> datetime:
    """Return the moment so long before another; raises UsageError, which calls the span `name`, also before the year 1."""
    try:
        return now - span_of(span, name)
    except OverflowError:
        raise UsageError(f"{name}: '{span}' is longer ago than the calendar goes", hint="write 7d or 52w") from None


def moment_of(said: str | date | timedelta | None, name: str, now: datetime | None = None) -> datetime | None:
    """Return a moment in UTC; raises UsageError, which calls it `name`.

    said: an ISO time or date, UTC where it names no zone; or how long ago it was, such as `7d`
    """
    if said is None:
        return None
    now = now or datetime.now(UTC)
    if isinstance(said, timedelta) or (isinstance(said, str) and SPAN.fullmatch(said.strip())):
        return before(now, said, name)
    try:
        moment, _ = in_utc(said, UTC)
    except ValueError:
        raise UsageError(
            f"{name}: '{said}' is no time", hint="write 7d for seven days ago, or a time such as 2026-11-28T08:00"
        ) from None
    return moment


def _readable(said: str) -> str:
    try:
        span_of(said, "")
    except UsageError as error:
        # Pydantic names the field itself.
        raise ValueError(f"must be a length of time, got {said!r}; {error.hint}") from None
    return said
