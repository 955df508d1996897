"""Current rows held against what a model was trained on."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from hookline.data.contract.file import read_contract
from hookline.data.contract.rules import require_accepted
from hookline.data.frames import mark_missing, to_polars
from hookline.data.target import true_values
from hookline.errors import StoreError, UsageError
from hookline.kinds.artifacts import Dataset
from hookline.kinds.deployments import Trust
from hookline.kinds.hooks import ModelInfo
from hookline.kinds.kinds import Monitor
from hookline.kinds.plain import from_json
from hookline.kinds.reports import ColumnProfile, Metric, Metrics, Profile, Reference, Report
from hookline.kinds.scored import Scored
from hookline.packages.loading import load_package
from hookline.packages.manifest import ANSWERS, PROFILE, verify
from hookline.packages.pipeline import apply_transforms
from hookline.packages.scoring import read_table
from hookline.packages.state import StoredPackage
from hookline.registry.ports import takes_scored
from hookline.registry.registry import Registry, load_registry
from hookline.runs.names import find

Monitors = Sequence[str | Monitor] | Mapping[str, Mapping[str, Any]]
"""Names, monitors, or name -> fields."""

DEFAULT: tuple[str, ...] = ("data_drift",)


def monitor(
    what: str | Path,
    data: Any,
    monitors: Monitors = DEFAULT,
    *,
    trust: Trust | None = None,
    contract: str | Path | None = None,
    home: str | Path | None = None,
) -> dict[str, Report]:
    """Return each monitor's report on current rows, held against what a model was trained on.

    what: a model, a version, a package folder or a run
    data: raw rows: a file, a glob or a folder, or a polars or pandas frame; with the target's column, where it is known
    contract: a file whose word stands above the package's own contract
    Raises what finding and reading a package raises, ConfigError for fields that a monitor does not have, and DataError
    for rows that the contract rejects.
    """
    registry, found = load_registry(), find(what, home)
    folder = found.package()
    manifest = verify(folder)
    stored = StoredPackage(folder, registry)
    schema = stored.schema
    if contract is not None:
        schema = read_contract(Path(contract), "--contract").over(schema, "the model takes")
    current = _rows(registry, data, schema)
    require_accepted(current.frame, schema)
    watching = _built(registry, monitors)
    known = known_of(stored, manifest)
    answered = _scored(registry, stored, current, trust) if any(map(_wants_answers, watching.values())) else None
    reports = {}
    for key, one in watching.items():
        kept = {path.name: path for path in (folder / "monitors" / key).glob("*")}
        reference = Reference(_profile(folder), None, kept, **known)
        reports[key] = _checked(one, answered if _wants_answers(one) else current, reference)
    _tell(registry, reports, ModelInfo(str(found.model or manifest["name"]), found.version, folder))
    return reports


def known_of(stored: StoredPackage, manifest: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a package remembers beside its training rows: time role, target, metrics and answers."""
    metrics = Metrics(tuple(from_json(Metric, metric) for metric in manifest.get("metrics", ())))
    path = stored.path / ANSWERS
    answers = from_json(ColumnProfile, json.loads(path.read_text("utf-8"))) if path.is_file() else None
    return {"time": stored.roles.time, "target": stored.target, "metrics": metrics, "answers": answers}


def _built(registry: Registry, monitors: Monitors) -> dict[str, Monitor]:
    """Return monitors by the key that the run which made the package had them under."""
    given = {name: dict(fields) for name, fields in monitors.items()} if isinstance(monitors, Mapping) else monitors
    built: dict[str, Monitor] = {}
    for item in given:
        if isinstance(item, Monitor):
            built[item.name] = item
            continue
        fields = given[item] if isinstance(given, dict) else {}
        made = registry.build("monitor", item, fields, f"monitor.{item}")
        assert isinstance(made, Monitor)
        built[item] = made
    for one in built.values():
        type(one).check_backend()
    return built


def _wants_answers(monitor: Monitor) -> bool:
    return takes_scored(type(monitor))


def _checked(monitor: Monitor, current: Dataset | Scored | None, reference: Reference) -> Report:
    if isinstance(current, Scored) and reference.answers is None:
        raise UsageError(
            f"monitor '{monitor.name}' compares answers, and this package does not remember any",
            hint="it was made by an earlier hookline: run it again to make it anew",
        )
    return monitor.check(current, reference)


def _rows(registry: Registry, data: Any, schema: Any) -> Dataset:
    if isinstance(data, (str, Path)):
        return read_table(registry, str(data), schema)
    return Dataset(mark_missing(to_polars(data).lazy()), name="frame")


def _scored(registry: Registry, stored: StoredPackage, current: Dataset, trust: Trust | None) -> Scored:
    """Return the rows with what the model answers now, and the truth where the rows have it."""
    loaded = load_package(stored.path, registry, trust)
    rows = current.frame.collect()
    truth = None
    if stored.target.name in rows.columns:
        truth = true_values(apply_transforms(stored.transforms, rows.lazy()), stored.target)
    dataset = Dataset(rows.lazy(), stored.roles, current.name, stored.target)
    return Scored.of(dataset, loaded.predict(rows), stored.target, truth)


def _profile(folder: Path) -> Profile:
    try:
        return from_json(Profile, json.loads((folder / PROFILE).read_text("utf-8")))
    except (OSError, ValueError) as error:
        raise StoreError(f"package {folder} has no readable profile of its training data: {error}") from None


def _tell(registry: Registry, reports: Mapping[str, Report], model: ModelInfo) -> None:
    for report in reports.values():
        for finding in report.findings:
            registry.tell("on_finding", finding=finding, run=None, model=model)
