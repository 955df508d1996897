"""Current rows held against what a model was trained on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from hookline.data.contract.file import read_contract
from hookline.data.contract.rules import require_accepted
from hookline.errors import HooklineError, UsageError
from hookline.kinds.artifacts import Dataset
from hookline.kinds.component import check_backends
from hookline.kinds.deployments import Traffic, Trust
from hookline.kinds.fitted import Prediction
from hookline.kinds.hooks import ModelInfo
from hookline.kinds.kinds import Monitor
from hookline.kinds.plain import from_json
from hookline.kinds.reports import ColumnProfile, Metric, Metrics, Profile, Reference, Report
from hookline.kinds.scored import Scored
from hookline.packages.loading import LoadedPackage, load_package
from hookline.packages.manifest import ANSWERS, PROFILE, read_as, read_manifest, verify
from hookline.packages.pipeline import apply_transforms
from hookline.packages.reading import reading_in
from hookline.packages.state import StoredPackage
from hookline.packages.telling.features import importances_by_column
from hookline.plans.placing.components import key_of
from hookline.registry.ports import takes_scored, takes_traffic
from hookline.registry.registry import Registry, load_registry
from hookline.runs.names import Found, find
from hookline.runs.parts import weights_in
from hookline.runs.stages.contract import rules_report
from hookline.workspace.workspace import open_workspace

from .log.answered import truth_on_record
from .log.predictions import Moment, Predictions, predictions
from .records import Recorded, records_in
from .rows import rows_for, truth_in
from .traffic import traffic_of
from .watched import Watched

Monitors = str | Monitor | Sequence[str | Monitor] | Mapping[str, Mapping[str, Any] | None]
"""A name, a monitor, several of them, or name -> fields."""

DEFAULT: tuple[str, ...] = ("data_drift",)


def monitor(
    what: str | Path,
    data: Any = None,
    monitors: Monitors = DEFAULT,
    *,
    since: Moment = None,
    until: Moment = None,
    trust: Trust | None = None,
    contract: str | Path | None = None,
    source: Mapping[str, Any] | None = None,
    home: str | Path | None = None,
) -> Watched:
    """Return each monitor's report on current rows, held against what a model was trained on.

    what: a model, a version, a package folder or a run
    data: raw rows: a file, a glob or a folder, or a polars or pandas frame; with the target's column, where it is known; or
        what `serve` recorded, whose answers are taken as they were given; None: what it recorded of the model in the home
    since, until: of that only what was answered from then on, and before, with the truth that labels tell
    contract: a file whose word stands above the package's own contract
    source: fields of the source, to read this file otherwise than the training rows, such as {"separator": ";"}
    Raises what finding and reading a package raises, ConfigError for fields that a monitor does not have, and DataError
    for rows that the contract rejects.
    """
    registry, found = load_registry(), find(what, home)
    watching = built_monitors(registry, monitors)
    asked = "until" if since is None else "since"
    if (since, until) != (None, None) and data is not None:
        raise UsageError(
            f"{asked} is of what `serve` recorded, and other rows are given", hint="leave one of the two out"
        )
    of_rows = {name: one for name, one in watching.items() if not wants_traffic(one)}
    reports: dict[str, Report] = {}
    if len(of_rows) < len(watching):
        _require_no_rows(data)
        traffic, folder = traffic_of(open_workspace(home), _log_of(what, found, since, until, home)), found.package()
        reports = {name: traffic_report(one, traffic, folder) for name, one in watching.items() if name not in of_rows}
    if of_rows:
        records = _own(what, found, since, until, home) if data is None else records_in(data)
        wanted = any(map(wants_answers, of_rows.values()))
        gathering = Gathering(registry, found, trust, None if contract is None else Path(contract), source or {}, home)
        gathered = gathering.of(data, records, wanted=wanted, own=data is None)
        reports |= {name: gathered.report(one) for name, one in of_rows.items()}
        reports |= gathered.contract
    model = model_of(found)
    tell_findings(registry, reports, model)
    label = model.name if model.version is None else f"{model.name}:{model.version}"
    return Watched({name: reports[name] for name in (*watching, "contract") if name in reports}, label)


def monitor_window(
    registry: Registry,
    model: str,
    version: int,
    monitors: Mapping[str, Monitor],
    since: datetime,
    until: datetime,
    home: Path,
) -> Gathered:
    """Return what monitors are to judge of what a version answered to live requests in a span of time.

    Raises DataError where nothing of it was kept, or the contract rejects it; what reading a package raises.
    """
    found = find(f"{model}:{version}", home)
    records = _own(f"{model}:{version}", found, since, until, home)
    wanted = any(map(wants_answers, monitors.values()))
    return Gathering(registry, found, None, None, {}, home).of(None, records, wanted=wanted, own=True)


def traffic_report(monitor: Monitor, traffic: Traffic, folder: Path) -> Report:
    """Return what a monitor says of what became of requests; raises what it raises."""
    return _checked(
        monitor, traffic, Reference(_profile(folder), None, _kept(folder, read_manifest(folder), monitor.name))
    )


@dataclass(frozen=True)
class Gathered:
    """Current rows as monitors judge them, and what they are held against."""

    current: Dataset
    answered: Scored | None
    """The same rows with their answers, where a monitor asks for them."""
    profile: Profile
    known: Mapping[str, Any]
    folder: Path
    manifest: Mapping[str, Any]
    contract: Mapping[str, Report]

    def report(self, monitor: Monitor) -> Report:
        """Return what a monitor says; raises what it raises."""
        reference = Reference(self.profile, None, _kept(self.folder, self.manifest, monitor.name), **self.known)
        return _checked(monitor, self.answered if wants_answers(monitor) else self.current, reference)


@dataclass(frozen=True)
class Gathering:
    """How rows become what monitors judge: against which package, and under whose word."""

    registry: Registry
    found: Found
    trust: Trust | None
    contract: Path | None
    source: Mapping[str, Any]
    home: str | Path | None

    def of(self, data: Any, records: Recorded | None, *, wanted: bool, own: bool) -> Gathered:
        """Return the rows with what they are held against.

        data: raw rows; records: in their place, what `serve` recorded; wanted: whether answers are asked for; own: whether
        records are those of the model's own log, whose labels tell the truth
        """
        if records is not None and wanted:
            records = records.of_version(self.found.version)
        folder = self.found.package()
        manifest = verify(folder)
        stored = StoredPackage(folder, self.registry)
        schema = stored.schema
        if self.contract is not None:
            schema = read_contract(self.contract, "--contract").over(schema, "the model takes")
        rows = data if records is None else records.rows(schema)
        reading = reading_in(manifest).but(self.source)
        current = rows_for(self.registry, rows, schema, stored.target, stored.roles, reading)
        require_accepted(current.frame, schema)
        contract = rules_report(current.frame, schema, stored.roles.id)
        answered = None
        if wanted:
            current = current.with_frame(current.frame.collect().lazy())
            answered = self._answered(current, stored, records, own=own).weighing()
        known = known_of(stored, manifest)
        return Gathered(current.weighing(), answered, _profile(folder), known, folder, manifest, contract)

    def _answered(self, current: Dataset, stored: StoredPackage, records: Recorded | None, *, own: bool) -> Scored:
        given = records.answers(stored.target) if records else None
        answers = given or _asked(current, load_package(stored.path, self.registry, self.trust, self.contract))
        told = truth_on_record(str(self.found.model), records, stored.target, self.home) if own and records else None
        return _scored(stored, answers, current, told)


def _own(what: str | Path, found: Found, since: Moment, until: Moment, home: str | Path | None) -> Recorded:
    """Return what a model's servers recorded; raises UsageError for what is no model, DataError where there is nothing."""
    return _log_of(what, found, since, until, home).records()


def _log_of(what: str | Path, found: Found, since: Moment, until: Moment, home: str | Path | None) -> Predictions:
    if found.model is None:
        raise UsageError(
            f"'{what}' is no model of the catalog, which would have a log",
            hint="name the rows: a file, a glob or a folder",
        )
    return replace(predictions(str(what), since, until, home=home), given=True, served=True)


def known_of(stored: StoredPackage, manifest: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a package remembers beside its training rows: time role, target, metrics, answers and importances."""
    metrics = Metrics(tuple(from_json(Metric, metric) for metric in manifest.get("metrics", ())))
    path = stored.path / ANSWERS
    answers = read_as(ColumnProfile, path) if path.is_file() else None
    known = {"time": stored.roles.time, "target": stored.target, "metrics": metrics, "answers": answers}
    return known | {"importances": importances_by_column(manifest)}


def built_monitors(registry: Registry, monitors: Monitors) -> dict[str, Monitor]:
    """Return monitors by name; raises UsageError where one is given twice, since one would hide the other."""
    several = [monitors] if isinstance(monitors, (str, Monitor)) else list(monitors)
    fields = monitors if isinstance(monitors, Mapping) else {}
    built: dict[str, Monitor] = {}
    for item in several:
        one = item if isinstance(item, Monitor) else _named(registry, item, fields.get(item) or {})
        if one.name in built:
            raise UsageError(f"monitor '{one.name}' is given twice", hint="ask for the two one after the other")
        built[one.name] = one
    check_backends(type(one) for one in built.values())
    return built


def _named(registry: Registry, name: str, fields: Mapping[str, Any]) -> Monitor:
    built = registry.build("monitor", name, fields, f"monitor.{name}")
    assert isinstance(built, Monitor)
    return built


def wants_answers(monitor: Monitor) -> bool:
    """Tell whether a monitor judges answers, and not raw rows alone."""
    return takes_scored(type(monitor))


def _require_no_rows(data: Any) -> None:
    if data is not None:
        raise UsageError(
            "what became of requests is asked for, and rows are given, which do not tell it",
            hint="leave the rows out, to look at the model's own requests",
        )


def wants_traffic(monitor: Monitor) -> bool:
    """Tell whether a monitor judges what became of requests, and not rows."""
    return takes_traffic(type(monitor))


def model_of(found: Found) -> ModelInfo:
    """Return what plugins are told of a model."""
    folder = found.package()
    return ModelInfo(str(found.model or read_manifest(folder)["name"]), found.version, folder)


def _checked(monitor: Monitor, current: Dataset | Scored | Traffic | None, reference: Reference) -> Report:
    if isinstance(current, Scored) and reference.answers is None:
        raise UsageError(
            f"monitor '{monitor.name}' compares answers, and this package does not remember any",
            hint="it was made by an earlier hookline: run it again to make it anew",
        )
    try:
        return monitor.check(current, reference)
    except Exception as error:  # a plugin's, which goes on as it is
        if not isinstance(error, HooklineError):
            error.add_note(f"in monitor '{monitor.name}'")
        raise


def _kept(folder: Path, manifest: Mapping[str, Any], name: str) -> dict[str, Path]:
    """Return the files that a monitor left in a package, by the names that it gave them, under whatever key it stood."""
    keys = [key for key, component in manifest.get("monitors", {}).items() if component == name]
    own = key_of(name)
    place = folder / "monitors" / (own if own in keys or not keys else keys[0])
    return {path.relative_to(place).as_posix(): path for path in sorted(place.rglob("*")) if path.is_file()}


def _asked(current: Dataset, loaded: LoadedPackage) -> Prediction:
    return loaded.predict(current.frame.collect())


def _scored(stored: StoredPackage, answers: Prediction, current: Dataset, told: tuple[Any, bool] | None) -> Scored:
    """Return the rows with what was answered, and the truth of those whose truth they tell, or labels told.

    told: the truth of each row, and whether that of all is known
    """
    truth, whole = told or truth_in(apply_transforms(stored.transforms, current.frame), stored.target)
    scored = Scored.of(current, answers, stored.target, truth, weights_in(current))
    # Arrays have no word for a truth that is missing, and the frame has.
    return scored if whole else replace(scored, held=None)


def _profile(folder: Path) -> Profile:
    return read_as(Profile, folder / PROFILE)


def tell_findings(registry: Registry, reports: Mapping[str, Report], model: ModelInfo) -> None:
    """Tell plugins of what was found."""
    for report in reports.values():
        for finding in report.findings:
            registry.tell("on_finding", finding=finding, run=None, model=model)
