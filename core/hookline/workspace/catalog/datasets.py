"""What the catalog knows of versions of data: what they hold, where they came from, and who saw them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from hookline.errors import UnknownName, UsageError
from hookline.kinds.artifacts import ColumnVersion, DataVersion
from hookline.kinds.plain import from_json, to_json
from hookline.kinds.reports import Profile

from .sql.database import SEVERAL, Database, begins
from .sql.values import data_of, now, text_of, utc

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement, Connection, RowMapping, Select

SHORT = 12
"""Letters of a fingerprint that are shown."""


@dataclass(frozen=True)
class DataRecord:
    """A version of data as the catalog knows it."""

    version: DataVersion
    first_seen: datetime
    origin: Mapping[str, Any]
    """The source's name as `component`, and its fields, where the rows were first seen."""
    runs: tuple[str, ...]
    """Runs that saw it, the newest first."""
    models: tuple[str, ...]
    """Registered models of these runs, such as `customers:3`."""
    profile: Profile | None
    """Of the training rows of the first run that got so far."""

    @property
    def where(self) -> str:
        """The place that the rows came from, in a few words."""
        component = str(self.origin.get("component", ""))
        path = self.origin.get("path")
        return f"{component} {path}" if path else component


class Datasets:
    """Versions of data in a catalog, with the runs that saw them."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._datasets = database.tables["datasets"]
        self._seen = database.tables["dataset_runs"]
        self._models = database.tables["models"]

    def record(self, version: DataVersion, origin: Mapping[str, Any], run_id: str, profile: Profile | None) -> None:
        """Record that a run saw a version, and the version itself the first time."""
        pair = {"fingerprint": version.fingerprint, "run_id": run_id}
        with self._database.writing() as connection:
            self._record_version(connection, version, origin, profile)
            if connection.execute(self._seen.select().filter_by(**pair).limit(1)).first() is None:
                connection.execute(self._seen.insert().values(**pair))

    def names(self) -> list[str]:
        """Return the name of every dataset, in order."""
        names = self._datasets.select().with_only_columns(self._datasets.c.name).distinct()
        # A server sorts by its own locale.
        return sorted(row["name"] for row in self._database.rows(names))

    def versions(self, name: str | None = None) -> list[DataRecord]:
        """Return the versions, newest first; raises UnknownName where none has this name."""
        query = self._newest_first()
        if name is not None:
            query = query.where(self._datasets.c.name == name)
        found = self._records(query)
        if name is not None and not found:
            raise UnknownName("dataset", name, self.names())
        return found

    def find(self, text: str) -> DataRecord:
        """Return a version by `last`, the first letters of its fingerprint, its name (the newest), or a run that saw it.

        Raises UnknownName, or UsageError where the letters fit several.
        """
        query = self._newest_first()
        if text != "last":
            query = query.where(self._is_meant(text))
        found = self._records(query.limit(1))
        if not found:
            raise UnknownName("version of data", text, self._known(), hint="`hookline data versions` lists them")
        return found[0]

    def _record_version(
        self, connection: Connection, version: DataVersion, origin: Mapping[str, Any], profile: Profile | None
    ) -> None:
        datasets = self._datasets
        is_it = datasets.c.fingerprint == version.fingerprint
        held = connection.execute(datasets.select().with_only_columns(datasets.c.profile).where(is_it)).first()
        told = None if profile is None else text_of(to_json(profile))
        if held is None:
            values = {"fingerprint": version.fingerprint, "name": version.name, "rows": version.rows, "profile": told}
            texts = {"columns": text_of([to_json(column) for column in version.columns]), "origin": text_of(origin)}
            connection.execute(datasets.insert().values(**values, **texts, first_seen=now()))
        elif held.profile is None and told is not None:
            connection.execute(datasets.update().where(is_it).values(profile=told))

    def _newest_first(self) -> Select[Any]:
        return self._datasets.select().order_by(self._datasets.c.first_seen.desc(), self._datasets.c.fingerprint)

    def _records(self, query: Select[Any]) -> list[DataRecord]:
        """Return the versions that a query finds, with the runs and models of these."""
        marks = query.with_only_columns(self._datasets.c.fingerprint)
        runs, models = self._runs_of(marks), self._models_of(marks)
        return [
            _record(row, runs.get(row["fingerprint"], []), models.get(row["fingerprint"], []))
            for row in self._database.rows(query)
        ]

    def _runs_of(self, marks: Select[Any]) -> dict[str, list[str]]:
        """Return the runs that saw each version, the newest first."""
        seen = self._seen
        found: dict[str, list[str]] = {}
        for row in self._database.rows(seen.select().where(seen.c.fingerprint.in_(marks)).order_by(seen.c.id.desc())):
            found.setdefault(row["fingerprint"], []).append(row["run_id"])
        return found

    def _models_of(self, marks: Select[Any]) -> dict[str, list[str]]:
        """Return the registered models of the runs that saw each version, those of the oldest run first."""
        from sqlalchemy import select

        seen, models = self._seen, self._models
        made = select(seen.c.fingerprint, models.c.name, models.c.version).join(
            models, models.c.run_id == seen.c.run_id
        )
        found: dict[str, list[str]] = {}
        in_order = made.where(seen.c.fingerprint.in_(marks)).order_by(seen.c.id, models.c.name, models.c.version)
        for row in self._database.rows(in_order):
            found.setdefault(row["fingerprint"], []).append(f"{row['name']}:{row['version']}")
        return found

    def _fingerprint(self, letters: str) -> str | None:
        """Return the one fingerprint that begins with these letters, or None; raises UsageError where several do."""
        mark = self._datasets.c.fingerprint
        query = self._newest_first().where(begins(mark, letters)).with_only_columns(mark).limit(SEVERAL)
        found = [row["fingerprint"] for row in self._database.rows(query)]
        if len(found) > 1:
            more = " or more" if len(found) == SEVERAL else ""
            shown = ", ".join(fingerprint[:SHORT] for fingerprint in found[:5])
            raise UsageError(f"'{letters}' fits {len(found)}{more} versions: {shown}")
        return found[0] if found else None

    def _is_meant(self, text: str) -> ColumnElement[bool]:
        """Return the condition that a version is the one of these letters; where none is, that its name or run is meant."""
        datasets, seen = self._datasets, self._seen
        if (fingerprint := self._fingerprint(text)) is not None:
            return datasets.c.fingerprint == fingerprint
        of_run = seen.select().with_only_columns(seen.c.fingerprint).where(seen.c.run_id == text)
        return (datasets.c.name == text) | datasets.c.fingerprint.in_(of_run)

    def _known(self) -> list[str]:
        """Return what a version can be named by, for the newest."""
        columns = (self._datasets.c.fingerprint, self._datasets.c.name)
        rows = self._database.rows(self._newest_first().with_only_columns(*columns).limit(SEVERAL))
        names = [row["fingerprint"][:SHORT] for row in rows] + [row["name"] for row in rows]
        return list(dict.fromkeys(names))


def _record(row: RowMapping, runs: list[str], models: list[str]) -> DataRecord:
    columns = tuple(from_json(ColumnVersion, column) for column in data_of(row["columns"]))
    return DataRecord(
        DataVersion(row["fingerprint"], row["name"], row["rows"], columns),
        utc(row["first_seen"]),
        data_of(row["origin"]),
        tuple(runs),
        tuple(dict.fromkeys(models)),
        from_json(Profile, data_of(row["profile"])) if row["profile"] else None,
    )
