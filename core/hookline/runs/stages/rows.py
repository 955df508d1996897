"""The rows: loaded from the source, and through the transforms before and after the split."""

from __future__ import annotations

from dataclasses import asdict
from functools import partial
from typing import TYPE_CHECKING, Any

from hookline.data.cleaning.replay import Move
from hookline.data.frames import UNREADABLE_HINT, hold, mark_missing, require_columns, require_names, require_role_types
from hookline.kinds.artifacts import ROW_ID, Dataset
from hookline.kinds.fitted import FittedTransform
from hookline.kinds.kinds import Transform
from hookline.packages.pipeline import apply_transforms
from hookline.plans.plan import every, newest

from ..execution import StageKind
from ..parts import fitted_in

if TYPE_CHECKING:
    import polars as pl

    from hookline.plans.plan import Stage

    from ..execution import Execution


def _load(run: Execution, stage: Stage) -> Dataset:
    """Load the rows, with an id each and missing values marked."""
    import polars as pl

    loaded: Dataset = stage.acts.load()
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
            frame = hold(frame, run.scratch / "source.arrow", problem, UNREADABLE_HINT, "unreadable")
    return Dataset(frame, roles, loaded.name)


def _apply(run: Execution, stage: Stage) -> Dataset:
    """Apply a transform to the rows before the split."""
    dataset: Dataset = run.value(stage.inputs[0])
    return dataset.with_frame(stage.acts.fit(dataset).transform(dataset.frame))


def dataset_moves(run: Execution) -> list[Move]:
    """Return the transforms before the split, ready to be applied to the source's rows."""
    found = [stage for stage in run.plan.of("transform") if stage.applies == "dataset"]
    return [Move(stage.key, stage.name, stage.applies, partial(_fit_to, run, stage)) for stage in found]


def _fit_to(run: Execution, stage: Stage, frame: pl.LazyFrame) -> FittedTransform:
    source: Dataset = run.value(run.plan.of("source")[0].key)
    fitted: FittedTransform = stage.acts.fit(source.with_frame(frame))
    return fitted


SOURCE = StageKind(
    kind="source",
    module=__name__,
    takes=lambda done, component: (),
    makes=Dataset,
    parts=lambda meant: {"data": meant.data()},
    make=_load,
    persisted=False,
)
BEFORE_SPLIT = StageKind(
    kind="transform",
    name="transform before the split",
    module=__name__,
    holds=lambda component: isinstance(component, Transform) and component.applies == "dataset",
    takes=newest("source", "transform before the split"),
    makes=Dataset,
    parts=lambda meant: {"roles": asdict(meant.roles)},
    make=_apply,
    persisted=False,
)
"""Rows before the split stay lazy, and are not kept."""


def _fit_transform(run: Execution, stage: Stage) -> Any:
    """Fit a transform on training rows."""
    train = run.value("split").train
    earlier = fitted_in(run, "training", "always", until=stage.key)
    return stage.acts.fit(train.with_frame(apply_transforms(earlier, train.frame)).weighing())


def fitted_moves(run: Execution) -> list[Move]:
    """Return the transforms after the split, as they were fitted."""
    found = [(stage, run.value(stage.key)) for stage in run.plan.fitted_transforms()]
    return [Move(stage.key, stage.name, stage.applies, partial(_as_fitted, fitted)) for stage, fitted in found]


def _as_fitted(fitted: FittedTransform, frame: pl.LazyFrame) -> FittedTransform:
    return fitted


AFTER_SPLIT = StageKind(
    kind="transform",
    module=__name__,
    holds=lambda component: isinstance(component, Transform) and component.applies != "dataset",
    takes=every("split", "transform"),
    make=_fit_transform,
)
