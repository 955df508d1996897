"""SQLite, by Python's own module: a column's type is what its values are, which SQLite is asked first.

ADBC's driver goes by the first rows, and stops at a value further down that is of another type.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..statements import written
from ..types import of_rows, require_names, require_same, unreadable
from .server import BATCH, Server, Types
from .stamping import stamp_of

if TYPE_CHECKING:
    import sqlite3

    import polars as pl
    import sqlalchemy as sa

REALS = ("REAL", "DOUBLE", "FLOAT", "NUMERIC", "DECIMAL")
"""How declared types begin of columns that hold fractions, though all of them may be whole for now."""


class SqliteServer(Server):
    """A SQLite file, which is never written to."""

    def types(self, statement: sa.Executable) -> Types:
        """Return the columns by the types of all their values, and of a table's times by what it declares; reads all rows."""
        text, values = self._written(statement)
        with self.talking(), self._connected() as connection:
            names = self._names(connection, text, values)
            require_names(names)
            held = ", ".join(f"group_concat(distinct typeof({_quoted(name)}))" for name in names)
            found = connection.execute(f"select {held} from ({text})", values).fetchone()  # noqa: S608 - names are quoted
            return _types(dict(zip(names, found, strict=True)), self._declared(connection, statement))

    def batches(self, statement: sa.Executable, types: Types, size: int = BATCH) -> Generator[pl.DataFrame, None, None]:
        """Yield the rows batch by batch; whole numbers beside fractions are fractions, and numbers beside texts texts."""
        import polars as pl

        text, values = self._written(statement)
        texts = [place for place, dtype in enumerate(types.values()) if dtype == pl.String]
        with self.talking(), self._connected() as connection, closing(connection.execute(text, values)) as cursor:
            require_same([column[0] for column in cursor.description], types)
            while rows := cursor.fetchmany(size):
                yield of_rows([_with_texts(row, texts) for row in rows], types)

    def row(self, statement: sa.Executable) -> tuple[Any, ...]:
        """Return the first row."""
        with self.talking(), self._connected() as connection:
            return tuple(connection.execute(*self._written(statement)).fetchone() or ())

    def column(self, statement: sa.Executable) -> list[Any]:
        """Return the first column."""
        with self.talking(), self._connected() as connection:
            return [row[0] for row in connection.execute(*self._written(statement)).fetchall()]

    def table_key(self, table: str, schema: str | None) -> tuple[str, ...]:
        """Return the primary key's columns, in its order; of a table without one, its row number where it has that."""
        del schema
        with self.talking(), self._connected() as connection:
            found = connection.execute("select name, pk from pragma_table_info(?) where pk > 0 order by pk", [table])
            return tuple(name for name, _ in found.fetchall())

    def stamp(self) -> str | None:
        """Return size and time of the file and its log."""
        return stamp_of(self._file, "-wal")

    @property
    def _file(self) -> Path:
        return Path(self._url.database or "").expanduser()

    def _written(self, statement: sa.Executable) -> tuple[str, list[Any]]:
        return written(statement, _dialect())

    def _names(self, connection: sqlite3.Connection, text: str, values: list[Any]) -> list[str]:
        # A query within another is given names of its own where two are one, so it is asked as it is.
        with closing(connection.execute(text, values)) as cursor:
            return [column[0] for column in cursor.description]

    def _declared(self, connection: sqlite3.Connection, statement: sa.Executable) -> dict[str, str]:
        """Return the types that tables declare of the columns that a statement takes from them, as a view tells them."""
        # Values have no place in a view, nor to do with types.
        bare = statement.params(dict.fromkeys(statement.compile().params))  # type: ignore[attr-defined]
        text = bare.compile(dialect=_dialect(), compile_kwargs={"literal_binds": True})
        connection.execute(f"create temp view hookline_types as {text}")
        return {row[1]: row[2].upper() for row in connection.execute("pragma temp.table_info(hookline_types)")}

    @contextmanager
    def _connected(self) -> Iterator[sqlite3.Connection]:
        import sqlite3

        stamp_of(self._file, "-wal")
        # Whoever reads a lazy frame may take its batches in one thread and then in another, never in two at a time.
        place = f"{self._file.absolute().as_uri()}?mode=ro"
        with closing(sqlite3.connect(place, uri=True, check_same_thread=False)) as connection:
            yield connection


def _types(found: Mapping[str, str | None], declared: Mapping[str, str]) -> dict[str, pl.DataType]:
    """Return what holds all values of each column, of which SQLite said the types; times and booleans as they are declared."""
    held = {name: {*(kinds or "").split(",")} - {"null", ""} for name, kinds in found.items()}
    if binary := {name: "blob" for name, kinds in held.items() if "blob" in kinds}:
        raise unreadable(binary)
    return {name: _type_of(kinds, declared.get(name, "")) for name, kinds in held.items()}


def _type_of(kinds: set[str], declared: str) -> pl.DataType:
    import polars as pl

    if kinds == {"text"} and declared.startswith(("DATETIME", "TIMESTAMP")):
        return pl.Datetime("us")
    if kinds == {"text"} and declared == "DATE":
        return pl.Date()
    if kinds == {"integer"} and declared.startswith("BOOL"):
        return pl.Boolean()
    if "text" in kinds or not kinds:
        return pl.String()
    return pl.Float64() if "real" in kinds or declared.startswith(REALS) else pl.Int64()


def _with_texts(row: tuple[Any, ...], texts: list[int]) -> tuple[Any, ...]:
    if all(row[place] is None or type(row[place]) is str for place in texts):
        return row
    return tuple(str(value) if place in texts and value is not None else value for place, value in enumerate(row))


def _dialect() -> sa.Dialect:
    from sqlalchemy.dialects import sqlite

    dialect = sqlite.dialect(paramstyle="qmark")
    # A name in double quotes that is no column's is a text to SQLite.
    dialect.identifier_preparer = type(dialect.identifier_preparer)(dialect, initial_quote="`", escape_quote="`")
    return dialect


def _quoted(name: str) -> str:
    return "`" + name.replace("`", "``") + "`"
