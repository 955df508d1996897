"""How rows of the catalog hold times and JSON."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

from hookline.errors import StoreError


def data_of(text: str) -> Any:
    """Read a column of JSON; raises StoreError where it is none."""
    try:
        return json.loads(text)
    except ValueError as error:
        raise StoreError(
            f"the catalog holds a record that cannot be read: {error}", hint="move the catalog away to begin a new one"
        ) from error


def text_of(value: Any) -> str:
    """Write a column of JSON."""
    return json.dumps(value, sort_keys=True, default=str)


def now() -> datetime:
    """Return the time in UTC."""
    return datetime.now(UTC)


def utc(moment: datetime) -> datetime:
    """Return a time that a row holds, with its time zone."""
    # SQLite keeps no time zone; what was written is always UTC.
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
