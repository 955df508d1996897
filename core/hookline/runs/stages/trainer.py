"""A model fitted to the design matrix, with its importances and its learning curve."""

from __future__ import annotations

import importlib
import inspect
import json
import shutil
from contextlib import nullcontext, suppress
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from hookline.data.target import decide, decode, true_values
from hookline.errors import DataError, HooklineError, Pruned, StoreError
from hookline.kinds.answering.rules import DecisionRule
from hookline.kinds.artifacts import ROW_ID, Dataset, Features, Target
from hookline.kinds.features.weights import EmbedsCategories, weighed
from hookline.kinds.fitted import Model
from hookline.kinds.fitting import Curve, checkpoints_in, judged_by, report_finding, steps_in
from hookline.kinds.reports import Finding
from hookline.kinds.scored import Scored
from hookline.packages.pipeline import apply_transforms
from hookline.plans.plan import every
from hookline.quality.judging import constant_guess, numbers_of

from .. import outputs
from ..execution import Section, StageKind
from ..parts import fitted_in, weights_in
from .fitting.chance import why_varying
from .fitting.rungs import climb

if TYPE_CHECKING:
    from hookline.plans.plan import Stage

    from ..execution import Execution


IMPORTANCES = "importances.json"
CURVE = "curve.json"
BESIDE = "beside.json"
TRAINING_ROWS = 2_000
"""Most training rows that the training score is taken from, evenly drawn."""


def importances_of(run: Execution) -> dict[str, float]:
    """Return feature name -> importance, without reading the model, whose library may take seconds to import."""
    trainer = run.plan.of("trainer")[0]
    folder = run.workspace.store.get(trainer.fingerprint)
    if folder is None:
        return weighed(run.value(trainer.key).importances(), run.value("features")[0].features)
    found: dict[str, float] = json.loads((folder / IMPORTANCES).read_text("utf-8"))
    return found


def learning_of(run: Execution) -> dict[str, Any] | None:
    """Return the curve that the trainer reported, in this run or in the one that left its model in the store."""
    if run.curve.points:
        return run.curve.plain()
    folder = run.workspace.store.get(run.plan.of("trainer")[0].fingerprint)
    if folder is None or not (folder / CURVE).is_file():
        return None
    found: dict[str, Any] = json.loads((folder / CURVE).read_text("utf-8"))
    return found


def beside_of(run: Execution) -> dict[str, dict[str, float]]:
    """Return what stands beside the score: the metrics of a constant guess, and of training rows, by name.

    Where a rule decides, it has measured the training rows anew.
    """
    found: dict[str, dict[str, float]] = {}
    for stage in run.plan.of("trainer", "decision"):
        folder = run.workspace.store.get(stage.fingerprint)
        if folder is not None and (folder / BESIDE).is_file():
            found |= json.loads((folder / BESIDE).read_text("utf-8"))
    return found


def _beside(run: Execution, model: Model) -> dict[str, dict[str, float]]:
    """Measure the constant guess on held-out rows, and the model on some of the rows that it was fitted to."""
    found: dict[str, dict[str, float]] = {}
    for what, scored in (("training", partial(training_rows, run, model)), ("baseline", partial(_guessed, run))):
        # What cannot be judged, as rows without truth, an evaluator refuses; the fit does not hang on it.
        with suppress(HooklineError):
            found[what] = numbers_of(run.registry, scored())
    return found


def _guessed(run: Execution) -> Scored:
    """Return the held-out rows with the constant guess that training rows suggest."""
    train: Features = run.value("features")[0]
    target: Target = run.value("target")
    test: Dataset = run.value("split").test
    truth = true_values(apply_transforms(fitted_in(run, "always"), test.frame), target)
    guess = constant_guess(train.y, train.sample_weight, target, len(truth))
    return Scored.of(test, guess, target, truth, weights_in(test))


def training_rows(run: Execution, model: Model, rule: DecisionRule | None = None) -> Scored:
    """Return some of the training rows with what a model answers, by a rule where there is one."""
    import numpy as np
    import polars as pl

    train: Features = run.value("features")[0]
    target: Target = run.value("target")
    rows, X, y = train.shape[0], cast("Any", train.X), cast("Any", train.y)
    kept = np.linspace(0, rows - 1, min(rows, TRAINING_ROWS)).astype(np.int64)
    some = replace(train, X=X[kept], y=y[kept], row_ids=None, sample_weight=None)
    weight = None if train.sample_weight is None else train.sample_weight[kept]
    labels = np.array(target.classes, dtype=None if len({type(c) for c in target.classes}) == 1 else object)
    truth = labels[some.y] if target.classes else some.y
    data = Dataset(pl.LazyFrame({ROW_ID: kept}), name="training rows")
    said = decode(model.predict(some), target)
    return Scored.of(data, said if rule is None else decide(said, rule, target), target, truth, weight)


def _fit(run: Execution, stage: Stage) -> Model:
    """Fit the model, with its curve and its checkpoints."""
    train, valid = run.value("features")
    _require_embedding(stage, train)
    folder = run.workspace.home / "checkpoints" / stage.fingerprint[:32]
    try:
        with checkpoints_in(folder), steps_in(run.curve):
            judged = climb(run, stage.acts, train, valid, folder)
            # What it was judged by so far is another metric than the trainer's own.
            with steps_in(Curve()) if judged else nullcontext(), judged_by(None) if judged else nullcontext():
                model: Model = stage.acts.fit(train, valid)
    except Pruned:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    shutil.rmtree(folder, ignore_errors=True)
    _tell_varying(stage)
    return model


def _require_embedding(stage: Stage, train: Features) -> None:
    """Raise DataError where positions of categories have a weight, and the trainer takes them for numbers."""
    coded = [one.name for one in train.features if one.categories is not None and one.weight != 1]
    if coded and not (isinstance(stage.acts, EmbedsCategories) and stage.acts.embeds_categories):
        raise DataError(
            f"trainer '{stage.component.name if stage.component else ''}' reads the codes of '{coded[0]}' as numbers, of which "
            "a weight makes no more or less of a category",
            hint="encode categories as columns of their own, or choose a trainer that embeds them",
        )


def _tell_varying(stage: Stage) -> None:
    """Tell where another fit with the same seed may be another model."""
    assert stage.component is not None
    if (why := why_varying(stage.component)) is not None:
        text = f"The same seed may give another model: {why}. repeats=5 shows how far its figures vary."
        report_finding(Finding(stage.key, "varies", 0.0, 0.0, "info", text))


def _write(run: Execution, stage: Stage, folder: Path) -> None:
    model = _fit(run, stage)
    cls = type(model)
    (folder / "class.json").write_text(json.dumps([cls.__module__, cls.__qualname__]), "utf-8")
    features = run.value("features")[0].features
    (folder / IMPORTANCES).write_text(json.dumps(weighed(model.importances(), features)), "utf-8")
    (folder / BESIDE).write_text(json.dumps(_beside(run, model)), "utf-8")
    if run.curve.points:
        (folder / CURVE).write_text(json.dumps(run.curve.plain()), "utf-8")
    outputs.write(model, folder)


def _read(run: Execution, stage: Stage, folder: Path) -> Model:
    model: Model = outputs.read(_model_class(stage, folder), folder)
    return model


def _model_class(stage: Stage, folder: Path) -> type[Model]:
    """Return the class of a stored model; raises StoreError where it is none any more."""
    if not inspect.isabstract(stage.makes):
        return cast("type[Model]", stage.makes)
    # The trainer says only `Model`; the store is signed with this machine's key, so the name in it is our own word.
    module, name = json.loads((folder / "class.json").read_text("utf-8"))
    cls: Any = importlib.import_module(module)
    for part in name.split("."):
        cls = getattr(cls, part, None)
    if not (isinstance(cls, type) and issubclass(cls, Model)):
        raise StoreError(f"the stored model of stage '{stage.key}' is a {module}.{name}, which is no longer a Model")
    return cls


def _importances(run: Execution) -> list[list[Any]]:
    return [list(pair) for pair in sorted(importances_of(run).items(), key=lambda item: -abs(item[1]))]


def _learning(run: Execution) -> dict[str, Any] | None:
    """Tell the curve also of a fit that did not come to its end."""
    return learning_of(run) if any(stage.key in run.told for stage in run.plan.of("trainer")) else None


STAGE = StageKind(
    kind="trainer",
    module=__name__,
    takes=every("split", "transform", "target", "features"),
    make=_fit,
    write=_write,
    read=_read,
    sections=(Section("importances", ("trainer",), _importances), Section("learning", (), _learning)),
    final=True,
)
