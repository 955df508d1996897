"""The database behind the catalog: its URL, its engine, and what it says when it cannot be used."""

from __future__ import annotations

import os
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hookline.errors import MissingBackend, StoreError, UsageError
from hookline.telling.secrets import learn

from ...disk import can_write
from .glance import address
from .tables import FILE

if TYPE_CHECKING:
    from sqlalchemy import Engine

WAIT_SECONDS = 60
"""How long a writer waits for another before it gives up."""

CONNECT_SECONDS = 10
"""How long a database server may take to answer that it is there."""

AT_A_SERVER = {
    "authentication failed": "see to the user in HOOKLINE_CATALOG, and to the password there or in PGPASSWORD",
    "no password supplied": "set PGPASSWORD, or write the password into HOOKLINE_CATALOG",
    'role "': "see to the user in HOOKLINE_CATALOG, or make that role on the server",
    "does not exist": "make it on the server (`createdb NAME`), or name another in HOOKLINE_CATALOG",
    "permission denied": "let this user make tables and write to them: GRANT ALL ON SCHEMA public TO NAME",
    "failed to resolve": "see to the host in HOOKLINE_CATALOG",
    "onnection refused": "see that the server is up, and to the host and the port in HOOKLINE_CATALOG",
    "timeout expired": "see that the server is up, and to the host and the port in HOOKLINE_CATALOG",
}
"""What a database server says -> what to do."""


def catalog_url(home: Path) -> str:
    """Return the URL of a home's catalog: of the database that HOOKLINE_CATALOG names, else of a file in the home."""
    return os.environ.get("HOOKLINE_CATALOG") or sqlite_url(home / FILE)


def sqlite_url(path: Path) -> str:
    """Return the URL of a SQLite file, whatever characters its path holds."""
    from sqlalchemy import URL

    return URL.create("sqlite", database=str(path)).render_as_string(hide_password=False)


def file_of(url: str) -> Path | None:
    """Return the file of a SQLite catalog; None for a server, or where there is no file."""
    from sqlalchemy import exc, make_url

    try:
        path = make_url(url).database if url.startswith("sqlite") else None
    except (exc.ArgumentError, ValueError):
        return None  # What is no URL is told of where the engine is made.
    return Path(path) if path else None


def engine_of(url: str) -> Engine:
    """Return an engine; raises UsageError for what is no URL, MissingBackend where a server's driver is not installed.

    A SQLite file that cannot be written, or lies where nothing can be, is read as it is, and writing to it raises.
    """
    from sqlalchemy import event

    learn(url)
    file = file_of(url)
    if file is not None and file.is_file() and not (os.access(file, os.W_OK) and can_write(file.parent)):
        return _engine(url, creator=partial(_reader, file))

    if not url.startswith("sqlite"):
        # A server that takes no connection at all would be waited for by the system's own time, which is minutes.
        patience = {"connect_timeout": CONNECT_SECONDS} if url.startswith(("postgresql:", "postgresql+psycopg")) else {}
        return _engine(url, pool_pre_ping=True, connect_args=patience)
    engine = _engine(url, connect_args={"timeout": WAIT_SECONDS, "isolation_level": None})

    @event.listens_for(engine, "connect")
    def _on_connect(connection: Any, _: Any) -> None:
        connection.execute("PRAGMA busy_timeout = 60000")
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA foreign_keys = ON")

    return engine


def _reader(file: Path) -> Any:
    import sqlite3

    # SQLAlchemy's pool hands a connection from thread to thread, one at a time.
    return sqlite3.connect(address(file), uri=True, timeout=WAIT_SECONDS, isolation_level=None, check_same_thread=False)


def _engine(url: str, **options: Any) -> Engine:
    from sqlalchemy import create_engine, exc

    try:
        return create_engine(url, **options)
    except (exc.ArgumentError, ValueError) as error:
        # Of a port that is no number SQLAlchemy lets out what `int` says.
        what = str(error).splitlines()[0] if isinstance(error, exc.ArgumentError) else "its port is no number"
        raise UsageError(
            f"HOOKLINE_CATALOG: {what}",
            hint="write postgresql+psycopg://user@host/database, or sqlite:///FILE",
        ) from None
    except ModuleNotFoundError as error:
        raise MissingBackend("the catalog", str(error.name), "postgres") from None


def is_locked(url: str) -> bool:
    """Tell whether another process keeps writers of a SQLite catalog waiting; also raises StoreError where it is damaged."""
    import sqlite3

    path = file_of(url)
    if path is None or not path.is_file():
        return False
    with closing(sqlite3.connect(path, timeout=1, isolation_level=None)) as connection:
        try:
            connection.execute("BEGIN IMMEDIATE")
            connection.execute("ROLLBACK")
            problem = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
        except sqlite3.DatabaseError as error:
            if "locked" in str(error):
                return True
            raise store_error(url, error) from error
    if problem != "ok":
        raise StoreError(
            f"the catalog {shown(url)} is damaged: {problem}", hint="move the file away to begin a new one"
        )
    return False


def require_readable(url: str) -> None:
    """Raise StoreError at once where a SQLite catalog is damaged, or held so that a reader would wait for a minute."""
    import sqlite3

    path = file_of(url)
    if path is None or not path.is_file():
        return
    try:
        with closing(sqlite3.connect(address(path), uri=True, timeout=0.5)) as connection:
            connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
    except sqlite3.Error as error:
        raise store_error(url, error) from error


def failures() -> tuple[type[Exception], ...]:
    """Return what is raised where a database refuses, breaks off or has no connection left; faults in code are none of it."""
    from sqlalchemy import exc

    return exc.DBAPIError, exc.TimeoutError


def store_error(url: str, error: Exception) -> StoreError:
    """Return the error for what the database says, in our words and with what to do."""
    reason = str(getattr(error, "orig", None) or error).strip().splitlines()[0]
    damaged = any(sign in reason for sign in ("not a database", "malformed", "no such table", "no such column"))
    hint = "move the file away to begin a new one" if damaged else None
    if "readonly" in reason or "unable to open" in reason:
        hint = "set HOOKLINE_HOME to a folder of yours, or HOOKLINE_CATALOG to another database"
    if "full" in reason or "disk I/O" in reason:
        hint = "free space on its disk, or set HOOKLINE_HOME to a folder on another"
    if "locked" in reason:
        hint = "another process holds it; wait, or end that process"
    if not url.startswith("sqlite"):
        hint = next((todo for sign, todo in AT_A_SERVER.items() if sign in reason), hint)
    return StoreError(f"the catalog {shown(url)} cannot be used: {reason}", hint=hint)


def shown(url: str) -> str:
    """Return a URL that may be printed."""
    from sqlalchemy import make_url

    return make_url(url).render_as_string(hide_password=True)
