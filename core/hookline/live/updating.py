"""A registered model that goes on learning from labeled rows, as a version of its own."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from hookline.data.frames import count_rows
from hookline.data.target import decode
from hookline.data.versions import version_of
from hookline.errors import DataError, UsageError
from hookline.kinds.answering.rules import DecisionRule, Intervals, PredictionSets
from hookline.kinds.artifacts import Dataset, DataVersion, Features
from hookline.kinds.deployments import Trust
from hookline.kinds.fitted import Prediction
from hookline.kinds.kinds import Trainer
from hookline.kinds.plain import from_json, plain, to_json
from hookline.kinds.reports import Metric, Metrics
from hookline.kinds.scored import Scored
from hookline.packages.certificate.edges import SAMPLE_ROWS, make_edges
from hookline.packages.deciding.conformal import errors_of, measured_again, sets_again
from hookline.packages.deciding.thresholds import chosen_again
from hookline.packages.loading import load_package
from hookline.packages.manifest import is_whole, verify
from hookline.packages.pipeline import Pipeline
from hookline.packages.reading import reading_in
from hookline.packages.state import StoredPackage
from hookline.packages.writing import place, seed_in, write_another
from hookline.plans.fingerprints import code_digest, versions
from hookline.quality.judging import judge
from hookline.registry.registry import Registry, load_registry
from hookline.workspace.workspace import Workspace, open_workspace

from .learners import Old, Position, old_of, position_in
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
class Lesson:
    """What it is to learn."""

    rows: Dataset
    version: DataVersion
    origin: Mapping[str, Any]
    """Where the rows came from, as the catalog has it of a version of data."""
    upto: Position | None = None
    """Of a source whose rows keep coming: the position up to which they are learned once this is."""

    @property
    def plain(self) -> dict[str, Any]:
        """What a manifest says of it."""
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
    old = old_of(registry, workspace, model, trust)
    stored = StoredPackage(Path(old.record.path), registry)
    origin = {"component": "file", "path": str(rows)} if isinstance(rows, (str, Path)) else {"component": "frame"}
    reading = reading_in(old.manifest).but(source or {})
    lesson = lesson_of(rows_for(registry, rows, stored.schema, stored.target, stored.roles, reading), origin)
    fingerprint = fingerprint_of(old, lesson)
    with workspace.package_place(old.record.name, fingerprint) as path:
        if not is_whole(path):
            _make(registry, workspace, old, lesson, path, trust)
        return register_update(workspace, old, lesson, path, fingerprint)


def lesson_of(rows: Dataset, origin: Mapping[str, Any]) -> Lesson:
    """Return rows with what they are known by; raises DataError where there are none."""
    held = rows.with_frame(rows.frame.collect().lazy())
    if not count_rows(held.frame):
        raise DataError("there are no rows to learn")
    return Lesson(held, version_of(held.frame, held.name), origin)


def fingerprint_of(old: Old, lesson: Lesson) -> str:
    """Return what the new version is known by: what it came of, what it learns, and what makes it learn."""
    trainer: type[Trainer] = type(old.trainer)
    parts = ["updated", old.record.fingerprint, lesson.version.fingerprint, trainer.name, plain(old.trainer)]
    told = json.dumps([*parts, code_digest(trainer), versions(trainer)], sort_keys=True)
    return hashlib.sha256(told.encode()).hexdigest()


def _make(registry: Registry, workspace: Workspace, old: Old, lesson: Lesson, path: Path, trust: Trust | None) -> None:
    """Learn, and put the new package in its place once it is whole and proven."""
    pipeline = pipeline_in(registry, old, Path(old.record.path), trust)
    before = before_of(registry, pipeline, lesson)
    keep(registry, workspace, old, lesson, learned(old, pipeline, lesson), before, path)


def pipeline_in(registry: Registry, old: Old, folder: Path, trust: Trust | None) -> Pipeline[Any]:
    """Return the pipeline of a package that a version's packager wrote; raises UsageError where it reads none back."""
    pipeline: Any = load_package(folder, registry, trust).predictor
    if not isinstance(pipeline, Pipeline):
        raise UsageError(f"packager '{old.packager.name}' reads no pipeline back, so there is no model to update")
    return pipeline


def before_of(registry: Registry, pipeline: Pipeline[Any], lesson: Lesson) -> Sequence[Metric]:
    """Return how a pipeline does on rows that it has not learned yet; raises DataError where their truth is not known."""
    truth, weight = _truth(pipeline, lesson.rows), pipeline.examples(lesson.rows).sample_weight
    answers = pipeline.predict(lesson.rows.frame)
    return judge(registry, Scored.of(lesson.rows, answers, pipeline.target, truth, weight)).metrics


def learned(old: Old, pipeline: Pipeline[Any], lesson: Lesson) -> Pipeline[Any]:
    """Return what becomes of a pipeline that learns rows; the one that is given stays as it is.

    A threshold is chosen, and intervals and sets are measured, again by what the pipeline says of the rows before it learns them.
    """
    examples = pipeline.examples(lesson.rows)
    rules = _rules_after(pipeline, examples)
    try:
        return replace(pipeline, model=old.trainer.update(pipeline.model, examples), **rules)
    except Exception as error:  # a plugin's, which goes on as it is
        error.add_note(f"while trainer '{old.trainer.name}' learned {lesson.version.rows:,} rows")
        raise


def _rules_after(pipeline: Pipeline[Any], rows: Features) -> dict[str, Any]:
    if not (pipeline.decision or pipeline.intervals or pipeline.sets):
        return {}
    said = decode(pipeline.model.predict(rows), pipeline.target)
    return {
        "decision": _rule_after(pipeline.decision, said, rows),
        "intervals": _reach_after(pipeline.intervals, said, rows),
        "sets": _sets_after(pipeline.sets, said, rows),
    }


def _rule_after(before: DecisionRule | None, said: Prediction, rows: Features) -> DecisionRule | None:
    if before is None or said.probabilities is None or rows.y is None:
        return before
    return chosen_again(before, rows.y, said.probabilities, rows.sample_weight)


def _reach_after(before: Intervals | None, said: Prediction, rows: Features) -> Intervals | None:
    if before is None or rows.y is None:
        return before
    return measured_again(before, errors_of(rows.y, said), rows.sample_weight)


def _sets_after(before: PredictionSets | None, said: Prediction, rows: Features) -> PredictionSets | None:
    if before is None or said.probabilities is None or rows.y is None:
        return before
    return sets_again(before, rows.y, said.probabilities, rows.sample_weight)


def keep(
    registry: Registry,
    workspace: Workspace,
    old: Old,
    lesson: Lesson,
    pipeline: Pipeline[Any],
    before: Sequence[Metric],
    path: Path,
) -> None:
    """Put a pipeline's package in its place, once it is whole and proven."""
    # What a killed process leaves there is removed by the next that opens the store.
    with workspace.store.scratch() as folder:
        package = folder / "package"
        package.mkdir()
        write(registry, old, lesson, pipeline, before, package)
        place(package, path)


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


def write(
    registry: Registry, old: Old, lesson: Lesson, pipeline: Pipeline[Any], before: Sequence[Metric], folder: Path
) -> None:
    """Write the new package: certified on the rows that it learned, with what the old one remembers of its training."""
    source = Path(old.record.path)
    # Other rows may be learned in between, and what a source has beyond its position is still to come.
    known = position_in(old.manifest) if lesson.upto is None else lesson.upto
    ends = {} if known is None else {"upto": known.upto, "place": known.place}
    edges = make_edges(pipeline, lesson.rows.frame.head(SAMPLE_ROWS).collect(), seed_in(source))
    facts = {
        "name": old.record.name,
        "trainer": old.manifest["trainer"],
        # It is watched and explained as the old one is.
        **{name: old.manifest[name] for name in ("monitors", "monitor_fields", "explainers") if name in old.manifest},
        "metrics": [],
        "before": [to_json(metric) for metric in before],
        "updated_from": {"version": old.record.version, "fingerprint": old.record.fingerprint, **lesson.plain, **ends},
        "data": old.manifest.get("data", {}),
        "reading": reading_in(old.manifest).plain,
    }
    rows = lesson.rows.frame
    write_another(registry, old.packager, pipeline, folder, rows, edges, source, facts, of_model=False)


def register_update(workspace: Workspace, old: Old, lesson: Lesson, path: Path, fingerprint: str) -> Update:
    """Give the package its number: the act that makes it a version, and the last."""
    name, catalog, manifest = old.record.name, workspace.catalog, verify(path)
    made_by = f"update-of-{old.record.version}-{lesson.version.fingerprint[:12]}"
    catalog.datasets.record(lesson.version, lesson.origin, made_by, None)
    version = catalog.models.register(name, made_by, str(path), old.packager.name, {}, fingerprint)
    before = Metrics(tuple(from_json(Metric, metric) for metric in manifest["before"]))
    return Update(name, version, path, lesson.version.rows, before)
