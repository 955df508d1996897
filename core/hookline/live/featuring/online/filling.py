"""Rows of requests that lack what a model's feature sets join to them, filled from the online store by key."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hookline.packages.settling import EVIDENCE

from ..evidence import sets_in
from .store import OnlineStore, Stored

Row = Mapping[str, Any]


@dataclass
class Filling:
    """What the online store of a home has for the columns that a package's feature sets join to rows; for many threads."""

    home: Path
    versions: Mapping[str, str]
    """Feature set with joins -> the version that the package was made with."""
    meanings: Mapping[tuple[str, str], str]
    """(set, column) -> what the column means, as a version."""
    _own: threading.local = field(default_factory=threading.local, repr=False)

    @classmethod
    def of(cls, home: Path, package: Path) -> Filling | None:
        """Return what fills rows for a package; None where no feature set of it joins anything."""
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
        return cls(home, versions, meanings)

    def fill(self, rows: Sequence[Row], columns: Sequence[str]) -> tuple[list[Row], dict[int, tuple[str, ...]]]:
        """Return rows with stored values in the columns that they lack, and by position what is to be warned of in them.

        columns: those that the model takes; values that another version of a set stored, and those of other columns, are left
        """
        with self._store.reading():
            joins = [(join, wanted) for join in self._stored() if (wanted := self._fitting(join, columns))]
            return self._filled(rows, joins)

    def _filled(
        self, rows: Sequence[Row], joins: Sequence[tuple[Stored, list[str]]]
    ) -> tuple[list[Row], dict[int, tuple[str, ...]]]:
        filled, warnings = list(rows), dict[int, tuple[str, ...]]()
        for place, row in enumerate(rows):
            for join, wanted in joins:
                lacking = [column for column in wanted if column not in row]
                if not lacking or not all(column in row for column in join.on):
                    continue
                values, _ = self._store.values(join, [row[column] for column in join.on])
                held = dict(zip(join.columns, values, strict=True))
                filled[place] = {**filled[place], **{column: _said(held[column]) for column in lacking}}
                if join.stale:
                    told = f"{', '.join(lacking)}: stored values of {join.moment}, older than {join.set} allows"
                    warnings[place] = (*warnings.get(place, ()), told)
        return filled, warnings

    @property
    def _store(self) -> OnlineStore:
        # SQLite wants a connection a thread.
        store: OnlineStore | None = getattr(self._own, "store", None)
        if store is None:
            store = self._own.store = OnlineStore(self.home)
        return store

    def _stored(self) -> list[Stored]:
        return [one for one in self._store.stored() if one.set in self.versions]

    def _fitting(self, join: Stored, columns: Sequence[str]) -> list[str]:
        """Return the columns of a join that the model takes, and that mean there what they meant to it."""
        same = join.version == self.versions[join.set]
        return [
            column
            for column in join.columns
            if column in columns
            and (same or (column in join.meanings and join.meanings[column] == self.meanings.get((join.set, column))))
        ]


def _said(value: Any) -> Any:
    """Return a value as a request would say it."""
    return value.isoformat() if hasattr(value, "isoformat") else value
