"""Checks on trainers that go on learning from a batch."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from hookline.kinds.artifacts import Features, Task
from hookline.kinds.capabilities import Updatable
from hookline.kinds.fitted import Model

from ..fits import fit_model, learned_tasks, training_features
from ..subject import CheckFunction, Subject
from ..tables.pipelines import featurized

if TYPE_CHECKING:
    import numpy as np

UPDATES = 5
"""How often a batch is learned from."""
RISE = 0.05
"""By how much of a constant's loss that on a batch may rise: a step of a stochastic method may go past the lowest point."""
SURE = 1e-6
"""Smallest probability that the log loss goes by."""


def check_update_leaves_the_model(subject: Subject) -> None:
    """`update` returns another model, the same each time, and leaves the given one as it was, bit for bit."""
    if not isinstance(subject.component, Updatable):
        return
    for task in learned_tasks(subject):
        train, batch = training_features(subject, task), _contrary(_batch(subject, task), task)
        model = fit_model(subject, train)
        before = _answers(model, train)
        first, second = (subject.component.update(model, batch) for _ in range(2))
        if not isinstance(first, Model) or first is model:
            subject.fail("update() does not return another model; copy the one that is given, and go on with the copy.")
        if not _identical(before, _answers(model, train)):
            subject.fail(f"update() changes the model that it is given, on a {task} table; work on a copy.")
        if not _identical(_answers(first, train), _answers(second, train)):
            subject.fail(f"two updates with the same batch differ on a {task} table; fix the seed, and keep no state.")


def check_update_moves_towards_the_batch(subject: Subject) -> None:
    """Learning from a batch again and again does not make the answers to it worse, and a batch of news changes some."""
    if not isinstance(subject.component, Updatable):
        return
    for task in learned_tasks(subject):
        model, batch = fit_model(subject, training_features(subject, task)), _batch(subject, task)
        before, after = loss(model, batch), loss(_updated(subject, model, batch), batch)
        if after > before + RISE:
            subject.fail(
                f"{UPDATES} updates with a batch raise the loss on it from {before:.4g} to {after:.4g} on a {task} table; "
                "learn from the batch's y, in smaller steps."
            )
        news = _contrary(batch, task)
        if _identical(_answers(model, news), _answers(_updated(subject, model, news), news)):
            subject.fail(f"{UPDATES} updates with a batch that says the contrary change no answer on a {task} table.")


def loss(model: Model, batch: Features) -> float:
    """Return what answers lose, where a constant one loses about 1: log loss, of labels alone errors, of numbers squares."""
    import numpy as np

    found, y = model.predict(batch), np.asarray(batch.y)
    if batch.target is not None and batch.target.task == "regression":
        return float(np.mean((np.asarray(found.values) - y) ** 2) / np.var(y))
    if found.probabilities is None:
        return float(np.mean(np.asarray(found.values) != y))
    shares = np.clip(found.probabilities[np.arange(len(y)), y], SURE, 1)
    return float(-np.log(shares).mean() / np.log(found.probabilities.shape[1]))


def _batch(subject: Subject, task: Task) -> Features:
    """Return the test rows as a batch, in the training rows' features."""
    sample = subject.rows(task)
    return featurized(sample.test, sample)


def _contrary(batch: Features, task: Task) -> Features:
    y: Any = batch.y
    return replace(batch, y=y.max() + y.min() - y if task == "regression" else (y + 1) % (int(y.max()) + 1))


def _updated(subject: Subject, model: Model, batch: Features) -> Model:
    for _ in range(UPDATES):
        model = subject.component.update(model, batch)
    return model


def _answers(model: Model, features: Features) -> np.ndarray:
    import numpy as np

    found = model.predict(features)
    return np.array(found.values if found.probabilities is None else found.probabilities)


def _identical(first: np.ndarray, second: np.ndarray) -> bool:
    import numpy as np

    return bool(np.array_equal(first, second, equal_nan=first.dtype.kind == "f"))


CHECKS: tuple[CheckFunction, ...] = (check_update_leaves_the_model, check_update_moves_towards_the_batch)
