"""Checks on trainers and the models that they make."""

from __future__ import annotations

import tempfile
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hookline.errors import DataError, Pruned
from hookline.kinds.artifacts import Features, Task
from hookline.kinds.capabilities import ExportsOnnx, Varies
from hookline.kinds.fitted import Model
from hookline.kinds.fitting import Curve, Step, judged_by, steps_in
from hookline.kinds.sklearn_model import SklearnModel
from hookline.runs import outputs

from ..fits import fit_model, learned_tasks, training_features
from ..onnx import require_onnx_parity
from ..subject import CheckFunction, Subject
from ..tables.pipelines import fitted_features, pipeline_around
from .common import data_error_or_fail
from .update import CHECKS as UPDATE_CHECKS

if TYPE_CHECKING:
    import numpy as np

SAME = 1e-6
"""Largest difference of two predictions that are the same, relative to the spread of the target."""
CONTRARY = 0.25
"""Share of rows, or of the target's spread, by which rows of weight 0 may sway a trainer that draws random numbers."""


def exercise(subject: Subject) -> None:
    """Fit and predict for each task."""
    for task in learned_tasks(subject):
        train = training_features(subject, task)
        fit_model(subject, train).predict(train)


def check_predicts_codes(subject: Subject) -> None:
    """A prediction a row: class codes with probabilities that add up to one, or finite numbers."""
    import numpy as np

    for task in learned_tasks(subject):
        train = training_features(subject, task)
        made = fit_model(subject, train).predict(train)
        if len(made.values) != train.shape[0]:
            subject.fail(f"predicts {len(made.values)} values for {train.shape[0]} rows of a {task} table.")
        if task == "regression":
            if not np.isfinite(np.asarray(made.values, dtype=np.float64)).all():
                subject.fail("predicts numbers that are not finite.")
            continue
        assert train.target is not None
        if not set(np.asarray(made.values).tolist()) <= set(range(len(train.target.classes))):
            subject.fail("predicts labels; inside a model classes are int64 codes, which hookline turns into labels.")
        shares = made.probabilities
        if shares is not None and not np.allclose(np.asarray(shares).sum(axis=1), 1, atol=1e-4):
            subject.fail(f"gives probabilities that do not add up to 1 for each row of a {task} table.")


def check_learns(subject: Subject) -> None:
    """It predicts the rows that it learned from better than a constant would."""
    import numpy as np

    for task in learned_tasks(subject):
        train = training_features(subject, task)
        y: Any = train.y
        values = np.asarray(fit_model(subject, train).predict(train).values)
        if task == "regression":
            better = float(np.mean((values - y) ** 2)) < float(np.var(y))
        else:
            better = float(np.mean(values == y)) > float(np.bincount(y).max() / len(y))
        if not better:
            subject.fail(f"predicts its own training rows no better than a constant on a {task} table.")


def check_deterministic(subject: Subject) -> None:
    """Two fits with the same fields on the same rows predict the same bit for bit, unless it says that it `varies`."""
    import numpy as np

    varies = isinstance(subject.component, Varies) and subject.component.varies() is not None
    for task in () if varies else learned_tasks(subject):
        train = training_features(subject, task)
        first, second = (fit_model(subject, train).predict(train) for _ in range(2))
        if not np.array_equal(scores(first), scores(second)):
            subject.fail(
                f"two fits differ on a {task} table; give every random choice the `seed` field, or say why they do in `varies`."
            )


def check_rows_do_not_depend_on_others(subject: Subject) -> None:
    """The prediction of a row does not depend on the rows beside it."""
    for task in learned_tasks(subject):
        train = training_features(subject, task)
        model = fit_model(subject, train)
        some = _rows(train, slice(0, 7))
        if not _same(scores(model.predict(some)), scores(model.predict(train))[:7], train):
            subject.fail(
                f"a row's prediction changes with the rows beside it on a {task} table; keep state out of predict()."
            )


def check_leaves_input_alone(subject: Subject) -> None:
    """Neither fitting nor predicting writes into the matrix, which may be shared or read-only."""
    for task in learned_tasks(subject):
        train = training_features(subject, task)
        X, y = (_read_only(array) for array in (train.X, train.y))
        try:
            fit_model(subject, replace(train, X=X, y=y)).predict(replace(train, X=X))
        except ValueError as error:
            if "read-only" not in str(error):
                raise
            subject.fail(f"writes into its input ({error}); copy what you change.")


def check_weights_count(subject: Subject) -> None:
    """A row of weight 0 teaches nothing, or a DataError says that the trainer takes no weights."""
    import numpy as np

    for task in learned_tasks(subject):
        train = training_features(subject, task)
        y: Any = train.y
        X: Any = train.X
        contrary = y.max() + y.min() - y if task == "regression" else (y + 1) % (int(y.max()) + 1)
        weight = np.repeat([1.0, 0.0], len(y))
        both = replace(train, X=np.concatenate([X, X]), y=np.concatenate([y, contrary]), row_ids=None)
        try:
            weighed = fit_model(subject, replace(both, sample_weight=weight)).predict(train)
        except DataError:
            continue
        without = fit_model(subject, train).predict(train)
        sway = _disagreement(np.asarray(weighed.values), np.asarray(without.values), y, task)
        if sway > CONTRARY:
            subject.fail(
                f"rows of weight 0 change {sway:.0%} of what it learns on a {task} table; give train.sample_weight to the "
                "fit, or raise DataError where it is not None."
            )


def check_takes_strange_rows(subject: Subject) -> None:
    """Missing values are handled, in training and at prediction, or are a DataError that names the column."""
    for task in learned_tasks(subject):
        sample = subject.rows(task)
        gaps = fitted_features(sample.train, sample.target, fill=False)
        what = "training with a missing value"
        try:
            subject.component.fit(gaps, None)
            what = "predicting a row with a missing value"
            fit_model(subject, training_features(subject, task)).predict(gaps)
        except Exception as error:  # noqa: BLE001  the component may raise anything; that is what is checked
            # A DataError from the fit settles it: the run stops there, and no row is predicted.
            data_error_or_fail(subject, error, what)


def check_reports_steps(subject: Subject) -> None:
    """Steps that it reports while it fits increase, are finite numbers of one metric, and may stop it."""
    import math

    for task in learned_tasks(subject):
        train = training_features(subject, task)
        told = _reported(subject, train)
        if strange := next((step for step in told if not math.isfinite(step.value)), None):
            subject.fail(f"reports {strange.name} {strange.value} at step {strange.step} on a {task} table.")
        if told and not _stops(subject, train):
            subject.fail("goes on, or raises another error, where report_step raises Pruned; let it through.")


def check_model_survives_saving(subject: Subject) -> None:
    """A model that was written to files and read back predicts the same."""
    for task in learned_tasks(subject):
        train = training_features(subject, task)
        model = fit_model(subject, train)
        with tempfile.TemporaryDirectory() as name:
            outputs.write(model, Path(name))
            restored: Model = outputs.read(type(model), Path(name))
            if not _same(scores(restored.predict(train)), scores(model.predict(train)), train):
                subject.fail(
                    f"its model predicts differently once saved and loaded, on a {task} table; save all of its state."
                )


def check_importances_are_features(subject: Subject) -> None:
    """Importances, where the model has some, are finite and name features."""
    import math

    for task in learned_tasks(subject):
        train = training_features(subject, task)
        found = fit_model(subject, train).importances()
        if strange := sorted(set(found) - set(train.names)):
            subject.fail(f"gives importances of {', '.join(strange[:3])}, which are no features; use train.names.")
        if not all(math.isfinite(value) for value in found.values()):
            subject.fail("gives importances that are not finite.")


def check_onnx_is_equal(subject: Subject) -> None:
    """Where the model can be said in ONNX, the graph predicts the same, missing values included where it takes them."""
    for task in learned_tasks(subject):
        sample = subject.rows(task)
        for fill in (True, False):
            train = fitted_features(sample.train, sample.target, fill=fill)
            try:
                model = fit_model(subject, train)
            except Exception:
                # Whether a missing value may raise this is for another check to say.
                if fill:
                    raise
                continue
            if isinstance(model, (SklearnModel, ExportsOnnx)):
                claims = isinstance(model, ExportsOnnx)
                require_onnx_parity(subject, pipeline_around(model, sample, fill=fill), sample, may_refuse=not claims)


def scores(prediction: Any) -> np.ndarray:
    """Return the probabilities of a prediction, or its values where it has none."""
    import numpy as np

    found = prediction.values if prediction.probabilities is None else prediction.probabilities
    return np.asarray(found, dtype=np.float64)


def _same(first: np.ndarray, second: np.ndarray, train: Features) -> bool:
    import numpy as np

    y: Any = train.y
    spread = float(np.std(y)) if train.target is not None and train.target.task == "regression" else 1.0
    return first.shape == second.shape and bool(np.allclose(first, second, rtol=0, atol=SAME * max(spread, 1.0)))


def _reported(subject: Subject, train: Features) -> list[Step]:
    told: list[Step] = []

    def judge(step: Step) -> bool:
        told.append(step)
        return False

    try:
        with steps_in(Curve()), judged_by(judge):
            fit_model(subject, train, train)
    except ValueError as error:
        if not str(error).startswith("report_step"):
            raise
        subject.fail(f"{error}.")
    return told


def _stops(subject: Subject, train: Features) -> bool:
    try:
        with steps_in(Curve()), judged_by(lambda _: True):
            subject.component.fit(train, train)
    except Pruned:
        return True
    except Exception:  # noqa: BLE001  a trainer may turn the error into any other, which is what is checked
        return False
    return False


def _rows(features: Features, rows: slice) -> Features:
    X: Any = features.X
    y: Any = features.y
    ids: Any = features.row_ids
    return replace(features, X=X[rows], y=y[rows], row_ids=ids[rows])


def _read_only(array: Any) -> Any:
    copy = array.copy()
    copy.flags.writeable = False
    return copy


def _disagreement(weighed: np.ndarray, without: np.ndarray, y: np.ndarray, task: Task) -> float:
    import numpy as np

    if task == "regression":
        return float(np.sqrt(np.mean((weighed - without) ** 2)) / np.std(y))
    return float(np.mean(weighed != without))


CHECKS: tuple[CheckFunction, ...] = (
    check_predicts_codes,
    check_learns,
    check_deterministic,
    check_rows_do_not_depend_on_others,
    check_leaves_input_alone,
    check_weights_count,
    check_takes_strange_rows,
    check_reports_steps,
    check_model_survives_saving,
    check_importances_are_features,
    check_onnx_is_equal,
    *UPDATE_CHECKS,
)
