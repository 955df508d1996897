"""Stored values of feature sets in a SQLite file of a home."""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from hookline.errors import FeaturesAway
from hookline.kinds.features.online import Held
from hookline.telling.secrets import logger

log = logger("hookline.features")

FILE = "features.sqlite"
FORMAT = 2
BESIDE = ("-wal", "-shm")
"""What SQLite keeps beside a file."""
AT_ONCE = 500
"""Keys that are asked for together; SQLite of old takes no more than 999 in a statement."""
_TABLES = """
CREATE TABLE IF NOT EXISTS joins (
    name TEXT, part TEXT, version TEXT NOT NULL, facts TEXT NOT NULL, PRIMARY KEY (name, part)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS kept (
    name TEXT, part TEXT, key TEXT, held TEXT NOT NULL, PRIMARY KEY (name, part, key)
) WITHOUT ROWID;
"""


class SqliteFeatures:
    """The stored values of a home."""

    waits = False

    def __init__(self, home: Path) -> None:
        self.path = home / FILE
        self._connection: sqlite3.Connection | None = None
        self._inode: int | None = None

    @property
    def place(self) -> str:
        """The file."""
        return str(self.path)

    @contextmanager
    def reading(self) -> Iterator[None]:
        """See the store as it is at one moment until the block ends; also one that has taken the place of another."""
        self._let_go_of_another()
        if self._connection is None and not self.path.exists():
            yield
            return
        with self._acting() as connection:
            connection.execute("BEGIN")
            try:
                yield
            finally:
                with suppress(sqlite3.ProgrammingError):  # It may be closed by now.
                    connection.execute("COMMIT")

    def held(self) -> list[Held]:
        """Return what is held, by set and join."""
        if self._connection is None and not self.path.exists():
            return []
        with self._acting() as connection:
            rows = connection.execute("SELECT name, part, version, facts FROM joins ORDER BY name, part").fetchall()
        return [Held(*row) for row in rows]

    def values(self, held: Held, keys: Sequence[str]) -> list[str | None]:
        """Return the texts of keys in order, None for one that is not held."""
        found: dict[str, str] = {}
        with self._acting() as connection:
            for start in range(0, len(keys), AT_ONCE):
                some = keys[start : start + AT_ONCE]
                marks = ", ".join("?" * len(some))
                asked = f"SELECT key, held FROM kept WHERE name = ? AND part = ? AND key IN ({marks})"  # noqa: S608  marks alone
                found.update(connection.execute(asked, (held.set, held.join, *some)))
        return [found.get(key) for key in keys]

    def write(self, held: Held, rows: Iterable[tuple[str, str]]) -> None:
        """Put the values of a join in the place of those there were; a damaged file is put aside, and a new one begun."""
        from filelock import FileLock

        self._let_go_of_another()
        self.path.parent.mkdir(parents=True, exist_ok=True)
        # One writer at a time, also while one puts a damaged file aside.
        with FileLock(self.path.with_name(f".{FILE}.lock")):
            if self._is_damaged():
                self._begin_anew(held, rows)
            else:
                with self._acting() as connection:
                    _write(connection, held, rows)

    def close(self) -> None:
        """Let go of the file."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _is_damaged(self) -> bool:
        """Tell whether there is a file which is no database, or a broken one; not one that another hookline has written."""
        if not self.path.exists():
            return False
        try:
            with self._acting() as connection:
                return bool(connection.execute("PRAGMA quick_check(1)").fetchone() != ("ok",))
        except FeaturesAway as error:
            return isinstance(error.__cause__, sqlite3.DatabaseError) and not isinstance(
                error.__cause__, sqlite3.OperationalError
            )

    def _begin_anew(self, held: Held, rows: Iterable[tuple[str, str]]) -> None:
        """Write a new file, and put it in the place of the damaged one; who reads meanwhile sees that one until then."""
        self.close()
        aside = self.path.with_name(f"{FILE}.damaged-{time.strftime('%Y%m%dT%H%M%S')}")
        fresh = SqliteFeatures(self.path.parent)
        fresh.path = self.path.with_name(f".{FILE}.{os.getpid()}")
        try:
            with fresh._acting() as connection:
                _write(connection, held, rows)
            fresh.close()  # What it kept beside is in the file by now.
            for more in BESIDE:
                # SQLite would take what belongs to the old file for the new one's.
                self.path.with_name(f"{FILE}{more}").unlink(missing_ok=True)
            with suppress(OSError):  # Not every file system has links, and what is damaged is of little use.
                os.link(self.path, aside)
            fresh.path.replace(self.path)
        finally:
            fresh.close()
            for path in (fresh.path, *(fresh.path.with_name(f"{fresh.path.name}{more}") for more in BESIDE)):
                path.unlink(missing_ok=True)
        log.warning(
            "%s was damaged: it is kept as %s, and what else it held is to be materialized again", self.path, aside.name
        )

    @contextmanager
    def _acting(self) -> Iterator[sqlite3.Connection]:
        try:
            if self._connection is None:
                self._connection = self._opened()
                self._inode = self._inode_there()
            yield self._connection
        except sqlite3.Error as error:
            if not isinstance(error, sqlite3.OperationalError):
                self.close()
            raise FeaturesAway(
                f"the online store {self.path} cannot be used: {error}",
                hint="`hookline features materialize SET` writes it anew where it is damaged",
            ) from error

    def _let_go_of_another(self) -> None:
        if self._connection is not None and self._inode != self._inode_there():
            self.close()

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
            raise FeaturesAway(
                f"the online store {self.path} has format {version}, and this hookline reads {FORMAT}",
                hint="delete it, and materialize again",
            )
        if version == 0:
            connection.execute("PRAGMA journal_mode = WAL")
            connection.executescript(_TABLES)
            connection.execute(f"PRAGMA user_version = {FORMAT}")


def _write(connection: sqlite3.Connection, held: Held, rows: Iterable[tuple[str, str]]) -> None:
    where = (held.set, held.join)
    connection.execute("BEGIN IMMEDIATE")
    try:
        connection.execute("DELETE FROM kept WHERE name = ? AND part = ?", where)
        connection.executemany("INSERT INTO kept VALUES (?, ?, ?, ?)", ((*where, *row) for row in rows))
        connection.execute("INSERT OR REPLACE INTO joins VALUES (?, ?, ?, ?)", (*where, held.version, held.facts))
        connection.execute("COMMIT")
    except BaseException:
        with suppress(sqlite3.Error):
            connection.execute("ROLLBACK")
        raise
