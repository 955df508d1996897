"""The online store: the newest values of feature sets by key, in a SQLite file of a home."""

from __future__ import annotations

import json
import re
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from hookline.errors import StoreError

FILE = "features.sqlite"
FORMAT = 2
_TABLES = """
CREATE TABLE IF NOT EXISTS joins (
    name TEXT, part TEXT, version TEXT NOT NULL, facts TEXT NOT NULL, PRIMARY KEY (name, part)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS kept (
    name TEXT, part TEXT, key TEXT, held TEXT NOT NULL, PRIMARY KEY (name, part, key)
) WITHOUT ROWID;
"""
WHOLE = re.compile(r"0|-?[1-9]\d{0,18}", re.ASCII)
"""A text that is a whole number, said in the one way that one has."""
MOMENTS: Mapping[str, Any] = {"datetime": datetime.fromisoformat, "date": date.fromisoformat}
"""How texts of the store become what they were."""


@dataclass(frozen=True)
class Stored:
    """What the store holds of one join of a feature set.

    on: the columns of the key; columns: those that are stored, in order, each with how it is read back
    moment: the values are what was known then; written: when they were put into the store, UTC
    absent: the values of a key that no row has
    fresh: how old `moment` may be, in seconds; None: as old as it likes
    """

    set: str
    join: str
    version: str
    on: tuple[str, ...]
    columns: Mapping[str, str]
    moment: str
    written: datetime
    keys: int
    absent: tuple[Any, ...]
    fresh: float | None
    meanings: Mapping[str, str] = field(default_factory=dict)
    """Column -> what it means, as a version; of those that are known before any row is read."""

    @property
    def age(self) -> float:
        """Seconds since the moment that the values are of, or since they were written where that is no time."""
        try:
            # A whole number may read as a date, such as 20260131.
            moment = self.written if WHOLE.fullmatch(self.moment) else datetime.fromisoformat(self.moment)
        except ValueError:
            moment = self.written
        moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
        return max(0.0, (datetime.now(UTC) - moment).total_seconds())

    @property
    def stale(self) -> bool:
        """Whether the values are older than the set allows."""
        return self.fresh is not None and self.age > self.fresh


class OnlineStore:
    """The stored values of a home; used by one thread at a time, and closed at the end."""

    def __init__(self, home: Path) -> None:
        self.path = home / FILE
        self._connection: sqlite3.Connection | None = None
        self._inode: int | None = None

    @contextmanager
    def reading(self) -> Iterator[None]:
        """See the store as it is at one moment until the block ends; also one that has taken the place of another."""
        if self._connection is not None and self._inode != self._inode_there():
            self.close()
        if self._connection is None and not self.path.exists():
            yield
            return
        with self._acting() as connection:
            connection.execute("BEGIN")
            try:
                yield
            finally:
                connection.execute("COMMIT")

    def write(self, facts: Stored, rows: Iterable[tuple[Sequence[Any], Sequence[Any]]]) -> None:
        """Put the values of a join in the place of those there were, in one step: a reader sees the old ones or the new ones.

        rows: key and values, each in the order of `facts`; raises StoreError where the file cannot be written
        """
        with self._acting() as connection:
            connection.execute("BEGIN IMMEDIATE")
            try:
                where = (facts.set, facts.join)
                connection.execute("DELETE FROM kept WHERE name = ? AND part = ?", where)
                connection.executemany(
                    "INSERT INTO kept VALUES (?, ?, ?, ?)",
                    ((*where, key_text(key), _text(held)) for key, held in rows),
                )
                told = _text(
                    {
                        "on": facts.on,
                        "columns": facts.columns,
                        "moment": facts.moment,
                        "written": facts.written.isoformat(),
                        "keys": facts.keys,
                        "absent": facts.absent,
                        "fresh": facts.fresh,
                        "meanings": facts.meanings,
                    }
                )
                connection.execute("INSERT OR REPLACE INTO joins VALUES (?, ?, ?, ?)", (*where, facts.version, told))
                connection.execute("COMMIT")
            except BaseException:
                connection.execute("ROLLBACK")
                raise

    def stored(self, name: str | None = None) -> list[Stored]:
        """Return what is held of every set, or of one; nothing where nothing was ever stored."""
        if self._connection is None and not self.path.exists():
            return []
        with self._acting() as connection:
            rows = connection.execute("SELECT name, part, version, facts FROM joins ORDER BY name, part").fetchall()
        return [_stored(*row) for row in rows if name in (None, row[0])]

    def values(self, facts: Stored, key: Sequence[Any]) -> tuple[tuple[Any, ...], bool]:
        """Return the values of a key in the order of `facts.columns`, and whether any row had that key."""
        with self._acting() as connection:
            found = connection.execute(
                "SELECT held FROM kept WHERE name = ? AND part = ? AND key = ?", (facts.set, facts.join, key_text(key))
            ).fetchone()
        held = facts.absent if found is None else json.loads(found[0])
        reads = facts.columns.values()
        return tuple(
            MOMENTS[read](one) if read in MOMENTS and one is not None else one
            for read, one in zip(reads, held, strict=True)
        ), found is not None

    def close(self) -> None:
        """Let go of the file."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def __enter__(self) -> OnlineStore:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    @contextmanager
    def _acting(self) -> Iterator[sqlite3.Connection]:
        try:
            if self._connection is None:
                self._connection = self._opened()
                self._inode = self._inode_there()
            yield self._connection
        except sqlite3.Error as error:
            raise StoreError(
                f"the online store {self.path} cannot be used: {error}",
                hint="`hookline features materialize` writes it anew where it is deleted",
            ) from error

    def _inode_there(self) -> int | None:
        try:
            return self.path.stat().st_ino
        except FileNotFoundError:
            return None

    def _opened(self) -> sqlite3.Connection:
        connection = sqlite3.connect(self.path, timeout=30, isolation_level=None)
        try:
            self._require_format(connection)
        except BaseException:
            connection.close()
            raise
        return connection

    def _require_format(self, connection: sqlite3.Connection) -> None:
        (version,) = connection.execute("PRAGMA user_version").fetchone()
        if version not in (0, FORMAT):
            raise StoreError(
                f"the online store {self.path} has format {version}, and this hookline reads {FORMAT}",
                hint="delete it, and materialize again",
            )
        if version == 0:
            connection.execute("PRAGMA journal_mode = WAL")
            connection.executescript(_TABLES)
            connection.execute(f"PRAGMA user_version = {FORMAT}")


def key_text(key: Sequence[Any]) -> str:
    """Return a key as the store has it; 5, 5.0 and "5" are the same, which a command line cannot tell apart."""
    return _text([_part(part) for part in key])


def _part(part: Any) -> Any:
    if isinstance(part, float) and part.is_integer():
        return int(part)
    return int(part) if isinstance(part, str) and WHOLE.fullmatch(part) else part


def _text(value: Any) -> str:
    return json.dumps(value, default=_said, separators=(",", ":"))


def _said(value: Any) -> str:
    return value.isoformat() if isinstance(value, (date, datetime)) else str(value)


def _stored(name: str, part: str, version: str, facts: str) -> Stored:
    told = json.loads(facts)
    return Stored(
        name,
        part,
        version,
        tuple(told["on"]),
        told["columns"],
        told["moment"],
        datetime.fromisoformat(told["written"]),
        told["keys"],
        tuple(told["absent"]),
        told["fresh"],
        told["meanings"],
    )
