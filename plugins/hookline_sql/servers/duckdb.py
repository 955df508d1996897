"""DuckDB, by its own library: a file of its own, or whatever files a query names."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..statements import written
from ..types import of_arrow, of_batch
from .server import BATCH, Server, Types, require
from .stamping import stamp_of

if TYPE_CHECKING:
    import polars as pl
    import sqlalchemy as sa


class DuckdbServer(Server):
    """A DuckDB database, which is never written to."""

    def types(self, statement: sa.Executable) -> Types:
        """Return the columns by the types that DuckDB names."""
        with self.talking(), self._connected() as connection:
            return of_arrow(self._asked(connection, statement).limit(0).to_arrow_table().schema)

    def batches(self, statement: sa.Executable, types: Types, size: int = BATCH) -> Generator[pl.DataFrame, None, None]:
        """Yield the rows batch by batch."""
        with self.talking(), self._connected() as connection:
            for batch in self._asked(connection, statement).to_arrow_reader(size):
                yield of_batch(batch, types)

    def row(self, statement: sa.Executable) -> tuple[Any, ...]:
        """Return the first row."""
        with self.talking(), self._connected() as connection:
            return next(iter(self._asked(connection, statement).limit(1).fetchall()), ())

    def column(self, statement: sa.Executable) -> list[Any]:
        """Return the first column."""
        with self.talking(), self._connected() as connection:
            return [row[0] for row in self._asked(connection, statement).fetchall()]

    def table_key(self, table: str, schema: str | None) -> tuple[str, ...]:
        """Return the primary key's columns."""
        query = (
            "select constraint_column_names from duckdb_constraints() where constraint_type = 'PRIMARY KEY' "
            "and table_name = $1 and schema_name = $2"
        )
        with self.talking(), self._connected() as connection:
            found = connection.execute(query, [table, schema or "main"]).fetchone()
            return () if found is None else tuple(found[0])

    def stamp(self) -> str | None:
        """Return size and time of the file and its log; None of a database in memory, whose queries name other files."""
        return stamp_of(self._file, ".wal") if self._file else None

    @property
    def _file(self) -> Path | None:
        name = self._url.database
        return None if name in (None, "", ":memory:") else Path(str(name)).expanduser()

    def _asked(self, connection: Any, statement: sa.Executable) -> Any:
        from sqlalchemy.dialects import postgresql

        # Of SQLAlchemy's own dialects the one whose quotes, limits and places for values DuckDB takes.
        text, values = written(statement, postgresql.dialect(paramstyle="numeric_dollar"))  # type: ignore[no-untyped-call]
        return connection.sql(text, params=values or None)

    @contextmanager
    def _connected(self) -> Iterator[Any]:
        require("duckdb", self._url)
        require("pyarrow", self._url)
        import duckdb

        file = self._file
        connection = duckdb.connect(":memory:") if file is None else duckdb.connect(str(file), read_only=True)
        try:
            connection.execute("set timezone = 'UTC'")
            yield connection
        finally:
            connection.close()
