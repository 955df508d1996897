"""What the source asks of a database, whichever it is."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Generator, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, ClassVar

from hookline.errors import MissingBackend

from ..faults import fault_of

if TYPE_CHECKING:
    import polars as pl
    import sqlalchemy as sa

BATCH = 50_000
"""Rows that are read together."""
Types = Mapping[str, "pl.DataType"]
"""Column -> type of its values."""


class Server(ABC):
    """A database at a URL; a connection lasts as long as what is asked of it."""

    keeps_order: ClassVar[bool] = True
    """Whether a query that stands within another keeps the order that it asks for."""
    rows_for_types: ClassVar[int | None] = None
    """How many rows a statement is limited to that is asked for its types alone; None: it is asked as it is."""

    def __init__(self, url: sa.URL) -> None:
        self._url = url

    @abstractmethod
    def types(self, statement: sa.Executable) -> Types:
        """Return the columns of a statement; raises DataError for a type that no column here can have."""

    @abstractmethod
    def batches(self, statement: sa.Executable, types: Types, size: int = BATCH) -> Generator[pl.DataFrame, None, None]:
        """Yield the rows as they come, of those types; what is held does not grow with the rows."""

    @abstractmethod
    def row(self, statement: sa.Executable) -> tuple[Any, ...]:
        """Return the first row as Python's values; empty where there is none."""

    @abstractmethod
    def column(self, statement: sa.Executable) -> list[Any]:
        """Return the first column as Python's values."""

    @abstractmethod
    def table_key(self, table: str, schema: str | None) -> tuple[str, ...]:
        """Return the columns of a table's primary key; empty where it has none."""

    def stamp(self) -> str | None:
        """Return what changes when anything in the database does, where that is known without reading; else None."""
        return None

    @property
    def place(self) -> str:
        """Where the database is, without user and password."""
        return place_of(self._url)

    @contextmanager
    def talking(self) -> Iterator[None]:
        """Say in our words what the driver raises."""
        with said_in_our_words(self._url):
            yield


@contextmanager
def said_in_our_words(url: sa.URL) -> Iterator[None]:
    """Raise DataError for what a driver raises, with what is wrong and one thing to do."""
    from sqlalchemy.exc import NoSuchTableError, SQLAlchemyError

    try:
        yield
    except NoSuchTableError as error:
        raise fault_of(LookupError(f"no such table: {error}"), url) from None
    except SQLAlchemyError as error:
        raise fault_of(getattr(error, "orig", None) or error, url) from None
    except Exception as error:
        if _is_drivers(error):
            raise fault_of(error, url) from None
        raise


def place_of(url: sa.URL) -> str:
    """Return where a database is, without user and password."""
    where = f"{url.host or ''}{f':{url.port}' if url.port else ''}"
    kind = {"postgresql": "PostgreSQL", "mysql": "MySQL", "mariadb": "MariaDB", "sqlite": "SQLite", "duckdb": "DuckDB"}
    name = kind.get(url.get_backend_name(), url.get_backend_name())
    service = url.query.get("service") or url.query.get("host")
    where = where or (service if isinstance(service, str) else "")
    at = "/".join(part for part in (where, url.database or "") if part)
    return f"{name} at {at}" if at else name


def require(module: str, url: sa.URL) -> None:
    """Raise MissingBackend, with the line that installs it, where a driver is not there; imports nothing."""
    from importlib.util import find_spec

    if find_spec(module) is None:
        raise MissingBackend(f"source 'sql' for {url.get_backend_name()}", module, "sql")


def _is_drivers(error: Exception) -> bool:
    module = type(error).__module__.partition(".")[0].lstrip("_")
    return module in ("adbc_driver_manager", "duckdb", "sqlite3", "pymysql", "psycopg", "MySQLdb", "mysql", "mariadb")
