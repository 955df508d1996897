"""What is promised of a trainer that can be updated, each promise with one that breaks it."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Self

import numpy as np
import pytest

from hookline import Features, Model, Prediction, Trainer
from hookline.kinds.component import Component
from hookline.testing import Check, CheckFailed, checks_for


@dataclasses.dataclass
class Softmax(Model):
    """Linear scores, the largest one's class; weights: float64, (n_features + 1, n_classes)."""

    weights: np.ndarray

    def predict(self, features: Features) -> Prediction:
        scores = _matrix(features) @ self.weights
        shares = np.exp(scores - scores.max(axis=1, keepdims=True))
        return Prediction(
            scores.argmax(axis=1), shares / shares.sum(axis=1, keepdims=True), tuple(range(scores.shape[1]))
        )

    def save(self, folder: Path) -> None:
        np.save(folder / "weights.npy", self.weights)

    @classmethod
    def load(cls, folder: Path) -> Self:
        return cls(np.load(folder / "weights.npy"))

    def step(self, batch: Features, rate: float) -> None:
        """Go down the gradient of the log loss, in place."""
        y: Any = batch.y
        weight = np.ones(len(y)) if batch.sample_weight is None else batch.sample_weight
        error = (self.predict(batch).probabilities - np.eye(self.weights.shape[1])[y]) * weight[:, None]
        self.weights -= rate * _matrix(batch).T @ error / weight.sum()


def _matrix(features: Features) -> np.ndarray:
    X = np.nan_to_num(features.dense().astype(np.float64))
    return np.column_stack([X, np.ones(len(X))])


class Descent(Trainer):
    """Softmax regression by gradient descent, which goes on with any batch."""

    name = "descent"
    tasks = frozenset({"binary", "multiclass"})

    def fit(self, train: Features, valid: Features | None) -> Softmax:
        assert train.target is not None
        model = Softmax(np.zeros((train.shape[1] + 1, len(train.target.classes))))
        for _ in range(100):
            model.step(train, 0.5)
        return model

    def update(self, model: Softmax, batch: Features) -> Softmax:
        after = Softmax(model.weights.copy())
        after.step(batch, 0.5)
        return after


class InPlace(Descent):
    """Learns in the model that it is given."""

    def update(self, model: Softmax, batch: Features) -> Softmax:
        model.step(batch, 0.5)
        return Softmax(model.weights.copy())


class Same(Descent):
    """Returns the model that it is given."""

    def update(self, model: Softmax, batch: Features) -> Softmax:
        return model


class Shuffling(Descent):
    """Learns from some rows of the batch, others each time."""

    def update(self, model: Softmax, batch: Features) -> Softmax:
        y: Any = batch.y
        rows = np.random.default_rng().permutation(len(y))[: len(y) // 2]
        return super().update(model, dataclasses.replace(batch, X=batch.dense()[rows], y=y[rows]))


class Uphill(Descent):
    """Goes away from the batch."""

    def update(self, model: Softmax, batch: Features) -> Softmax:
        after = Softmax(model.weights.copy())
        after.step(batch, -0.5)
        return after


class Idle(Descent):
    """Returns a copy."""

    def update(self, model: Softmax, batch: Features) -> Softmax:
        return Softmax(model.weights.copy())


FAULTS: Mapping[str, Callable[[], Component]] = {
    "update_leaves_the_model": InPlace,
    "update_moves_towards_the_batch": Uphill,
}


def named(component: Component, name: str) -> Check:
    return next(check for check in checks_for(component) if check.name == name)


def test_a_good_trainer_that_can_be_updated_passes() -> None:
    for check in checks_for(Descent()):
        if check.name != "import_is_light":
            check()


@pytest.mark.parametrize("name", FAULTS)
def test_each_check_can_fail(name: str) -> None:
    with pytest.raises(CheckFailed, match="^trainer 'descent': "):
        named(FAULTS[name](), name)()


@pytest.mark.parametrize(
    ("component", "name", "told"),
    [
        (Same(), "update_leaves_the_model", "does not return another model"),
        (Shuffling(), "update_leaves_the_model", "two updates with the same batch differ"),
        (Idle(), "update_moves_towards_the_batch", "change no answer"),
    ],
    ids=lambda part: type(part).__name__ if isinstance(part, Trainer) else "",
)
def test_another_fault_of_an_update_is_told(component: Trainer, name: str, told: str) -> None:
    with pytest.raises(CheckFailed, match=told):
        named(component, name)()
