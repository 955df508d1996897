"""Featurizers fitted on training rows, and the design matrices that the model learns from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hookline.data.target import encode, true_values
from hookline.errors import DataError
from hookline.kinds.artifacts import ROW_ID, Dataset, Features, Target
from hookline.kinds.capabilities import Selects
from hookline.kinds.plain import to_json
from hookline.packages.pipeline import apply_featurizers, apply_transforms, traced
from hookline.plans.plan import every

from .. import outputs
from ..execution import Section, StageKind
from ..parts import featurizers_of, fitted_in

if TYPE_CHECKING:
    import numpy as np

    from hookline.plans.plan import Stage

    from ..execution import Execution


def _fit(run: Execution, stage: Stage) -> Any:
    """Fit a featurizer: the first on training rows, each further one on the matrix that those before make of them."""
    earlier = [one for one in run.plan.of("featurizer") if one.key in stage.inputs]
    return stage.acts.fit(_matrix(run, earlier) if earlier else _train_rows(run))


def _make(run: Execution, stage: Stage) -> tuple[Features, Features | None]:
    """Make the design matrices of training and validation rows."""
    split = run.value("split")
    featurizers = run.plan.of("featurizer")
    train = _matrix(run, featurizers)
    valid = None
    if split.valid is not None:
        rows = split.valid.with_frame(apply_transforms(fitted_in(run, "always"), split.valid.frame)).weighing()
        valid = _complete(apply_featurizers(featurizers_of(run), rows.frame), rows, train.target, featurizers[-1].key)
    return train, valid


def _matrix(run: Execution, featurizers: Sequence[Stage]) -> Features:
    """Return what featurizers make of the training rows, with y, ids and weights."""
    rows = _train_rows(run)
    made: Any = rows
    for stage in featurizers:
        made = stage.acts.transform_train(run.value(stage.key), made)
        made = _complete(made, rows, rows.target, stage.key)
    features: Features = made
    return features


def _complete(features: Features, rows: Dataset, target: Target | None, maker: str) -> Features:
    """Add what belongs to the rows of a design matrix: y, ids and weights; `maker` is the stage that made it of them."""
    import polars as pl

    assert target is not None
    y = encode(true_values(rows.frame, target), target)
    weight = rows.roles.weight
    columns = rows.frame.select(
        [ROW_ID, *([pl.col(weight).cast(pl.Float64).alias("weight")] if weight else [])]
    ).collect()
    _require_rows(features, columns[ROW_ID].to_numpy(), maker)
    weights = columns["weight"].to_numpy() if weight else None
    if weights is not None and (not (weights >= 0).all() or not weights.sum() > 0):
        raise DataError(f"the weights in '{weight}' must be present, none negative, and not all zero")
    return replace(features, y=y, row_ids=columns[ROW_ID].to_numpy(), sample_weight=weights, target=target)


def _require_rows(features: Features, ids: np.ndarray, maker: str) -> None:
    """Raise DataError where a matrix has other rows than it was made of, or says that they are in another order."""
    import numpy as np

    if features.shape[0] != len(ids):
        raise DataError(
            f"{maker} makes {features.shape[0]:,} rows of {len(ids):,}",
            hint="a featurizer keeps every row, in order; what drops or repeats rows is a transform",
        )
    if features.row_ids is not None and not np.array_equal(features.row_ids, ids):
        raise DataError(f"{maker} makes rows in another order than it is given", hint="keep the order of the rows")


def _train_rows(run: Execution) -> Dataset:
    train: Dataset = run.value("split").train
    frame = apply_transforms(fitted_in(run, "training", "always"), train.frame)
    return replace(train, frame=frame, target=run.value("target")).weighing()


def _section(run: Execution) -> list[Any]:
    features = traced(featurizers_of(run)[-1].fitted.features, fitted_in(run, "always"))
    return [to_json(feature) for feature in features]


def _selection(run: Execution) -> list[dict[str, Any]] | None:
    """Tell of each featurizer that selects what it decided; None where none does."""
    told = [
        {
            "stage": stage.key,
            "component": stage.component,
            "decisions": [to_json(one) for one in stage.fitted.decisions],
        }
        for stage in featurizers_of(run)
        if isinstance(stage.fitted, Selects)
    ]
    return told or None


def _read(run: Execution, stage: Stage, folder: Path) -> Any:
    return outputs.read(tuple, folder)


FEATURIZER = StageKind(
    kind="featurizer",
    module=__name__,
    takes=every("split", "transform", "target", "featurizer"),
    make=_fit,
    sections=(
        Section("features", ("transform", "featurizer"), _section),
        Section("selection", ("featurizer",), _selection),
    ),
)
FEATURES = StageKind(
    kind="features",
    module=__name__,
    takes=every("split", "transform", "target", "featurizer"),
    makes=Features,
    make=_make,
    read=_read,
    summarize=lambda pair: "{:,} x {:,} matrix".format(*pair[0].shape),
)
