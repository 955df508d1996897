"""A registered model that goes on learning from labeled rows, as a version of its own."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from hookline.data.frames import count_rows
from hookline.data.versions import version_of
from hookline.errors import DataError, UsageError
from hookline.kinds.artifacts import Dataset, DataVersion
from hookline.kinds.capabilities import Updatable
from hookline.kinds.deployments import Trust
from hookline.kinds.kinds import Packager, Trainer
from hookline.kinds.plain import from_json, plain, to_json
from hookline.kinds.reports import Metric, Metrics
from hookline.kinds.scored import Scored
from hookline.packages.certificate.certificate import CERTIFICATE, Certificate
from hookline.packages.certificate.edges import SAMPLE_ROWS, make_edges
from hookline.packages.loading import load_package
from hookline.packages.manifest import ANSWERS, PROFILE, environment, is_whole, read_as, seal, verify
from hookline.packages.pipeline import Pipeline
from hookline.packages.reading import reading_in
from hookline.packages.state import StoredPackage
from hookline.packages.writing import facts_of, write_certified
from hookline.plans.fingerprints import code_digest, versions
from hookline.quality.judging import judge
from hookline.registry.ports import assignable, ports
from hookline.registry.registry import Registry, load_registry
from hookline.runs.names import find
from hookline.workspace.catalog.models import ModelRecord
from hookline.workspace.workspace import Workspace, open_workspace

from .rows import rows_for, truth_in


@dataclass(frozen=True)
class Update:
    """A version that came of another by learning more rows.

    rows: how many it learned; before: how the version that it came of did on them, before they were learned
    """

    model: str
    version: int
    path: Path
    rows: int
    before: Metrics


@dataclass(frozen=True)
class _Old:
    """The version that is to learn, with what goes on making it."""

    record: ModelRecord
    manifest: Mapping[str, Any]
    packager: Packager
    trainer: Any
    """A Trainer that is Updatable."""


@dataclass(frozen=True)
class _Lesson:
    """What it is to learn."""

    rows: Dataset
    version: DataVersion
    origin: Mapping[str, Any]
    """Where the rows came from, as the catalog has it of a version of data."""

    @property
    def plain(self) -> dict[str, Any]:
        return {"rows": self.version.rows, "digest": self.version.fingerprint, "data": self.version.name}


def update(
    model: str,
    rows: Any,
    *,
    trust: Trust | None = None,
    source: Mapping[str, Any] | None = None,
    home: str | Path | None = None,
) -> Update:
    """Let a registered model learn labeled raw rows; returns the new version, which no alias points to.

    The present version is judged on the rows first, since each row is a test for who has not learned it (Dawid, 1984,
    "Statistical theory: the prequential approach"). The same rows given twice make the same version.

    model: `name`, `name:3` or `name@alias`, of a package that holds the model itself and of a trainer that can go on
    rows: a file, a glob or a folder, or a polars or pandas frame, with the target's column
    source: fields of the source, to read this file otherwise than the training rows
    Raises UsageError for a model that cannot learn on, DataError for rows that do not fit it or have no truth, ExportError
    where the new package answers otherwise than its pipeline, and what loading a package raises.
    """
    registry, workspace = load_registry(), open_workspace(home)
    old = _old(registry, workspace, model)
    stored = StoredPackage(Path(old.record.path), registry)
    origin = {"component": "file", "path": str(rows)} if isinstance(rows, (str, Path)) else {"component": "frame"}
    reading = reading_in(old.manifest).but(source or {})
    lesson = _lesson(rows_for(registry, rows, stored.schema, stored.target, stored.roles, reading), origin)
    fingerprint = _fingerprint(old, lesson)
    path = workspace.home / "models" / old.record.name / fingerprint[:16]
    if not is_whole(path):
        _make(registry, workspace, old, lesson, path, trust)
    return _register(workspace, old, lesson, path, fingerprint)


def learns_on(registry: Registry, workspace: Workspace, model: str) -> None:
    """Raise UsageError where a registered model cannot learn on, with the trainers, or packagers, that can."""
    _old(registry, workspace, model)


def _old(registry: Registry, workspace: Workspace, model: str) -> _Old:
    """Return the version that a name means; raises UsageError where it cannot learn on."""
    found = find(model, workspace.home)
    if found.model is None or found.version is None:
        raise UsageError(
            f"'{model}' is no registered model, and only such a one gets a new version",
            hint="`hookline models list` lists them; a run with a deployer registers one",
        )
    record = workspace.catalog.models.get(found.model, found.version)
    manifest = verify(Path(record.path))
    trainer = _trainer(registry, record, manifest)
    return _Old(record, manifest, _packager(registry, record, manifest, trainer), trainer)


def _trainer(registry: Registry, record: ModelRecord, manifest: Mapping[str, Any]) -> Trainer:
    said = manifest.get("trainer")
    if not said:
        raise UsageError(
            f"the package of {_name(record)} does not say which trainer made it",
            hint="it was made by an earlier hookline: run it again to make it anew",
        )
    trainer = registry.build("trainer", said["component"], said["fields"], "trainer")
    assert isinstance(trainer, Trainer)
    if not isinstance(trainer, Updatable):
        names = [
            name for name in registry.names("trainer") if issubclass(registry.entry("trainer", name).cls, Updatable)
        ]
        raise UsageError(
            f"trainer '{trainer.name}', which made {_name(record)}, cannot learn on from a batch",
            hint=f"trainers that can: {', '.join(names) or 'none is installed'}",
        )
    type(trainer).check_backend()
    return trainer


def _packager(registry: Registry, record: ModelRecord, manifest: Mapping[str, Any], trainer: Trainer) -> Packager:
    packager = registry.build("packager", manifest["packager"], manifest.get("packager_config") or {}, "packager")
    assert isinstance(packager, Packager)
    if not packager.native:
        choices = " or ".join(f"packager=[{name}]" for name in _native(registry, trainer))
        raise UsageError(
            f"the package of {_name(record)} is of packager '{packager.name}', which does not hold the model itself",
            hint=f"run again with one that does, as the first: {choices or 'none is installed'}",
        )
    type(packager).check_backend()
    return packager


def _native(registry: Registry, trainer: Trainer) -> list[str]:
    """Return the packagers that hold the model itself, and take what a trainer makes."""
    import typing

    made = ports(type(trainer)).makes
    found = []
    for name in registry.names("packager"):
        cls: Any = registry.entry("packager", name).cls
        wanted = typing.get_args(next(iter(ports(cls).takes.values()), Any))
        if cls.native and (not wanted or assignable(made, wanted[0])):
            found.append(name)
    return found


def _lesson(rows: Dataset, origin: Mapping[str, Any]) -> _Lesson:
    """Return rows with what they are known by; raises DataError where there are none."""
    held = rows.with_frame(rows.frame.collect().lazy())
    if not count_rows(held.frame):
        raise DataError("there are no rows to learn")
    return _Lesson(held, version_of(held.frame, held.name), origin)


def _fingerprint(old: _Old, lesson: _Lesson) -> str:
    """Return what the new version is known by: what it came of, what it learns, and what makes it learn."""
    trainer: type[Trainer] = type(old.trainer)
    parts = ["updated", old.record.fingerprint, lesson.version.fingerprint, trainer.name, plain(old.trainer)]
    told = json.dumps([*parts, code_digest(trainer), versions(trainer)], sort_keys=True)
    return hashlib.sha256(told.encode()).hexdigest()


def _make(
    registry: Registry, workspace: Workspace, old: _Old, lesson: _Lesson, path: Path, trust: Trust | None
) -> None:
    """Learn, and put the new package in its place once it is whole and proven."""
    pipeline: Any = load_package(Path(old.record.path), registry, trust).predictor
    if not isinstance(pipeline, Pipeline):
        raise UsageError(f"packager '{old.packager.name}' reads no pipeline back, so there is no model to update")
    truth = _truth(pipeline, lesson.rows)
    batch = pipeline.examples(lesson.rows)
    answers = pipeline.predict(lesson.rows.frame)
    before = judge(registry, Scored.of(lesson.rows, answers, pipeline.target, truth, batch.sample_weight)).metrics
    try:
        new = replace(pipeline, model=old.trainer.update(pipeline.model, batch))
    except Exception as error:  # a plugin's, which goes on as it is
        error.add_note(f"while trainer '{old.trainer.name}' learned {lesson.version.rows:,} rows")
        raise
    # What a killed process leaves there is removed by the next that opens the store.
    with workspace.store.scratch() as folder:
        package = folder / "package"
        package.mkdir()
        _write(registry, old, lesson, new, before, package)
        _place(package, path)


def _truth(pipeline: Pipeline[Any], rows: Dataset) -> Any:
    """Return the rows' truth, (n_rows,); raises DataError where that of some row is not known."""
    truth, whole = truth_in(pipeline.transform(rows.frame), pipeline.target)
    if truth is None:
        raise DataError(f"the rows do not tell the target '{pipeline.target.name}', so there is nothing to learn")
    if not whole:
        gone = sum(value is None for value in truth)
        raise DataError(
            f"the target '{pipeline.target.name}' is missing in {gone:,} of {len(truth):,} rows",
            hint="leave these rows out until their truth is known",
        )
    return truth


def _write(registry: Registry, old: _Old, lesson: _Lesson, pipeline: Pipeline[Any], before: Any, folder: Path) -> None:
    """Write the new package: certified on the rows that it learned, with what the old one remembers of its training."""
    source = Path(old.record.path)
    seed = read_as(Certificate, source / CERTIFICATE).seed if (source / CERTIFICATE).is_file() else 0
    edges = make_edges(pipeline, lesson.rows.frame.head(SAMPLE_ROWS).collect(), seed)
    certificate = write_certified(registry, old.packager, pipeline, folder, lesson.rows.frame, edges)
    for name in old.manifest["files"]:
        if name in (PROFILE, ANSWERS) or name.startswith("monitors/"):
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source / name, folder / name)
    facts = {
        "name": old.record.name,
        "trainer": old.manifest["trainer"],
        # It is watched as the old one is.
        **{name: old.manifest[name] for name in ("monitors", "monitor_fields") if name in old.manifest},
        **facts_of(pipeline, certificate),
        "metrics": [],
        "before": [to_json(metric) for metric in before],
        "updated_from": {"version": old.record.version, "fingerprint": old.record.fingerprint, **lesson.plain},
        "data": old.manifest.get("data", {}),
        "reading": reading_in(old.manifest).plain,
        "environment": environment(),
    }
    seal(folder, old.packager, facts)


def _place(package: Path, path: Path) -> None:
    """Rename a whole package into its place, where another process may have put the same one by now."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.exists() and not is_whole(path):
        shutil.rmtree(path)
    try:
        package.rename(path)
    except OSError:
        if not is_whole(path):
            raise


def _register(workspace: Workspace, old: _Old, lesson: _Lesson, path: Path, fingerprint: str) -> Update:
    """Give the package its number: the act that makes it a version, and the last."""
    name, catalog, manifest = old.record.name, workspace.catalog, verify(path)
    made_by = f"update-of-{old.record.version}-{lesson.version.fingerprint[:12]}"
    catalog.datasets.record(lesson.version, lesson.origin, made_by, None)
    version = catalog.models.register(name, made_by, str(path), old.packager.name, {}, fingerprint)
    before = Metrics(tuple(from_json(Metric, metric) for metric in manifest["before"]))
    return Update(name, version, path, lesson.version.rows, before)


def _name(record: ModelRecord) -> str:
    return f"{record.name}:{record.version}"
