"""Rows that come with a key alone, with what the online store knows of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hookline.errors import DataError, UnknownName
from hookline.kinds.features.online import Replaced
from hookline.workspace.workspace import open_workspace

from .store import OnlineStore, Stored

if TYPE_CHECKING:
    import polars as pl

Row = Mapping[str, Any]
TRIES = 3
"""How often rows are looked up from the beginning where what is stored is written anew meanwhile."""


@dataclass(frozen=True)
class LookedUp:
    """Rows with stored values beside what they brought, in order.

    stale: joins whose values are older than their set allows; unknown: positions of rows with a key that no stored row has
    """

    rows: tuple[dict[str, Any], ...]
    stale: tuple[str, ...]
    unknown: tuple[int, ...]

    def frame(self) -> pl.DataFrame:
        """Return the rows as a data frame."""
        import polars as pl

        return pl.DataFrame(list(self.rows), infer_schema_length=None)


class FeatureReader:
    """Looks rows up in the online store, again and again; used by one thread at a time, and closed at the end."""

    def __init__(self, name: str, home: str | Path | None = None) -> None:
        """Open the store; raises UnknownName where nothing of the set is stored."""
        self._name, self._store = name, OnlineStore(open_workspace(home).home)
        try:
            self._joins()
        except BaseException:
            self.close()
            raise

    def look_up(self, rows: Sequence[Row]) -> LookedUp:
        """Return rows with the stored values of their keys, as they are stored now; what a row brings itself stays.

        A missing key is like none. Raises DataError for a row without a column of the key, UnknownName where nothing of the
        set is stored any more, FeaturesAway where the store cannot be asked.
        """
        for _ in range(TRIES - 1):
            try:
                return self._in_one_moment(rows)
            except Replaced:
                continue
        return self._in_one_moment(rows)

    def _in_one_moment(self, rows: Sequence[Row]) -> LookedUp:
        with self._store.reading():
            return self._looked_up(rows, self._joins())

    def _joins(self) -> list[Stored]:
        """Return what is stored of the set; asked again and again, since it may be stored anew, with other columns."""
        if found := self._store.stored(self._name):
            return found
        stored = {one.set for one in self._store.stored()}
        hint = None if stored else f"`hookline features materialize {self._name}` stores it"
        raise UnknownName("stored feature set", self._name, stored, hint=hint)

    def _looked_up(self, rows: Sequence[Row], joins: Sequence[Stored]) -> LookedUp:
        made = [dict(row) for row in rows]
        unknown = set()
        for join in joins:
            found = self._store.values(join, [_key(row, join, place) for place, row in enumerate(made)])
            for place, (row, (held, known)) in enumerate(zip(made, found, strict=True)):
                if not known:
                    unknown.add(place)
                for column, value in zip(join.columns, held, strict=True):
                    row.setdefault(column, value)
        stale = tuple(join.join for join in joins if join.stale)
        return LookedUp(tuple(made), stale, tuple(sorted(unknown)))

    def close(self) -> None:
        """Let go of the store."""
        self._store.close()

    def __enter__(self) -> FeatureReader:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()


def look_up(name: str, rows: Sequence[Row], *, home: str | Path | None = None) -> LookedUp:
    """Return rows with what the online store knows of their keys, as one feature set puts it beside them.

    Raises UnknownName where nothing of the set is stored, DataError for a row without a column of the key, FeaturesAway where
    the store cannot be asked.
    """
    with FeatureReader(name, home) as reader:
        return reader.look_up(rows)


def stored_features(name: str | None = None, *, home: str | Path | None = None) -> list[Stored]:
    """Return what the online store holds, with how old it is."""
    with OnlineStore(open_workspace(home).home) as store:
        return store.stored(name)


def _key(row: Row, join: Stored, place: int) -> list[Any]:
    absent = [column for column in join.on if column not in row]
    if absent:
        raise DataError(
            f"row {place + 1} has no '{absent[0]}', by which join '{join.join}' of feature set '{join.set}' is stored",
            hint=f"give {', '.join(join.on)}",
        )
    return [row[column] for column in join.on]
