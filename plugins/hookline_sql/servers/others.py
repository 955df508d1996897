"""MariaDB and MySQL, and whatever else SQLAlchemy has a dialect and somebody a driver for."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from hookline.errors import DataError

from ..types import of_rows, require_names, require_same, settled, unreadable
from .server import BATCH, Server, Types, require

if TYPE_CHECKING:
    import polars as pl
    import sqlalchemy as sa


class SqlalchemyServer(Server):
    """A database by its SQLAlchemy dialect: types are those of the first rows, since drivers tell them in their own ways."""

    keeps_order = False
    rows_for_types = BATCH

    def types(self, statement: sa.Executable) -> Types:
        """Return the columns by the values of the first rows; one of nothing but missing values holds texts."""
        import polars as pl

        with self.talking(), self._connected() as connection:
            result = self._asked(connection, statement)
            names = list(result.keys())
            require_names(names)
            rows = [tuple(row) for row in result.fetchmany(BATCH)]
            result.close()
        try:
            found = pl.DataFrame(rows, schema=names, orient="row", infer_schema_length=None)
        except (TypeError, pl.exceptions.PolarsError) as error:
            raise DataError(
                f"the rows of {self.place} have no types in common: {str(error).splitlines()[0]}",
                hint="cast columns of mixed values to one type in source.query",
            ) from None
        if binary := {name: str(dtype) for name, dtype in found.schema.items() if dtype in (pl.Binary, pl.Object)}:
            raise unreadable(binary)
        return {name: settled(dtype) for name, dtype in found.schema.items()}

    def batches(self, statement: sa.Executable, types: Types, size: int = BATCH) -> Generator[pl.DataFrame, None, None]:
        """Yield the rows batch by batch, by a cursor of the server where the driver has one."""
        with self.talking(), self._connected() as connection:
            result = self._asked(connection, statement)
            try:
                require_same(list(result.keys()), types)
                while rows := result.fetchmany(size):
                    yield of_rows(self._plain(rows, types), types)
            finally:
                result.close()

    def row(self, statement: sa.Executable) -> tuple[Any, ...]:
        """Return the first row."""
        with self.talking(), self._connected() as connection:
            result = self._asked(connection, statement)
            found = result.fetchone()
            result.close()
            return () if found is None else tuple(found)

    def column(self, statement: sa.Executable) -> list[Any]:
        """Return the first column."""
        with self.talking(), self._connected() as connection:
            return list(self._asked(connection, statement).scalars())

    def table_key(self, table: str, schema: str | None) -> tuple[str, ...]:
        """Return the primary key's columns."""
        import sqlalchemy as sa

        with self.talking(), self._connected() as connection:
            return tuple(sa.inspect(connection).get_pk_constraint(table, schema)["constrained_columns"])

    def _plain(self, rows: Sequence[Any], types: Types) -> Sequence[Sequence[Any]]:
        del types
        return rows

    def _asked(self, connection: sa.Connection, statement: sa.Executable) -> sa.CursorResult[Any]:
        return connection.execution_options(stream_results=True, max_row_buffer=BATCH).execute(statement)

    def _begin(self, connection: sa.Connection) -> None:
        """Have the session only read, where the dialect has a word for it."""

    @contextmanager
    def _connected(self) -> Iterator[sa.Connection]:

        engine = self._engine()
        try:
            with engine.connect() as connection:
                self._begin(connection)
                yield connection
        finally:
            engine.dispose()

    def _engine(self) -> sa.Engine:
        import sqlalchemy as sa
        from sqlalchemy.exc import NoSuchModuleError

        try:
            return sa.create_engine(self._url, poolclass=sa.NullPool)
        except NoSuchModuleError:
            raise DataError(
                f"SQLAlchemy has no dialect '{self._url.drivername}' here",
                hint="install the package that brings it, or look at the beginning of source.url",
            ) from None
        except ModuleNotFoundError as error:
            raise DataError(
                f"{self.place} needs the driver '{error.name}', which is not installed",
                hint=f"pip install {error.name}",
            ) from None


class MysqlServer(SqlalchemyServer):
    """MariaDB or MySQL: their drivers tell types by the numbers of the protocol."""

    rows_for_types = 0

    def types(self, statement: sa.Executable) -> Types:
        """Return the columns by the types that the server names."""
        with self.talking(), self._connected() as connection:
            result = self._asked(connection, statement)
            described: list[Any] = list(result.cursor.description) if result.cursor is not None else []
            result.close()
        require_names([column[0] for column in described])
        found = {column[0]: _type_of(column[1], column[3]) for column in described}
        if refused := {name: "geometry" for name, dtype in found.items() if dtype is None}:
            raise unreadable(refused)
        return {name: dtype for name, dtype in found.items() if dtype is not None}

    def _plain(self, rows: Sequence[Any], types: Types) -> Sequence[Sequence[Any]]:
        """Return rows whose bits are numbers."""
        import polars as pl

        whole = [place for place, dtype in enumerate(types.values()) if dtype == pl.Int64]
        bits = {place for place in whole if any(isinstance(row[place], bytes) for row in rows)}
        if not bits:
            return rows
        return [
            [int.from_bytes(v) if place in bits and v is not None else v for place, v in enumerate(row)] for row in rows
        ]

    def _begin(self, connection: sa.Connection) -> None:
        # Times of type TIMESTAMP are told in the session's zone.
        connection.exec_driver_sql("set time_zone = '+00:00'")
        connection.exec_driver_sql("set session transaction read only")
        connection.commit()

    def _engine(self) -> sa.Engine:
        driver = self._url.drivername
        if "+" not in driver:
            require("pymysql", self._url)
            self._url = self._url.set(drivername=f"{driver}+pymysql")
        return super()._engine()


def _type_of(code: int, length: int | None) -> pl.DataType | None:
    """Return the type of a column by its number in the protocol of MySQL (mysql.h, enum_field_types); None: there is none.

    length: digits that are shown; a BOOLEAN is a TINYINT of one
    """
    import polars as pl

    if (code, length) == (1, 1):
        return pl.Boolean()

    numbers: Mapping[tuple[int, ...], pl.DataType] = {
        (1, 2, 3, 8, 9, 13, 16): pl.Int64(),  # TINY, SHORT, LONG, LONGLONG, INT24, YEAR, BIT
        (0, 4, 5, 246): pl.Float64(),  # DECIMAL, FLOAT, DOUBLE, NEWDECIMAL
        (7, 17): pl.Datetime("us", "UTC"),  # TIMESTAMP
        (12, 18): pl.Datetime("us"),  # DATETIME
        (10, 14): pl.Date(),
        (11, 19): pl.Duration("us"),  # TIME, of up to 838 hours
    }
    if code == 255:
        return None
    return next((dtype for codes, dtype in numbers.items() if code in codes), pl.String())
