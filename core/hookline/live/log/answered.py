"""A model's answers on record as scored rows: with what turned out to be true, where it is known."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hookline.data.frames import mark_missing
from hookline.errors import UsageError
from hookline.kinds.artifacts import ROW_ID, Dataset, Target
from hookline.kinds.scored import PREDICTION_ID, Scored
from hookline.packages.state import StoredPackage
from hookline.registry.registry import Registry, load_registry
from hookline.runs.names import find
from hookline.workspace.catalog.labels import LabelRecord
from hookline.workspace.workspace import Workspace, open_workspace

from ..records import Records
from ..segments.moments import time_of
from .joining import truths
from .predictions import Moment, predictions_in

if TYPE_CHECKING:
    import numpy as np
    import polars as pl


def scored(
    model: str,
    since: Moment = None,
    until: Moment = None,
    version: int | None = None,
    *,
    home: str | Path | None = None,
) -> Scored:
    """Return a model's answers on record with their rows and, where labels tell it, what was true.

    It takes what `predictions` takes. Rows are read as the version that is asked for takes them, else the one in charge.
    Raises DataError where no answer is on record, UsageError where versions answered that do not predict the same.
    """
    import polars as pl

    registry, workspace = load_registry(), open_workspace(home)
    log = predictions_in(workspace, model, since, until, version)
    records = log.records()
    number = f":{log.version}" if log.version is not None else ""
    package = StoredPackage(find(f"{log.model}{number}", workspace.home).folder, registry)
    _require_one_target(registry, workspace, log.model, package.target, records)
    truth, whole = _truth(records, truths(workspace, log).by_id, package.target)
    frame = mark_missing(records.rows(package.schema).lazy()).with_row_index(ROW_ID)
    frame = frame.with_columns(pl.col(ROW_ID).cast(pl.Int64))
    rows = Dataset(_with_id(frame, records, package.roles.id), package.roles, log.model, package.target)
    found = Scored.of(rows, records.answers(package.target), package.target, truth, log=_of_log(records))
    # Arrays have no word for a truth that is missing, and the frame has.
    return found if whole else replace(found, held=None)


def truth_on_record(
    model: str, records: Records, target: Target, home: str | Path | None
) -> tuple[np.ndarray | None, bool]:
    """Return what labels say was true of each record, (n_records,), None where of none; and whether it is known of all."""
    workspace = open_workspace(home)
    return _truth(records, truths(workspace, predictions_in(workspace, model)).by_id, target)


def _truth(records: Records, labels: Mapping[str, LabelRecord], target: Target) -> tuple[np.ndarray | None, bool]:
    import numpy as np

    told = [labels.get(record["id"]) for record in records.found]
    values = [None if label is None else label.value for label in told]
    known = sum(value is not None for value in values)
    if not known:
        return None, False
    if known < len(values):
        return np.array(values, dtype=object), False
    return np.array(values, dtype=np.float64 if target.task == "regression" else None), True


def _require_one_target(registry: Registry, workspace: Workspace, model: str, target: Target, records: Records) -> None:
    """Raise UsageError where a version that answered predicts something else; one that no catalog knows is believed."""
    models = workspace.catalog.models
    for version in sorted({record["version"] for record in records.found} - {None}):
        paths = [Path(one.path) for one in models.versions(model) if one.version == version]
        if paths and paths[0].is_dir() and StoredPackage(paths[0], registry).target != target:
            raise UsageError(
                f"version {version} of '{model}' does not predict what the others do",
                hint=f"name one: {model}:{version}",
            )


def _with_id(frame: pl.LazyFrame, records: Records, name: str | None) -> pl.LazyFrame:
    """Return rows with the id's column, whose values may stand beside the rows in the log."""
    import polars as pl

    beside = [record.get("row_id") for record in records.found]
    if name is None or all(value is None for value in beside):
        return frame
    ids = pl.Series(name, beside, strict=False)
    held = pl.col(name).cast(pl.String) if name in frame.collect_schema().names() else None
    return frame.with_columns(ids if held is None else pl.coalesce(held, ids.cast(pl.String)).alias(name))


def _of_log(records: Records) -> pl.DataFrame:
    import polars as pl

    found: Sequence[Mapping[str, Any]] = records.found
    columns = {
        PREDICTION_ID: pl.Series([record["id"] for record in found], dtype=pl.String),
        "time": pl.Series([time_of(record) for record in found], dtype=pl.Datetime("us", "UTC")),
        "version": pl.Series([record["version"] for record in found], dtype=pl.Int64),
    }
    if any(record.get("arm") is not None for record in found):
        columns["arm"] = pl.Series([record.get("arm") for record in found], dtype=pl.String)
    return pl.DataFrame(columns)
