"""Rows of a database as a lazy frame: read where they are wanted, as far and in as many columns as they are."""

from __future__ import annotations

from collections import deque
from collections.abc import Generator, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, field
from itertools import pairwise
from typing import TYPE_CHECKING

from hookline.errors import DataError

from .servers.server import BATCH, Server, Types
from .statements import Asked, Bound, count, of_column

if TYPE_CHECKING:
    import polars as pl

AHEAD = 2
"""Ranges a connection that are read before they are wanted, or held until they are."""


@dataclass(frozen=True)
class Stream:
    """Rows between bounds, of columns with types."""

    server: Server
    asked: Asked
    types: Types
    bounds: Sequence[Bound] = ()
    narrows: bool = True
    """Whether the database may be asked for some columns or rows only; else it is asked for all, and the rest is left here."""
    key: str | None = None
    """The column by whose ranges rows are read."""
    connections: int = 1
    """Of a server, at a time."""
    empty: str | None = field(default=None, kw_only=True)
    """What there is nothing of, so that no rows at all are an error."""

    def frame(self) -> pl.LazyFrame:
        """Return the rows, unread."""
        from polars.io.plugins import register_io_source

        return register_io_source(self._read, schema=dict(self.types), is_pure=True)

    def _read(
        self, columns: list[str] | None, predicate: pl.Expr | None, limit: int | None, size: int | None
    ) -> Iterator[pl.DataFrame]:
        """Yield batches as polars wants them: of some columns, where a condition holds, at most so many rows."""
        del size
        left, seen = limit, False
        with closing(self._batches(columns, limit)) as batches:
            for batch in batches:
                seen = seen or batch.height > 0
                rows = batch if left is None else batch.head(left)
                left = None if left is None else left - rows.height
                rows = rows if columns is None else rows.select(columns)
                yield rows if predicate is None else rows.filter(predicate)
                if left == 0:
                    return
        if not seen and self.empty and limit != 0:
            raise DataError(
                f"{self.empty} gives no rows", hint="look at the query's conditions, or whether the table is filled"
            )

    def _batches(self, columns: list[str] | None, limit: int | None) -> Generator[pl.DataFrame, None, None]:
        wanted = list(self.types) if columns is None or not self.narrows else columns or list(self.types)[:1]
        types = {name: self.types[name] for name in wanted}
        named = wanted if self.narrows else None
        if self.connections > 1 and self.key is not None and limit is None:
            return self._side_by_side(types)
        rows = self.asked.rows(named, self.bounds, limit if self.narrows else None)
        return self.server.batches(rows, types)

    def _side_by_side(self, types: Types) -> Generator[pl.DataFrame, None, None]:
        """Yield ranges of the key in order, several of which are read at a time."""
        assert self.key is not None
        self._require_keys(self.key)
        starts = self.server.column(self.asked.starts(self.key, BATCH))
        waiting: deque[Future[list[pl.DataFrame]]] = deque()
        with ThreadPoolExecutor(self.connections) as pool:
            try:
                for start, end in pairwise([*starts, None]):
                    waiting.append(pool.submit(self._range, types, start, end))
                    if len(waiting) >= self.connections * AHEAD:
                        yield from waiting.popleft().result()
                while waiting:
                    yield from waiting.popleft().result()
            finally:
                for range_ in waiting:
                    range_.cancel()

    def _require_keys(self, key: str) -> None:
        """Raise DataError where rows have no key, which no range would hold."""
        rows, keyed = self.server.row(self.asked.figures(count(), of_column("count", key), bounds=self.bounds))
        if rows != keyed:
            raise DataError(
                f"{rows - keyed:,} rows have no '{key}', so that they are in no range of it",
                hint="leave source.connections out, or name another column in source.key",
            )

    def _range(self, types: Types, start: object, end: object | None) -> list[pl.DataFrame]:
        assert self.key is not None
        bounds: list[Bound] = [*self.bounds, (self.key, ">=", start)]
        if end is not None:
            bounds.append((self.key, "<", end))
        return list(self.server.batches(self.asked.rows(list(types), bounds), types))
