"""How rows of the catalog hold times, JSON and paths."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from hookline.errors import StoreError

from .engine import file_of


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


def moment_of(moment: datetime | None) -> datetime | None:
    """Return the same, or None where a row holds none."""
    return None if moment is None else utc(moment)


@dataclass(frozen=True)
class Places:
    """The home that paths in a catalog are relative to, so that it may be moved or copied whole.

    home: absolute; None for a catalog of no home, whose paths stand as they were given
    url: of the catalog; one that is not kept in the home may be shared by several, so paths in it stay absolute
    alike: whether every home that shares it has, or brings, what lies at the same path in another
    """

    home: Path | None
    url: str
    alike: bool = False

    def kept(self, path: str) -> str:
        """Return a path as a row holds it: with `/` and relative where it lies in the home, else as it is."""
        if self.home is None or not path or not (self.alike or self.in_home()):
            return path
        for place, home in ((Path(path), self.home), (Path(path).resolve(), self.home.resolve())):
            if place.is_relative_to(home):
                return place.relative_to(home).as_posix()
        return path

    def found(self, text: str) -> str:
        """Return the path that a row means; empty stays empty."""
        return text if self.home is None or not text else str(self.home / text)

    def in_home(self) -> bool:
        """Tell whether the catalog lies in the home, and so tells of nothing else and moves along with it."""
        file = file_of(self.url)
        return self.home is not None and file is not None and file.resolve().is_relative_to(self.home.resolve())
