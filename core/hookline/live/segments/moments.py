"""When records were written, in UTC, whatever zone they say it in."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime, tzinfo
from typing import Any

from hookline.errors import DataError


def in_utc(said: Any, zone: tzinfo) -> tuple[datetime, bool]:
    """Return a time in UTC, and whether it named a zone itself; raises ValueError for what is none.

    said: an ISO text, a datetime or a date; zone: what one without a zone is in
    """
    moment = datetime.fromisoformat(said.strip()) if isinstance(said, str) else said
    if not isinstance(moment, date):
        raise ValueError(f"{said!r} is no time")
    if not isinstance(moment, datetime):
        moment = datetime(moment.year, moment.month, moment.day)
    try:
        aware = moment if moment.tzinfo else moment.replace(tzinfo=zone)
        return aware.astimezone(UTC), moment.tzinfo is not None
    except OverflowError:
        raise ValueError(f"{said!r} is beyond all times") from None


def time_of(record: Mapping[str, Any]) -> datetime:
    """Return when a record was written, UTC; raises DataError where it does not say."""
    try:
        return in_utc(record["time"], UTC)[0]
    except ValueError as error:
        raise DataError(
            f"the record {record['id']} of '{record['model']}' has no time: {error}",
            hint="take its line out of the log",
        ) from None
