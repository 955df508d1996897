"""Stages of rows: source, transforms, split, and the ledger of what was cleaned."""

from __future__ import annotations

import json
import shutil
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hookline.data.cleaning.replay import Move, keep_ledger
from hookline.data.frames import (
    UNREADABLE_HINT,
    hold,
    mark_missing,
    require_columns,
    require_names,
    require_role_types,
)
from hookline.data.split import SplitFacts, prepare, read_split, write_rows
from hookline.data.versions import version_of
from hookline.kinds.artifacts import ROW_ID, Dataset, Split
from hookline.kinds.fitted import FittedTransform
from hookline.kinds.plain import from_json, to_json
from hookline.packages.pipeline import apply_transforms
from hookline.plans.plan import Stage

from .. import outputs
from ..execution import Running, component, fitted_in

if TYPE_CHECKING:
    import polars as pl


def dataset_moves(run: Running) -> list[Move]:
    """Return the transforms before the split, ready to be applied to the source's rows."""
    found = [stage for stage in run.plan.of("transform") if stage.applies == "dataset"]
    return [Move(stage.key, stage.name, stage.applies, partial(_fit_to, run, stage)) for stage in found]


def fitted_moves(run: Running) -> list[Move]:
    """Return the transforms after the split, as they were fitted."""
    found = [(stage, run.value(stage.key)) for stage in run.plan.fitted_transforms()]
    return [Move(stage.key, stage.name, stage.applies, partial(_as_fitted, fitted)) for stage, fitted in found]


def make_source(run: Running, stage: Stage) -> Dataset:
    """Load the rows, with an id each and missing values marked."""
    import polars as pl

    loaded: Dataset = component(stage).load()
    roles = run.plan.roles
    schema = loaded.frame.collect_schema()
    named = (roles.target, roles.id, roles.time, roles.weight, roles.group, *roles.ignore)
    require_columns([name for name in named if name], schema.names(), "roles")
    require_names(schema.names())
    require_role_types(roles, schema)
    frame = (
        mark_missing(loaded.frame).drop(roles.ignore).with_row_index(ROW_ID).with_columns(pl.col(ROW_ID).cast(pl.Int64))
    )
    if run.scratch and any(other.applies == "dataset" for other in run.plan.of("transform")):
        # Read several times: by those transforms, for the version of the data, and for the ledger.
        problem = f"the rows of {loaded.name} cannot be read"
        with run.workspace.store.clear_errors():
            frame = hold(frame, run.scratch / "source.arrow", problem, UNREADABLE_HINT)
    return Dataset(frame, roles, loaded.name)


def make_dataset_transform(run: Running, stage: Stage) -> Dataset:
    """Apply a transform to the rows before the split."""
    dataset: Dataset = run.value(stage.inputs[0])
    return dataset.with_frame(component(stage).fit(dataset).transform(dataset.frame))


def _fit_to(run: Running, stage: Stage, frame: pl.LazyFrame) -> FittedTransform:
    source: Dataset = run.value(run.plan.of("source")[0].key)
    fitted: FittedTransform = component(stage).fit(source.with_frame(frame))
    return fitted


def _as_fitted(fitted: FittedTransform, frame: pl.LazyFrame) -> FittedTransform:
    return fitted


def fit_transform(run: Running, stage: Stage) -> Any:
    """Fit a transform on training rows."""
    train = run.value("split").train
    earlier = fitted_in(run, "training", "always", until=stage.key)
    return component(stage).fit(train.with_frame(apply_transforms(earlier, train.frame)))


SPLIT = "split.json"
"""What is known of a split, beside its rows."""


def write_split(run: Running, stage: Stage, folder: Path) -> None:
    """Divide the rows, and write each part."""
    options = run.plan.config.options
    dataset: Dataset = run.value(stage.inputs[0])
    rows = write_rows(dataset, folder)
    # Rows that no transform has touched are read from where they have just been written.
    loaded = rows if stage.inputs[0] == "source" else run.value("source").frame
    version = version_of(loaded, dataset.name, without=[ROW_ID])
    method, counts = prepare(dataset, options.split, options.seed, folder)
    facts = SplitFacts(dataset.name, method, counts, version)
    (folder / SPLIT).write_text(json.dumps(to_json(facts)), "utf-8")


def read_split_back(run: Running, folder: Path) -> Split:
    """Return the parts of a stored split."""
    return read_split(folder, split_facts((folder / SPLIT).read_bytes()), run.plan.roles)


def split_facts(content: bytes) -> SplitFacts:
    """Return what the file SPLIT of a stored split says."""
    return from_json(SplitFacts, json.loads(content))


def write_ledger(run: Running, folder: Path) -> None:
    """Write what each transform did to the rows."""
    first = dataset_moves(run)
    source: Dataset | None = run.value(run.plan.of("source")[0].key) if first else None
    scratch = folder / "scratch"
    scratch.mkdir()
    ledger = keep_ledger(source, [*first, *fitted_moves(run)], run.value("split"), scratch)
    shutil.rmtree(scratch)
    outputs.write(ledger, folder)
