"""A model's answers on record as scored rows: with what turned out to be true, where it is known."""

from __future__ import annotations

import hashlib
import json
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from hookline.data.frames import mark_missing
from hookline.errors import StoreError, UsageError
from hookline.kinds.artifacts import ROW_ID, Dataset, Target
from hookline.kinds.scored import PREDICTION_ID, Scored
from hookline.packages.state import StoredPackage
from hookline.registry.registry import Registry, load_registry
from hookline.runs.names import find
from hookline.workspace.workspace import Workspace, open_workspace

from ..records import Recorded
from .joining import truths
from .predictions import Moment, Predictions, Unrecorded, predictions_in

if TYPE_CHECKING:
    import numpy as np
    import polars as pl

ID, TIME, FIRST = "\0id", "\0time", "\0first"
FACTS = (ID, TIME, FIRST)
"""Columns that stand beside the rows of `told_rows`, whose names no table has."""


def scored(
    model: str,
    since: Moment = None,
    until: Moment = None,
    version: int | None = None,
    arm: str | None = None,
    *,
    home: str | Path | None = None,
) -> Scored:
    """Return a model's answers on record with their rows and, where labels tell it, what was true.

    It takes what `predictions` takes. Where no arm is named, what a version said in the shadow of another is left out, and
    what `predict --log` recorded; the truth of a shadow's answer is that of the one that was given. Rows are read as the version
    that is asked for takes them, else the one in charge.
    Raises DataError where no answer is on record, UsageError where versions answered that do not predict the same.
    """
    import polars as pl

    registry, workspace = load_registry(), open_workspace(home)
    log = replace(predictions_in(workspace, model, since, until, version, arm), given=arm is None, served=arm is None)
    records = log.records()
    number = f":{log.version}" if log.version is not None else ""
    package = StoredPackage(find(f"{log.model}{number}", workspace.home).folder, registry)
    _require_one_target(registry, workspace, log.model, package.target, records)
    facts = records.facts()
    told_of = facts.select(pl.coalesce("of", "id").alias("id"))["id"]
    truth, whole = _truth(told_of, truths(workspace, log).table, package.target)
    frame = mark_missing(records.rows(package.schema).lazy()).with_row_index(ROW_ID)
    frame = frame.with_columns(pl.col(ROW_ID).cast(pl.Int64))
    rows = Dataset(_with_id(frame, facts["row_id"], package.roles.id), package.roles, log.model, package.target)
    found = Scored.of(rows, records.answers(package.target), package.target, truth, log=_of_log(facts))
    # Arrays have no word for a truth that is missing, and the frame has.
    return found if whole else replace(found, held=None)


def package_of(model: str, home: str | Path | None = None) -> StoredPackage:
    """Return the package that rows on record are read as: of the version that is named, else of the one in charge."""
    return StoredPackage(find(model, home).folder, load_registry())


def labeled_rows(
    log: Predictions, workspace: Workspace, package: StoredPackage, after: int, upto: int, leave_out: float = 0.0
) -> Dataset:
    """Return raw rows on record whose truth is known, with it in the target's column, by time.

    Columns: those of the package's contract that rows hold, its id (the prediction's where rows do not say theirs), and the
    target. after, upto: only records whose first label is numbered so; leave_out: the share that is kept aside (`is_kept`)
    Raises DataError where the truth of none is known.
    """
    import polars as pl

    told = told_rows(log, workspace, package, upto)
    new = told.filter(pl.col(FIRST) > after)
    if leave_out:
        new = new.filter(~kept_aside(new, package, leave_out))
    return Dataset(new.drop(FACTS).lazy(), name=log.model)


def told_rows(log: Predictions, workspace: Workspace, package: StoredPackage, upto: int | None) -> pl.DataFrame:
    """Return the same rows, with `FACTS` of each beside: its prediction's id, its time, and the number of its first label.

    Raises Unrecorded where no answer is on record, or the truth of none is.
    """
    import polars as pl

    told = truths(workspace, log, upto).table
    records = log.records().among(told["prediction_id"])
    if not len(records):
        raise Unrecorded(
            f"no answer of '{log.model}' has its truth{log.said()}",
            hint=f"`hookline labels add {log.model} FILE` tells it, and `hookline labels status {log.model}` of how many",
        )
    facts = records.facts()
    truth, _ = _truth(facts["id"], told, package.target)
    frame = _with_id(mark_missing(records.rows(package.schema).lazy()), facts["row_id"], package.roles.id).collect()
    known = [name for name in package.schema.names if name in frame.columns]
    first = facts.join(told, left_on="id", right_on="prediction_id", how="left", maintain_order="left")["first"]
    columns = [*(frame[name] for name in known), *_id(frame, facts["id"], package), _column(package.target, truth)]
    beside = [facts["id"].alias(ID), facts["time"].alias(TIME), first.alias(FIRST)]
    return pl.DataFrame([*columns, *beside]).sort(TIME, maintain_order=True)


def kept_aside(rows: pl.DataFrame, package: StoredPackage, share: float) -> pl.Series:
    """Tell of each of `told_rows` whether no retraining is to learn it, so that it can be tested on; the same at any time.

    All rows of one group, where the model's roles name groups, fall to the same side.
    """
    import polars as pl

    group = package.roles.group
    alone = rows[ID]
    whose = alone if group not in rows.columns or group is None else rows[group].cast(pl.String).fill_null(alone)
    return pl.Series([is_kept(str(one), share) for one in whose], dtype=pl.Boolean)


def is_kept(name: str, share: float) -> bool:
    """Tell whether a prediction, or a group, is among a share that is drawn by a digest of its name."""
    digest = hashlib.blake2b(name.encode("utf-8", "surrogatepass"), digest_size=8).digest()
    return int.from_bytes(digest) < share * 2**64


def _id(frame: pl.DataFrame, ids: pl.Series, package: StoredPackage) -> list[pl.Series]:
    name = package.roles.id
    if name is None or name in package.schema.names:
        return []
    return [frame[name] if name in frame.columns else ids.alias(name)]


def _column(target: Target, truth: np.ndarray | None) -> pl.Series:
    import polars as pl

    values = [] if truth is None else truth.tolist()
    return pl.Series(target.name, values, dtype=pl.Float64 if target.task == "regression" else None)


def truth_on_record(
    model: str, records: Recorded, target: Target, home: str | Path | None
) -> tuple[np.ndarray | None, bool]:
    """Return what labels say was true of each record, (n_records,), None where of none; and whether it is known of all."""
    workspace = open_workspace(home)
    return _truth(records.facts()["id"], truths(workspace, predictions_in(workspace, model)).table, target)


def _truth(ids: pl.Series, told: pl.DataFrame, target: Target) -> tuple[np.ndarray | None, bool]:
    import numpy as np

    asked = ids.to_frame("prediction_id")
    texts = asked.join(told, on="prediction_id", how="left", maintain_order="left")["value"]
    known = len(texts) - texts.null_count()
    if not known:
        return None, False
    # Of classes there are few.
    words = {text: json.loads(text) for text in texts.unique().drop_nulls()}
    values = [words.get(text) for text in texts]
    if known < len(values):
        return np.array(values, dtype=object), False
    return np.array(values, dtype=np.float64 if target.task == "regression" else None), True


def _require_one_target(
    registry: Registry, workspace: Workspace, model: str, target: Target, records: Recorded
) -> None:
    """Raise UsageError where a version that answered predicts something else; one that no catalog knows is believed."""
    models, answered = workspace.catalog.models, {*records.versions()}
    for one in models.versions(model):
        if one.version not in answered:
            continue
        # Brought where it lies elsewhere; what is lost can predict nothing else any more.
        with suppress(StoreError):
            models.get(model, one.version)
        if Path(one.path).is_dir() and StoredPackage(Path(one.path), registry).target != target:
            raise UsageError(
                f"version {one.version} of '{model}' does not predict what the others do",
                hint=f"name one: {model}:{one.version}",
            )


def _with_id(frame: pl.LazyFrame, beside: pl.Series, name: str | None) -> pl.LazyFrame:
    """Return rows with the id's column, whose values may stand beside the rows in the log."""
    import polars as pl

    if name is None or beside.null_count() == len(beside):
        return frame
    ids = beside.alias(name)
    held = pl.col(name).cast(pl.String) if name in frame.collect_schema().names() else None
    return frame.with_columns(ids if held is None else pl.coalesce(held, ids.cast(pl.String)).alias(name))


def _of_log(facts: pl.DataFrame) -> pl.DataFrame:
    """Return what the log says of its records, the arm where any is told."""
    arm = ["arm"] if facts["arm"].count() else []
    return facts.select("id", "time", "version", *arm).rename({"id": PREDICTION_ID})
