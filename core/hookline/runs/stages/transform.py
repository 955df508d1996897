"""A transform fitted on training rows."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from hookline.data.cleaning.replay import Move
from hookline.kinds.fitted import FittedTransform
from hookline.kinds.kinds import Transform
from hookline.packages.pipeline import apply_transforms
from hookline.plans.plan import every

from ..execution import StageKind
from ..parts import fitted_in

if TYPE_CHECKING:
    import polars as pl

    from hookline.plans.plan import Stage

    from ..execution import Execution


def _fit(run: Execution, stage: Stage) -> Any:
    """Fit a transform on training rows."""
    train = run.value("split").train
    earlier = fitted_in(run, "training", "always", until=stage.key)
    return stage.acts.fit(train.with_frame(apply_transforms(earlier, train.frame)))


def fitted_moves(run: Execution) -> list[Move]:
    """Return the transforms after the split, as they were fitted."""
    found = [(stage, run.value(stage.key)) for stage in run.plan.fitted_transforms()]
    return [Move(stage.key, stage.name, stage.applies, partial(_as_fitted, fitted)) for stage, fitted in found]


def _as_fitted(fitted: FittedTransform, frame: pl.LazyFrame) -> FittedTransform:
    return fitted


STAGE = StageKind(
    kind="transform",
    module=__name__,
    holds=lambda component: isinstance(component, Transform) and component.applies != "dataset",
    takes=every("split", "transform"),
    make=_fit,
)
