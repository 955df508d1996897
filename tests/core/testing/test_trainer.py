"""What is promised of a trainer: each check of it can fail, and what is built in passes them all."""

from __future__ import annotations

import contextlib
import dataclasses
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hookline import Features, Prediction, report_step
from hookline.kinds.component import Component
from hookline.testing import CheckFailed, checks_for
from hookline.testing.tables.parts import LinearModel
from kit.components import Linear
from kit.conformance import built_in, check_built_in, check_good, named, own_checks, require_failure

FIELDS: Mapping[str, Mapping[str, Any]] = {
    "sklearn": {"class_name": "ExtraTreesClassifier"},
    "ft_transformer": {"blocks": 1, "width": 16, "heads": 2, "max_epochs": 10, "batch_size": 32, "learning_rate": 0.01},
    "mlp": {"hidden": (16,), "max_epochs": 6, "learning_rate": 0.05},
    "keras_mlp": {"hidden": (16,), "max_epochs": 6, "learning_rate": 0.05},
    "random_forest": {"n_estimators": 10},
    "hist_gradient_boosting": {"max_iter": 8},
    "balanced": {"trainer": {"component": "random_forest", "n_estimators": 10}},
    "calibrated": {"trainer": {"component": "random_forest", "n_estimators": 10}},
    "log_target": {"trainer": {"component": "random_forest", "n_estimators": 10}, "offset": 1.0},
    "extra_trees": {"n_estimators": 10},
    "gradient_boosting": {"n_estimators": 8},
    "lasso": {"alpha": 0.01},
    "elastic_net": {"alpha": 0.01},
    "sklearn_mlp": {"hidden_layer_sizes": (16,), "learning_rate_init": 0.05, "max_iter": 2000, "n_iter_no_change": 3},
    "stacking": {
        "trainers": [{"component": "extra_trees", "n_estimators": 5}, {"component": "decision_tree"}],
        "folds": 2,
    },
    "voting": {"trainers": [{"component": "extra_trees", "n_estimators": 5}, {"component": "decision_tree"}]},
    "sgd_classifier": {"max_iter": 40},
    "sgd_regressor": {"max_iter": 40},
    "adaptive_random_forest": {"n_models": 2, "lambda_value": 2},
    # Right after a division a tree knows less of its new leaves than of the old one, so few rows come before the first.
    "hoeffding_tree": {"grace_period": 50},
}
"""What a component cannot do without, and what makes it quick."""


@dataclasses.dataclass(frozen=True)
class Labeled(LinearModel):
    """Predicts labels instead of codes, and numbers that are not finite."""

    def predict(self, features: Features) -> Prediction:
        if self.is_regression:
            return Prediction(np.full(features.shape[0], np.nan))
        return Prediction(np.array(["yes"] * features.shape[0]))


@dataclasses.dataclass(frozen=True)
class Constant(LinearModel):
    """Predicts the same everywhere."""

    def predict(self, features: Features) -> Prediction:
        made = super().predict(features)
        return Prediction(np.zeros_like(made.values))


@dataclasses.dataclass(frozen=True)
class Batchwise(LinearModel):
    """Normalizes by the rows at hand."""

    def predict(self, features: Features) -> Prediction:
        return super().predict(dataclasses.replace(features, X=features.X - features.X.mean(axis=0)))


@dataclasses.dataclass(frozen=True)
class Forgetful(LinearModel):
    """Loses half of its weights in files."""

    def save(self, folder: Path) -> None:
        (folder / "linear.json").write_text(
            json.dumps([[[0.0] * len(row) for row in self.weights], self.is_regression])
        )


@dataclasses.dataclass(frozen=True)
class Nameless(LinearModel):
    """Has importances of something else."""

    def importances(self) -> Mapping[str, float]:
        return {"no such feature": 1.0}


@dataclasses.dataclass(frozen=True)
class SaidWrongly(LinearModel):
    """Forgets the features in ONNX."""

    def to_onnx(self, inputs: Mapping[str, Any]) -> dict[str, Any]:
        import spox.opset.ai.onnx.v21 as op

        return super().to_onnx({"X": op.neg(inputs["X"])})


def making(model: type[LinearModel]) -> type[Linear]:
    class Made(Linear):
        """Least squares with a fault."""

        def fit(self, train: Features, valid: Features | None) -> LinearModel:
            found = super().fit(train, valid)
            return model(found.weights, found.is_regression)

    return Made


class UnsteadyTrainer(Linear):
    """Learns from other rows each time."""

    def fit(self, train: Features, valid: Features | None) -> LinearModel:
        rows = np.random.default_rng().permutation(train.shape[0])[: train.shape[0] // 2]
        return super().fit(dataclasses.replace(train, X=train.X[rows], y=train.y[rows], sample_weight=None), valid)


class Overwriting(Linear):
    """Writes into its input."""

    def fit(self, train: Features, valid: Features | None) -> LinearModel:
        train.X[0] = train.X[0]
        return super().fit(train, valid)


class Weightless(Linear):
    """Ignores weights."""

    def fit(self, train: Features, valid: Features | None) -> LinearModel:
        return super().fit(dataclasses.replace(train, sample_weight=None), valid)


class Brittle(Linear):
    """Fails on missing values, and not with a DataError."""

    def fit(self, train: Features, valid: Features | None) -> LinearModel:
        if np.isnan(train.X).any():
            raise ValueError("Input contains NaN")
        return super().fit(train, valid)


class Backward(Linear):
    """Counts its steps down."""

    def fit(self, train: Features, valid: Features | None) -> LinearModel:
        for step in (3, 2, 1):
            report_step(step, 1.0)
        return super().fit(train, valid)


class Diverging(Linear):
    """Reports what is no number."""

    def fit(self, train: Features, valid: Features | None) -> LinearModel:
        report_step(1, float("nan"))
        return super().fit(train, valid)


class Unstoppable(Linear):
    """Goes on where it is told to stop."""

    def fit(self, train: Features, valid: Features | None) -> LinearModel:
        with contextlib.suppress(Exception):
            report_step(1, 1.0)
        return super().fit(train, valid)


FAULTS: Mapping[str, Callable[[], Component]] = {
    "predicts_codes": making(Labeled),
    "learns": making(Constant),
    "deterministic": UnsteadyTrainer,
    "rows_do_not_depend_on_others": making(Batchwise),
    "leaves_input_alone": Overwriting,
    "weights_count": Weightless,
    "takes_strange_rows": Brittle,
    "reports_steps": Backward,
    "model_survives_saving": making(Forgetful),
    "importances_are_features": making(Nameless),
    "onnx_is_equal": making(SaidWrongly),
}


@pytest.mark.parametrize("name", built_in("trainer"))
def test_everything_built_in_conforms(name: str) -> None:
    check_built_in("trainer", name, FIELDS.get(name, {}))


def test_a_good_component_passes() -> None:
    check_good(Linear())


def test_every_check_has_a_faulty_component() -> None:
    assert list(FAULTS) == own_checks("trainer")


@pytest.mark.parametrize("name", FAULTS)
def test_each_check_can_fail(name: str) -> None:
    require_failure(FAULTS[name](), name)


@pytest.mark.parametrize(
    ("component", "told"),
    [
        (Backward(), "step 2 comes after step 3"),
        (Diverging(), "reports loss nan at step 1"),
        (Unstoppable(), "goes on, or raises another error"),
    ],
    ids=str,
)
def test_a_fault_in_reporting_steps_is_named(component: Component, told: str) -> None:
    with pytest.raises(CheckFailed, match=told):
        named(component, "reports_steps")()


def test_an_expected_failure_passes() -> None:
    here = {"import_is_light": "this test's module imports numpy"}
    reason = {"weights_count": "least squares by hand, without weights"}
    for check in checks_for(Weightless(), expected_failures=here | reason):
        check()
