"""A SavedModel decides, tells sets and intervals as its pipeline does, and is refused at packaging rather than at load."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import numpy as np
import polars as pl
import pytest

import hookline as hl
from hookline import Dataset, Features, Transform
from hookline.errors import ExportError, PlanError
from hookline_tensorflow import KerasMlpTrainer, KerasTrainer
from kit.apart import needs_tensorflow

needs_tensorflow()

SMALL: dict[str, Any] = {"hidden": (8,), "max_epochs": 4, "batch_size": 64, "learning_rate": 0.02, "patience": None}
QUIET: dict[str, Any] = {"evaluator": ["standard"], "monitor": [], "deployer": None, "packager": ["saved_model"]}


def rows(label: Callable[[np.ndarray, np.random.Generator], np.ndarray], count: int = 400) -> pl.DataFrame:
    rng = np.random.default_rng(0)
    X = rng.normal(size=(count, 3))
    weight = rng.integers(1, 4, count) * 1.0
    return pl.DataFrame(X, schema=["a", "b", "c"]).with_columns(w=pl.Series(weight), y=pl.Series(label(X, rng)))


def of_three(X: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    scores = X + rng.normal(size=X.shape)
    return np.array(["low", "middle", "top"])[scores.argmax(axis=1)]


def of_two(X: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    return np.where(X[:, 0] + rng.normal(size=len(X)) > 0, "yes", "no")


def numbers(X: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    return np.asarray(100 + 20 * X[:, 0] + rng.normal(size=len(X)))


def packaged(source: pl.DataFrame, trainer: Any = None, **config: Any) -> tuple[hl.Run, Any]:
    """Run, and return the run with its package loaded without any trust."""
    run = hl.run(
        source=source, target="y", trainer=trainer or KerasMlpTrainer(**SMALL), split={"valid": 0.25}, **QUIET | config
    )
    assert all(one["ok"] for one in [*run.evidence["parity"], *run.evidence["certificates"]])
    return run, hl.load(run.package("saved_model"))


def tensorflow_alone(run: hl.Run, source: pl.DataFrame) -> dict[str, np.ndarray]:
    import tensorflow as tf

    answer = tf.saved_model.load(str(run.package("saved_model") / "saved_model")).signatures["serving_default"]
    said = answer(**{name: tf.constant(source[name].to_numpy()) for name in ("a", "b", "c")})
    return {name: value.numpy() for name, value in said.items()}


def test_it_decides_by_a_threshold_that_was_chosen() -> None:
    source = rows(of_two)
    run, loaded = packaged(source, decision={"recall": 0.95}, roles={"weight": "w"})
    chances = loaded.predict(source).probabilities
    answers = np.where(chances[:, 1] >= loaded.predictor.decision.threshold, "yes", "no")
    np.testing.assert_array_equal(loaded.predict(source).values, answers)
    assert (answers != np.where(chances[:, 1] >= 0.5, "yes", "no")).any()
    assert tensorflow_alone(run, source)["label"].astype(str).tolist() == answers.tolist()


@pytest.mark.parametrize("method", ["lac", "aps"])
def test_it_tells_sets_and_decides_by_costs(method: str) -> None:
    source = rows(of_three)
    costs = {"top": {"low": 5.0}}
    rules: dict[str, Any] = {"sets": {"coverage": 0.75, "method": method}, "decision": {"costs": costs}}
    run, loaded = packaged(source, **rules, roles={"weight": "w"})
    found = loaded.predict(source)
    np.testing.assert_array_equal(found.sets, loaded.predictor.sets.of(found.probabilities))
    assert {1, 2} <= set(found.sets.sum(axis=1).tolist())
    np.testing.assert_array_equal(tensorflow_alone(run, source)["set"], found.sets)


def test_numbers_with_weights_have_intervals() -> None:
    source = rows(numbers)
    run, loaded = packaged(source, intervals={"coverage": 0.9}, roles={"weight": "w"})
    found, half = loaded.predict(source), run.evidence["intervals"]["half_width"]
    np.testing.assert_allclose(found.intervals, np.column_stack([found.values - half, found.values + half]))
    said = tensorflow_alone(run, source)
    np.testing.assert_allclose(np.column_stack([said["lower"], said["upper"]]), found.intervals)
    np.testing.assert_allclose(said["value"], run.predict(source).values, rtol=1e-4)


class FramedTrainer(KerasTrainer):
    """A layer of an operator that is on nobody's list."""

    name = "framed"

    def model(self, train: Features) -> Any:
        """Multiply by 1 in the frequencies."""
        import keras
        import tensorflow as tf

        @keras.saving.register_keras_serializable("tests")
        class Turned(keras.layers.Layer):
            def call(self, X: Any) -> Any:
                return tf.math.real(tf.signal.ifft(tf.signal.fft(tf.cast(X, tf.complex64))))

        assert train.target is not None
        layers = [Turned(), keras.layers.Dense(len(train.target.classes), activation="softmax")]
        return keras.Sequential(layers)


def test_an_operator_that_is_not_listed_is_refused_at_packaging() -> None:
    told = "the model has operators that are not known to be harmless: .*FFT"
    with pytest.raises(ExportError, match=told) as caught:
        packaged(rows(of_two), FramedTrainer(max_epochs=1, patience=None))
    assert caught.value.hint == "choose packager=[pickle], or another layer"


@dataclasses.dataclass(frozen=True)
class Kept:
    """Leaves rows as they are, and has no words in ONNX."""

    def transform(self, frame: pl.LazyFrame) -> pl.LazyFrame:
        """Do nothing."""
        return frame


class KeepTransform(Transform):
    """Do nothing."""

    name = "keep"

    def fit(self, train: Dataset) -> Kept:
        """Learn nothing."""
        return Kept()


def test_a_part_without_words_is_refused_before_the_run() -> None:
    config = QUIET | {"transform": [KeepTransform()], "trainer": KerasMlpTrainer(**SMALL)}
    with pytest.raises(PlanError, match=r"packager 'saved_model' cannot say this pipeline: keep needs to_onnx\(\)"):
        hl.plan(source=rows(of_two), target="y", **config)
    hl.plan(source=rows(of_two), target="y", **config | {"transform": []})
