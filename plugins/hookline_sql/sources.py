"""Rows of a database: a table, or what a query gives."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import uuid
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any

from annotated_types import Ge, Interval, Len

from hookline import Dataset, Secret, Source
from hookline.errors import DataError
from hookline.kinds.streams.marks import MOST_OPEN, TIME, Mark, before, newer, require_apart, require_comparable

from .statements import Asked, Bound, count, of_column, parameters_of, said
from .streaming import Stream

if TYPE_CHECKING:
    import polars as pl

    from .servers.server import Server, Types

Text = Annotated[str, Len(1)]


class SqlSource(Source):
    """Rows of PostgreSQL, MariaDB, MySQL, SQLite, DuckDB, or any database of which SQLAlchemy has a dialect.

    Whole numbers are int64 and decimals float64, times in microseconds and those with a zone in UTC, JSON a text: the same rows
    are the same data in whichever database they lie. Rows come batch by batch, and only the columns that are wanted.
    """

    name = "sql"
    extra = "sql"
    url: Text
    """`postgresql://user@host/database`, `mysql://...`, `sqlite:///rows.db`, `duckdb:///rows.duckdb`, or `${oc.env:DB_URL}`."""
    table: Text | None = None
    """The table or view whose rows these are."""
    query: Text | None = None
    """Or the query that gives them; `:name` stands for a value of `parameters`."""
    schema: Text | None = None
    """Where the table is, if not where the database looks first."""
    columns: tuple[Text, ...] = ()
    """Which columns, in this order; all where none are named."""
    parameters: Mapping[str, int | float | bool | str] = dataclasses.field(default_factory=dict)
    """What stands for `:name` in the query; it is bound, and never part of the query's text."""
    password: Secret | None = None
    """The user's password, as `${oc.env:DB_PASSWORD}`; PostgreSQL also looks into PGPASSWORD, ~/.pgpass and service files."""
    order_by: tuple[Text, ...] = ()
    """Columns that the rows are sorted by; without, a table's by `key` or its primary key, and a query's as it says."""
    key: Text | None = None
    """A column that tells rows apart."""
    connections: Annotated[int, Interval(ge=1, le=64)] = 1
    """How many ranges of `key` are read at a time, each by a connection of its own; the rows and their order are the same."""
    watermark: Text | None = None
    """A column that grows with each row that comes, such as its time, so that `hookline data collect` reads on."""
    overlap: Annotated[float, Ge(0)] = 0.0
    """How much smaller a watermark may be of a row that comes late: seconds, or a number's units."""
    version_query: Text | None = None
    """A query whose first row changes when the rows do, so that they need not be read to find out."""

    def __post_init__(self) -> None:
        if (self.table is None) == (self.query is None):
            raise ValueError("say either table or query")
        if self.schema is not None and self.table is None:
            raise ValueError("schema goes with table; in a query, write schema.table")
        if self.connections > 1 and self.key is None:
            raise ValueError("connections needs key, the column whose ranges are read side by side")
        if self.overlap and (self.watermark is None or self.key is None):
            raise ValueError("overlap needs watermark and key, which tells rows apart that were read before")

    def load(self) -> Dataset:
        """Return the rows, lazily; reading them raises DataError where there are none, or the database is in the way."""
        self._require_parameters()
        server = self._server()
        return self._dataset(self._stream(server, self._asked(server), self.columns, empty=True).frame())

    def fingerprint(self) -> str:
        """Return a digest of what tells the rows' version.

        That is the first row of `version_query`; else the number of rows and the largest `watermark`; else size and time of the
        file of an SQLite or DuckDB database; else all rows, which are read for it.
        """
        self._require_parameters()
        server = self._server()
        where = [self.table, self.query, self.schema, self.columns, sorted(self.parameters.items()), self.order_by]
        told = json.dumps([where, self._version(server)], default=str)
        return hashlib.sha256(told.encode()).hexdigest()

    def columns_ahead(self) -> Mapping[str, pl.DataType | None] | None:
        """Return the columns with their types."""
        self._require_parameters()
        server = self._server()
        types = self._types(server, self._asked(server), self.columns)
        return {name: types[name] for name in self.columns or types}

    def position(self) -> str:
        """Return the largest watermark, how many rows are settled below it, and the keys of those that are not."""
        self._require_parameters()
        return self._mark(self._server()).text()

    def load_between(self, after: str | None, upto: str) -> Dataset:
        """Return the rows that came between two positions, each exactly once, lazily.

        Raises DataError where rows that were read before are gone, or came later than `overlap` allows.
        """
        self._require_parameters()
        server = self._server()
        of = self._read_by(server)
        first = Mark() if after is None else Mark.parse(after, self.name, of)
        last = Mark.parse(upto, self.name, of)
        watermark = self._watermark()
        asked = self._asked(server)
        self._require_settled(server, asked, first)
        bounds: list[Bound] = [] if first.settled is None else [(watermark, ">", first.settled)]
        bounds += [] if last.upto is None else [(watermark, "<=", last.upto)]
        told = (watermark, self.key) if self.overlap and self.key is not None else ()
        columns = tuple(dict.fromkeys((*self.columns, *told))) if self.columns else ()
        stream = self._stream(server, asked, columns, bounds)
        key = self.key if self.overlap else None
        return self._dataset(newer(stream.frame(), watermark, key, first, last))

    def _mark(self, server: Server) -> Mark:
        name = self._watermark()
        asked = self._asked(server)
        rows, marked, largest = server.row(asked.figures(count(), of_column("count", name), of_column("max", name)))
        if rows != marked:
            raise DataError(
                f"{rows - marked:,} rows have no '{name}', so that it cannot be told when they came",
                hint="name another column in source.watermark, or leave those rows out in source.query",
            )
        if largest is None:
            return Mark(of=self._read_by(server))
        if isinstance(largest, str) and TIME.fullmatch(largest):
            require_comparable(server.column(asked.forms(name)), name)
        settled = before(largest, self.overlap)
        bound: Bound = (name, "<=", settled)
        held = int(server.row(asked.figures(count(), bounds=[bound]))[0]) if self.overlap else int(rows)
        keys = self._open(server, settled, largest) if self.overlap else ()
        return Mark(largest, settled, held, keys, self._read_by(server))

    def _open(self, server: Server, settled: Any, upto: Any) -> Sequence[Any]:
        """Return the keys of rows in the overlap."""
        assert self.key is not None
        name = self._watermark()
        asked = dataclasses.replace(self._asked(server), order_by=())
        keys = server.column(asked.rows([self.key], [(name, ">", settled), (name, "<=", upto)], MOST_OPEN + 1))
        require_apart(keys, f"source.key '{self.key}'", self.overlap)
        return [str(one) if isinstance(one, uuid.UUID) else one for one in keys]

    def _require_settled(self, server: Server, asked: Asked, first: Mark) -> None:
        """Raise DataError where the rows up to a position are not those that were read."""
        if first.settled is None:
            return
        name = self._watermark()
        now = int(server.row(asked.figures(count(), bounds=[(name, "<=", first.settled)]))[0])
        if now > first.rows:
            raise DataError(
                f"{now - first.rows:,} rows came to '{name}' at or before {first.settled}, later than "
                f"source.overlap={self.overlap:g} allows",
                hint="collect anew under another name, with an overlap as long as rows may be late",
            )
        gone = first.rows - now
        if not gone and first.open:
            gone = len({*first.open} - {*self._open(server, first.settled, first.upto)})
        if gone:
            raise DataError(
                f"{gone:,} rows that were read before are gone, or have another '{name}' by now",
                hint="choose a watermark that is written once a row, and collect anew under another name",
            )

    def _dataset(self, frame: pl.LazyFrame) -> Dataset:
        return Dataset(frame.select(self.columns) if self.columns else frame, name=self.table or "query")

    def _stream(
        self, server: Server, asked: Asked, columns: Sequence[str], bounds: Sequence[Bound] = (), *, empty: bool = False
    ) -> Stream:
        types = self._types(server, asked, columns)
        what = self._what() if empty else None
        narrows = self._narrows(server, asked)
        return Stream(server, asked, types, bounds, narrows, self.key, self.connections, empty=what)

    def _types(self, server: Server, asked: Asked, columns: Sequence[str]) -> Types:
        """Return the types of the columns that are read: those, or all where the database cannot be asked for some."""
        wanted = columns if self._narrows(server, asked) else ()
        types = server.types(asked.rows(wanted or None, limit=server.rows_for_types))
        if absent := [name for name in columns if name not in types]:
            raise DataError(
                f"{self._what()} has no column '{absent[0]}'; it has {', '.join([*types][:20])}",
                hint="look at source.columns, key and watermark",
            )
        return types

    def _narrows(self, server: Server, asked: Asked) -> bool:
        """Return whether rows keep their order where only some columns or rows are asked for."""
        return server.keeps_order or self.table is not None or bool(asked.order_by)

    def _what(self) -> str:
        return f"table '{self.table}'" if self.table is not None else "source.query"

    def _asked(self, server: Server) -> Asked:
        order = self.order_by or ((self.key,) if self.key is not None else ())
        if not order and self.table is not None:
            order = server.table_key(self.table, self.schema)
        return Asked(self.query, self.table, self.schema, self.parameters, order)

    def _read_by(self, server: Server) -> str:
        """Return what a position is of: the database, the table or query, and the column that grows."""
        if self.table is not None:
            what = f"table '{self.table if self.schema is None else f'{self.schema}.{self.table}'}'"
        else:
            asked = json.dumps([" ".join((self.query or "").split()), sorted(self.parameters.items())])
            what = f"query {hashlib.sha256(asked.encode()).hexdigest()[:12]}"
        return f"{what} of {server.place} by '{self._watermark()}'"

    def _version(self, server: Server) -> Sequence[Any]:
        if self.version_query is not None:
            return ["query", self.version_query, server.row(said(self.version_query, self.parameters))]
        if self.watermark is not None:
            figures = [count(), of_column("max", self.watermark)]
            return ["watermark", *server.row(dataclasses.replace(self._asked(server), order_by=()).figures(*figures))]
        stamp = server.stamp()
        if stamp is not None:
            return ["file", stamp]
        from hookline.data.versions import version_of

        return ["rows", version_of(self.load().frame, self.name).fingerprint]

    def _watermark(self) -> str:
        if self.watermark is None:
            raise DataError(
                "source 'sql' reads on only by a column that grows", hint="name it: source.watermark=created_at"
            )
        return self.watermark

    def _server(self) -> Server:
        from .servers.choosing import server_at, url_of

        return server_at(url_of(self.url, None if self.password is None else self.password.reveal()))

    def _require_parameters(self) -> None:
        """Raise DataError where query and parameters do not name the same."""
        asked = {name for text in (self.query, self.version_query) if text for name in parameters_of(text)}
        missing, spare = sorted(asked - {*self.parameters}), sorted({*self.parameters} - asked)
        if missing:
            raise DataError(
                f"source.query asks for :{missing[0]}, and source.parameters has no such name",
                hint=f"source.parameters.{missing[0]}=..., or \\:{missing[0]} where a colon is meant",
            )
        if spare:
            raise DataError(
                f"source.parameters.{spare[0]} is nowhere in source.query",
                hint=f"write :{spare[0]} where its value belongs",
            )
