"""The versions of data that the catalog knows: what they hold, where they came from, and who saw them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from hookline.errors import UnknownName, UsageError
from hookline.kinds.artifacts import ColumnVersion, DataVersion
from hookline.kinds.plain import from_json, to_json
from hookline.kinds.reports import Profile

from .database import Catalog
from .values import now

if TYPE_CHECKING:
    from sqlalchemy import RowMapping

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


def record_version(
    catalog: Catalog, version: DataVersion, origin: Mapping[str, Any], run_id: str, profile: Profile | None
) -> None:
    """Record that a run saw a version, and the version itself the first time."""
    datasets, seen = catalog.tables["datasets"], catalog.tables["dataset_runs"]
    with catalog.writing() as connection:
        is_it = datasets.c.fingerprint == version.fingerprint
        held = connection.execute(datasets.select().where(is_it)).mappings().first()
        told = None if profile is None else json.dumps(to_json(profile))
        if held is None:
            values = {"fingerprint": version.fingerprint, "name": version.name, "rows": version.rows, "profile": told}
            columns = json.dumps([to_json(column) for column in version.columns])
            origin_text = json.dumps(dict(origin), default=str)
            connection.execute(
                datasets.insert().values(**values, columns=columns, origin=origin_text, first_seen=now())
            )
        elif held["profile"] is None and told is not None:
            connection.execute(datasets.update().where(is_it).values(profile=told))
        pair = {"fingerprint": version.fingerprint, "run_id": run_id}
        if connection.execute(seen.select().filter_by(**pair)).first() is None:
            connection.execute(seen.insert().values(**pair))


def versions(catalog: Catalog, name: str | None = None) -> list[DataRecord]:
    """Return the versions, newest first; raises UnknownName where none has this name."""
    tables = catalog.tables
    datasets, seen, models = tables["datasets"], tables["dataset_runs"], tables["models"]
    with catalog.reading() as connection:
        rows = connection.execute(datasets.select().order_by(datasets.c.first_seen.desc())).mappings().all()
        pairs = connection.execute(seen.select().order_by(seen.c.id.desc())).mappings().all()
        made = connection.execute(models.select().order_by(models.c.name, models.c.version)).mappings().all()
    runs: dict[str, list[str]] = {}
    for pair in pairs:
        runs.setdefault(pair["fingerprint"], []).append(pair["run_id"])
    of_run: dict[str, list[str]] = {}
    for model in made:
        of_run.setdefault(model["run_id"], []).append(f"{model['name']}:{model['version']}")
    known = [_record(row, runs.get(row["fingerprint"], []), of_run) for row in rows]
    found = [record for record in known if name in (None, record.version.name)]
    if name is not None and not found:
        raise UnknownName("dataset", name, {record.version.name for record in known})
    return found


def find_version(catalog: Catalog, text: str) -> DataRecord:
    """Return a version by `last`, the first letters of its fingerprint, its name (the newest), or a run that saw it.

    Raises UnknownName, or UsageError where the letters fit several.
    """
    known = versions(catalog)
    if text == "last" and known:
        return known[0]
    found = [record for record in known if record.version.fingerprint.startswith(text)]
    if len(found) > 1:
        shown = ", ".join(record.version.fingerprint[:SHORT] for record in found[:5])
        raise UsageError(f"'{text}' fits {len(found)} versions: {shown}")
    found = found or [record for record in known if record.version.name == text or text in record.runs]
    if not found:
        names = [record.version.fingerprint[:SHORT] for record in known] + [record.version.name for record in known]
        raise UnknownName("version of data", text, dict.fromkeys(names), hint="`hookline data versions` lists them")
    return found[0]


def _record(row: RowMapping, runs: list[str], of_run: Mapping[str, list[str]]) -> DataRecord:
    columns = tuple(from_json(ColumnVersion, column) for column in json.loads(row["columns"]))
    profile = from_json(Profile, json.loads(row["profile"])) if row["profile"] else None
    seen = row["first_seen"]
    return DataRecord(
        DataVersion(row["fingerprint"], row["name"], row["rows"], columns),
        seen if seen.tzinfo else seen.replace(tzinfo=UTC),
        json.loads(row["origin"]),
        tuple(runs),
        tuple(dict.fromkeys(model for run in reversed(runs) for model in of_run.get(run, []))),
        profile,
    )
