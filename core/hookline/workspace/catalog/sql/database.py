"""The database that a catalog is kept in: made, checked, read from and written to; nothing of any subject."""

from __future__ import annotations

import hashlib
import weakref
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hookline.errors import StoreError

from ...shelf import is_shared
from .engine import engine_of, failures, file_of, shown, store_error
from .tables import sqlalchemy_tables
from .values import Places, now, utc

if TYPE_CHECKING:
    from sqlalchemy import Column, ColumnElement, Connection, Executable, RowMapping, ScalarSelect, Select


FORMAT = 7
"""Version of the tables."""
LIFTED = (6,)
"""Earlier ones that `hookline migrate` lifts."""
SEVERAL = 1_000
"""Rows that are looked at where a name fits several, or none."""
LOCK = 4859
"""Of a server's advisory locks, the one that a writer holds."""


class Database:
    """One SQLite file by default, PostgreSQL by URL; parallel writers wait, and do not fail."""

    def __init__(self, url: str, home: Path | None = None) -> None:
        self.url = url
        self.tables = sqlalchemy_tables()
        try:
            self._engine = engine_of(url)
            weakref.finalize(self, self._engine.dispose)  # A server's connections are closed with the database.
            self._prepare()
            self._file = file_of(url)
            self._identity = _identity(self._file)
            self.places = Places(home, url, alike=is_shared())
        except failures() as error:
            raise store_error(url, error) from error

    def close(self) -> None:
        """Close every connection that nobody holds; the next use opens one anew."""
        self._engine.dispose()

    def rows(self, query: Executable) -> Sequence[RowMapping]:
        """Return the rows that a query finds."""
        try:
            with self.reading() as connection:
                return connection.execute(query).mappings().all()
        except UnicodeEncodeError:
            # What a person typed that is no text stands in no row.
            return ()

    def first(self, query: Select[Any]) -> RowMapping | None:
        """Return the first row that a query finds, or None; asks for no more."""
        return next(iter(self.rows(query.limit(1))), None)

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """Hold a connection to read by; raises StoreError where the database is damaged or out of reach."""
        try:
            with self._engine.connect() as connection:
                yield connection
        except failures() as error:
            raise store_error(self.url, error) from error

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """Hold the right to write, and commit at the end; waits for other writers. Raises StoreError where it cannot."""
        from sqlalchemy import text

        try:
            with self._engine.connect() as connection:
                if connection.dialect.name == "sqlite":
                    # Taken before the first read, so that two writers never hold a read that neither can extend.
                    connection.exec_driver_sql("BEGIN IMMEDIATE")
                elif connection.dialect.name == "postgresql":
                    connection.execute(text(f"SELECT pg_advisory_xact_lock({LOCK})"))
                yield connection
                connection.commit()
        except failures() as error:
            raise store_error(self.url, error) from error

    @contextmanager
    def alone(self, what: str) -> Iterator[None]:
        """Be the only one at something in all that share a server, or a file that is no home's own; a home has locks itself.

        A process that dies lets go. Raises StoreError where the server is out of reach, or no lock can be made by the file.
        """
        if not self.has_clock:
            with self._locked(what):
                yield
            return
        from sqlalchemy import text

        number = int.from_bytes(hashlib.sha256(what.encode()).digest()[:4], signed=True)
        try:
            held = self._engine.connect().execution_options(isolation_level="AUTOCOMMIT")
            held.execute(text(f"SELECT pg_advisory_lock({LOCK}, {number})"))
        except failures() as error:
            raise store_error(self.url, error) from error
        try:
            yield
        finally:
            held.detach()  # Closed, and with it let go, also where the server is gone.
            held.close()

    @contextmanager
    def _locked(self, what: str) -> Iterator[None]:
        """Hold a lock for something beside the file; none where the file is a home's own."""
        if self._file is None or self.places.in_home():
            yield
            return
        from filelock import FileLock

        name = hashlib.sha256(what.encode()).hexdigest()[:16]
        held = FileLock(self._file.with_name(f"{self._file.name}.{name}.lock"))
        try:
            held.acquire()
        except OSError as error:
            raise store_error(self.url, error) from error
        try:
            yield
        finally:
            # While it is held, so that whoever waits for it takes a new one.
            Path(held.lock_file).unlink(missing_ok=True)
            held.release()

    def require_same(self) -> None:
        """Raise StoreError where the file is away, for those who use it again and again; open another that is in its place.

        A connection goes on with a file that was moved away, and a new one would begin an empty file where it was.
        """
        if self._file is None:
            return
        found = _identity(self._file)
        if found is None:
            raise StoreError(f"the catalog {self._file} is away", hint="move it back")
        if found != self._identity:
            self._engine.dispose()
            # Until it is known to be one that we read: the first may come back meanwhile.
            self._identity = None
            self._check_format()
            self._identity = found

    @property
    def has_clock(self) -> bool:
        """Whether it has a clock of its own, by which every process measures alike: a server has."""
        return self._engine.dialect.name == "postgresql"

    def now(self) -> Any:
        """Return what a column of the time is set to, by the server's clock where there is one."""
        from sqlalchemy import func

        # Not when the transaction began, which may have waited for others.
        return func.clock_timestamp() if self.has_clock else now()

    def clock(self) -> datetime:
        """Return the time by the same clock."""
        from sqlalchemy import func, select

        return utc(self.rows(select(func.clock_timestamp().label("now")))[0]["now"]) if self.has_clock else now()

    def _prepare(self) -> None:
        from sqlalchemy import inspect

        if inspect(self._engine).has_table(self.tables["meta"].name):
            self._check_format()
        else:
            self._create()

    def _create(self) -> None:
        meta = self.tables["meta"]
        with self.writing() as connection:
            meta.metadata.create_all(connection)
            # Another process may have been first.
            if connection.execute(meta.select()).first() is None:
                connection.execute(meta.insert().values(format=FORMAT))

    def _check_format(self) -> None:
        row = self.first(self.tables["meta"].select())
        if row is None or row["format"] != FORMAT:
            found = row["format"] if row else "none"
            ways = "use the hookline that wrote it, or move the catalog away to begin a new one"
            raise StoreError(
                f"the catalog {shown(self.url)} has format {found}, and this hookline reads {FORMAT}",
                hint="hookline migrate" if found in LIFTED else ways,
            )


def _identity(file: Path | None) -> tuple[int, int] | None:
    """Return what tells a file from another of its name; None where there is none."""
    try:
        found = None if file is None else file.stat()
    except OSError:
        return None
    return None if found is None else (found.st_dev, found.st_ino)


def next_in(column: Column[int]) -> ScalarSelect[int]:
    """Return the number after the greatest of a column; to be asked for while nobody else may write."""
    from sqlalchemy import func, select

    return select(func.coalesce(func.max(column), 0) + 1).scalar_subquery()


def begins(column: Column[str], letters: str) -> ColumnElement[bool]:
    """Return the condition that a column begins with these letters, upper and lower case told apart."""
    from sqlalchemy import func

    # LIKE tells them apart on one database, and not on the other.
    return func.substr(column, 1, len(letters)) == letters
