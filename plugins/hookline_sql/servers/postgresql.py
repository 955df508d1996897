"""PostgreSQL, by ADBC: rows come as Arrow, through a cursor of the server, so that little is held on either side."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from contextlib import contextmanager
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from ..statements import written
from ..types import EXACT, of_arrow, of_batch
from .server import BATCH, Server, Types, require

if TYPE_CHECKING:
    import polars as pl
    import pyarrow as pa
    import sqlalchemy as sa

SESSION = (
    "set session characteristics as transaction read only",
    # A cursor is planned for all its rows, which are all wanted.
    "set cursor_tuple_fraction = 1",
    # Rows without an order come as they lie, each time.
    "set synchronize_seqscans = off",
    "set timezone = 'UTC'",
)
CURSOR = "hookline_rows"


class PostgresqlServer(Server):
    """A PostgreSQL server; `.pgpass`, service files and PG* variables are libpq's, which ADBC stands on."""

    def types(self, statement: sa.Executable) -> Types:
        """Return the columns by the types that the server names; a cursor is opened for it, and nothing fetched."""
        with self.talking(), self._connected() as connection:
            self._declare(connection, statement)
            return of_arrow(self._fetch(connection, 0).schema)

    def batches(self, statement: sa.Executable, types: Types, size: int = BATCH) -> Generator[pl.DataFrame, None, None]:
        """Yield the rows batch by batch."""
        with self.talking(), self._connected() as connection:
            self._declare(connection, statement)
            while (rows := self._fetch(connection, size)).num_rows:
                yield of_batch(rows, types)

    def row(self, statement: sa.Executable) -> tuple[Any, ...]:
        """Return the first row."""
        with self.talking(), self._connected() as connection:
            rows = self._all(connection, *self._written(statement))
            return tuple(values[0] for values in map(_values, rows.columns)) if rows.num_rows else ()

    def column(self, statement: sa.Executable) -> list[Any]:
        """Return the first column."""
        with self.talking(), self._connected() as connection:
            return _values(self._all(connection, *self._written(statement)).column(0))

    def table_key(self, table: str, schema: str | None) -> tuple[str, ...]:
        """Return the primary key's columns, in its order."""
        query = (
            "select a.attname::text from pg_index i cross join lateral unnest(i.indkey) with ordinality k(n, place) "
            "join pg_attribute a on a.attrelid = i.indrelid and a.attnum = k.n "
            "where i.indisprimary and i.indrelid = to_regclass($1::text) order by k.place"
        )
        names = [part.replace('"', '""') for part in (schema, table) if part is not None]
        with self.talking(), self._connected() as connection:
            found = self._all(connection, query, [".".join(f'"{name}"' for name in names)])
            return tuple(found.column(0).to_pylist())

    def _written(self, statement: sa.Executable) -> tuple[str, list[Any]]:
        from sqlalchemy.dialects import postgresql

        return written(statement, postgresql.dialect(paramstyle="numeric_dollar"))  # type: ignore[no-untyped-call]

    def _declare(self, connection: Any, statement: sa.Executable) -> None:
        text, values = self._written(statement)
        self._all(connection, f"declare {CURSOR} no scroll cursor for {text}", values, rows=False)

    def _fetch(self, connection: Any, size: int) -> pa.Table:
        return self._all(connection, f"fetch forward {size} from {CURSOR}", [])

    def _all(self, connection: Any, text: str, values: list[Any], *, rows: bool = True) -> Any:
        with connection.cursor() as cursor:
            cursor.adbc_statement.set_options(**{"adbc.postgresql.use_copy": "false"})
            cursor.execute(text, values or None)
            return cursor.fetch_arrow_table() if rows else None

    @contextmanager
    def _connected(self) -> Iterator[Any]:
        require("adbc_driver_postgresql", self._url)
        require("pyarrow", self._url)
        from adbc_driver_postgresql import dbapi

        connection = dbapi.connect(_uri(self._url))
        try:
            for line in SESSION:
                self._all(connection, line, [], rows=False)
            connection.commit()
            yield connection
        finally:
            connection.close()


def _uri(url: sa.URL) -> str:
    """Return a URL as libpq takes it; a password of a user whom it does not name stands in its query."""
    if url.username is None and url.password is not None:
        url = url._replace(password=None).update_query_dict({"password": str(url.password)})
    place, mark, query = url.set(drivername="postgresql").render_as_string(hide_password=False).partition("?")
    # To libpq a plus is one.
    return place + mark + query.replace("+", "%20")


def _values(column: pa.ChunkedArray) -> list[Any]:
    """Return Python's values; numbers of any number of digits, which come as texts, as decimals."""
    import pyarrow as pa

    values = column.to_pylist()
    exact = isinstance(column.type, pa.OpaqueType) and column.type.type_name == EXACT
    return [None if value is None else Decimal(value) for value in values] if exact else values
