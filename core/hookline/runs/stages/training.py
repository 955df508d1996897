"""Stages of learning: target, featurizer, design matrices, model."""

from __future__ import annotations

import importlib
import inspect
import json
import shutil
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

from hookline.data.target import encode, target_of, true_values
from hookline.errors import DataError, Pruned, StoreError
from hookline.kinds.artifacts import ROW_ID, Dataset, Features, Split, Target
from hookline.kinds.fitted import Model
from hookline.kinds.fitting import checkpoints_in, steps_in
from hookline.packages.pipeline import apply_transforms
from hookline.plans.plan import Stage

from ..execution import CURVE, IMPORTANCES, Running, component, fitted_in


def make_target(run: Running, stage: Stage) -> Target:
    """Find out what is predicted; raises DataError where it cannot be, or not by these components."""
    import polars as pl

    split: Split = run.value("split")
    name = str(run.plan.roles.target)
    always = fitted_in(run, "always")
    parts = [part.frame for part in (split.train, split.valid, split.test) if part]
    labels = pl.concat([apply_transforms(always, part).select(name) for part in parts])
    task = run.plan.config.options.task
    target = target_of(labels, name, task)
    check_task(target, task, (*run.plan.of("trainer"), *run.plan.of("evaluator")))
    return target


def fit_featurizer(run: Running, stage: Stage) -> Any:
    """Fit a featurizer on training rows."""
    return component(stage).fit(_train_rows(run))


def make_features(run: Running, stage: Stage) -> tuple[Features, Features | None]:
    """Make the design matrices of training and validation rows."""
    featurizer = run.plan.of("featurizer")[0]
    fitted, split = run.value(featurizer.key), run.value("split")
    train = _train_rows(run)
    made = component(featurizer).transform_train(fitted, train)
    valid = None
    if split.valid is not None:
        rows = split.valid.with_frame(apply_transforms(fitted_in(run, "always"), split.valid.frame))
        valid = _complete(fitted.transform(rows.frame), rows, train.target)
    return _complete(made, train, train.target), valid


def _complete(features: Features, rows: Dataset, target: Target | None) -> Features:
    """Add what belongs to the rows of a design matrix: y, ids and weights."""
    import polars as pl

    assert target is not None
    y = encode(true_values(rows.frame, target), target)
    weight = rows.roles.weight
    columns = rows.frame.select(
        [ROW_ID, *([pl.col(weight).cast(pl.Float64).alias("weight")] if weight else [])]
    ).collect()
    weights = columns["weight"].to_numpy() if weight else None
    if weights is not None and (not (weights >= 0).all() or not weights.sum() > 0):
        raise DataError(f"the weights in '{weight}' must be present, none negative, and not all zero")
    return replace(features, y=y, row_ids=columns[ROW_ID].to_numpy(), sample_weight=weights, target=target)


def fit_model(run: Running, stage: Stage) -> Model:
    """Fit the model, with its curve and its checkpoints."""
    train, valid = run.value("features")
    folder = run.workspace.home / "checkpoints" / stage.fingerprint[:32]
    try:
        with checkpoints_in(folder), steps_in(run.curve):
            model: Model = component(stage).fit(train, valid)
    except Pruned:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    shutil.rmtree(folder, ignore_errors=True)
    return model


def _train_rows(run: Running) -> Dataset:
    train: Dataset = run.value("split").train
    frame = apply_transforms(fitted_in(run, "training", "always"), train.frame)
    return replace(train, frame=frame, target=run.value("target"))


def write_model(model: Model, folder: Path) -> None:
    """Write which class a model is of, and its importances."""
    cls = type(model)
    (folder / "class.json").write_text(json.dumps([cls.__module__, cls.__qualname__]), "utf-8")
    (folder / IMPORTANCES).write_text(json.dumps(dict(model.importances())), "utf-8")


def write_curve(run: Running, folder: Path) -> None:
    """Write the curve that a trainer reported, where it did."""
    if run.curve.points:
        (folder / CURVE).write_text(json.dumps(run.curve.plain()), "utf-8")


def model_class(stage: Stage, folder: Path) -> type[Model]:
    """Return the class of a stored model; raises StoreError where it is none any more."""
    if not inspect.isabstract(stage.makes):
        return cast("type[Model]", stage.makes)
    # The trainer says only `Model`; the store is signed with this machine's key, so the name in it is our own word.
    module, name = json.loads((folder / "class.json").read_text("utf-8"))
    cls = getattr(importlib.import_module(module), name, None)
    if not (isinstance(cls, type) and issubclass(cls, Model)):
        raise StoreError(f"the stored model of stage '{stage.key}' is a {module}.{name}, which is no longer a Model")
    return cls


def check_task(target: Target, asked: str, stages: Iterable[Stage]) -> None:
    """Raise DataError where a target is not of the task asked for, or a stage cannot learn or judge it."""
    if asked not in ("auto", target.task) and not (asked == "multiclass" and target.task == "binary"):
        raise DataError(f"task={asked}, but the target '{target.name}' has {len(target.classes)} classes")
    for stage in stages:
        component: Any = stage.component
        tasks = component.tasks
        if target.task not in tasks:
            raise DataError(
                f"{stage.kind} '{stage.name}' is for {' or '.join(sorted(tasks))}, "
                f"but the target '{target.name}' calls for {target.task}",
                hint="choose another, or say what is meant with task=...",
            )
