"""Rows of requests that lack what a model's feature sets join to them, filled from the online store by key."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hookline.errors import FeaturesAway
from hookline.kinds.features.online import Replaced
from hookline.packages.settling import EVIDENCE
from hookline.telling.secrets import logger

from ..evidence import sets_in
from .store import OnlineStore, Stored

log = logger("hookline.features")

Row = Mapping[str, Any]
Filled = tuple[list[Row], dict[int, tuple[str, ...]]]
UNTOLD = ".*"
"""What the name of a join's columns ends in where nobody knew them before it was read."""
TRIES = 3
"""How often rows are filled from the beginning where what they are filled from is written anew meanwhile."""
PAUSE_SECONDS = 1.0
"""For how long a store over a network is not asked again after it did not answer: each request would wait for it."""


@dataclass(frozen=True)
class Joining:
    """One join of a package's feature sets. on: the columns of its key; columns: those it adds, None where nobody knew"""

    on: tuple[str, ...]
    columns: frozenset[str] | None

    def may_fill(self, row: Row, columns: Sequence[str]) -> bool:
        """Tell whether a row has the key, and lacks a column that may be this join's."""
        if not all(column in row for column in self.on):
            return False
        return any(column not in row and (self.columns is None or column in self.columns) for column in columns)


@dataclass
class Filling:
    """What the online store of a home has for the columns that a package's feature sets join to rows; for many threads."""

    home: Path
    versions: Mapping[str, str]
    """Feature set with joins -> the version that the package was made with."""
    meanings: Mapping[tuple[str, str], str]
    """(set, column) -> what the column means, as a version."""
    joins: Sequence[Joining]
    waits: bool = False
    """Whether the store is asked over a network."""
    _own: threading.local = field(default_factory=threading.local, repr=False)
    _away: FeaturesAway | None = field(default=None, repr=False)
    """Why the store could not be asked the last time; None where it could."""
    _again: float = field(default=0.0, repr=False)
    """When it is asked again."""

    @classmethod
    def of(cls, home: Path, package: Path) -> Filling | None:
        """Return what fills rows for a package; None where no feature set of it joins anything.

        Raises UsageError and MissingBackend for a store that cannot be opened here, whether or not it answers.
        """
        sets = [one for one in sets_in(package / EVIDENCE) if one.get("joins")]
        if not sets:
            return None
        versions = {one["name"]: one["version"] for one in sets}
        meanings = {
            (one["name"], feature["name"]): feature["version"]
            for one in sets
            for feature in one["features"]
            if feature.get("step") in one["joins"]
        }
        joins = [_joining(one, step, told) for one in sets for step, told in one["joins"].items()]
        with OnlineStore(home) as store:
            return cls(home, versions, meanings, joins, store.waits)

    def __call__(self, rows: Sequence[Row], columns: Sequence[str]) -> Filled:
        """Return rows with stored values in the columns that they lack, and by position what is to be warned of in them.

        columns: those that the model takes; values that another version of a set stored, and those of other columns, are left
        Raises FeaturesAway where the store cannot be asked, and a row has the key and lacks what may be stored of it.
        """
        if not any(join.may_fill(row, columns) for row in rows for join in self.joins):
            return list(rows), {}
        away = self._away  # Another thread may find at any time that it can be asked again.
        if away is not None and time.monotonic() < self._again:
            # Another one each time: an error that is raised again and again holds on to all who raised it.
            raise FeaturesAway(away.message, hint=away.hint)
        try:
            filled = self._in_one_moment(rows, columns)
        except FeaturesAway as error:
            if self._away is None:
                log.warning("rows that lack stored features are not answered: %s", error.message)
            self._away, self._again = error, time.monotonic() + (PAUSE_SECONDS if self.waits else 0)
            raise
        if self._away is not None:
            self._away = None
            log.info("the online store %s can be read again", self._store.place)
        return filled

    def _in_one_moment(self, rows: Sequence[Row], columns: Sequence[str]) -> Filled:
        for _ in range(TRIES - 1):
            try:
                return self._read_and_fill(rows, columns)
            except Replaced:
                continue
        return self._read_and_fill(rows, columns)

    def _read_and_fill(self, rows: Sequence[Row], columns: Sequence[str]) -> Filled:
        filled, warnings = list(rows), dict[int, tuple[str, ...]]()
        with self._store.reading():
            for join in self._stored():
                if wanted := self._fitting(join, columns):
                    self._fill_from(join, wanted, filled, warnings)
        return filled, warnings

    def _fill_from(
        self, join: Stored, wanted: Sequence[str], filled: list[Row], warnings: dict[int, tuple[str, ...]]
    ) -> None:
        """Put what one join holds into the rows that have its key and lack some of its columns."""
        lacking = {
            place: lack
            for place, row in enumerate(filled)
            if all(column in row for column in join.on) and (lack := [one for one in wanted if one not in row])
        }
        if not lacking:
            return
        found = self._store.values(join, [[filled[place][column] for column in join.on] for place in lacking])
        for (place, lack), (values, _) in zip(lacking.items(), found, strict=True):
            held = dict(zip(join.columns, values, strict=True))
            filled[place] = {**filled[place], **{column: _said(held[column]) for column in lack}}
            if join.stale:
                told = f"{', '.join(lack)}: stored values of {join.moment}, older than {join.set} allows"
                warnings[place] = (*warnings.get(place, ()), told)

    @property
    def _store(self) -> OnlineStore:
        # SQLite wants a connection a thread.
        store: OnlineStore | None = getattr(self._own, "store", None)
        if store is None:
            store = self._own.store = OnlineStore(self.home)
        return store

    def _stored(self) -> list[Stored]:
        return [one for name in self.versions for one in self._store.stored(name)]

    def _fitting(self, join: Stored, columns: Sequence[str]) -> list[str]:
        """Return the columns of a join that the model takes, and that mean there what they meant to it."""
        same = join.version == self.versions[join.set]
        return [
            column
            for column in join.columns
            if column in columns
            and (same or (column in join.meanings and join.meanings[column] == self.meanings.get((join.set, column))))
        ]


def _joining(one: Mapping[str, Any], step: str, told: Any) -> Joining:
    """Return a join as the evidence tells of it; where that says no key, every row may have it."""
    names = [feature["name"] for feature in one["features"] if feature.get("step") == step]
    untold = not names or any(name.endswith(UNTOLD) for name in names)
    on = told.get("on") if isinstance(told, Mapping) else None
    key = (on,) if isinstance(on, str) else tuple(map(str, on)) if isinstance(on, Sequence) else ()
    return Joining(key, None if untold else frozenset(names))


def _said(value: Any) -> Any:
    """Return a value as a request would say it."""
    return value.isoformat() if hasattr(value, "isoformat") else value
