"""The `log_target` trainer: learned on logarithms, told in the unit of the target by every format."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from sklearn.compose import TransformedTargetRegressor
from sklearn.linear_model import LinearRegression

import hookline as hl
from hookline import Feature, Features, Target
from hookline.errors import ConfigError, DataError
from hookline.registry.registry import load_registry
from hookline_sklearn import LinearRegressionTrainer, LogisticRegressionTrainer, LogTargetTrainer

INNER = LinearRegressionTrainer()


def prices(rows: int = 4000, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Return features, and a number whose logarithm is linear in them, with errors of the same size on every logarithm."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(rows, 2))
    return X, np.exp(3 + X[:, 0] - 0.5 * X[:, 1] + rng.normal(0, 0.8, rows))


def features(X: np.ndarray, y: np.ndarray) -> Features:
    described = tuple(Feature(name, "float32", (name,), name) for name in "ab"[: X.shape[1]])
    return Features(X.astype(np.float32), described, y=y, target=Target("y", "regression"))


def test_without_smearing_it_is_what_the_backend_makes_of_logarithms() -> None:
    X, y = prices()
    train = features(X, y)
    found = LogTargetTrainer(trainer=INNER, answers="median").fit(train, None).predict(train).values
    reference = TransformedTargetRegressor(LinearRegression(), func=np.log, inverse_func=np.exp).fit(train.X, y)
    np.testing.assert_allclose(found, reference.predict(train.X), rtol=1e-5)


def test_smeared_answers_add_up_to_the_truth_and_plain_ones_have_half_below() -> None:
    train, test = features(*prices()), features(*prices(seed=1))
    mean, median = (
        LogTargetTrainer(trainer=INNER, answers=answers).fit(train, None).predict(test).values
        for answers in ("mean", "median")
    )
    y: Any = test.y
    assert mean.mean() == pytest.approx(y.mean(), rel=0.05)
    # exp(0.8 ** 2 / 2), which the mean of such errors is.
    assert (mean / median)[0] == pytest.approx(np.exp(0.32), rel=0.05)
    assert (y < median).mean() == pytest.approx(0.5, abs=0.03)


def test_an_answer_does_not_run_away_from_what_training_rows_hold() -> None:
    X, y = prices()
    far = features(np.array([[1e6, 0.0], [-1e6, 0.0]]), np.ones(2))
    found = LogTargetTrainer(trainer=INNER, answers="median").fit(features(X, y), None).predict(far).values
    low, high = np.log(y).min(), np.log(y).max()
    np.testing.assert_allclose(np.log(found), [2 * high - low, 2 * low - high])


def test_a_number_without_a_logarithm_is_told_with_what_to_add() -> None:
    X, y = prices(100)
    y[:3] = 0.0
    with pytest.raises(DataError, match="3 rows have a target of -?0 or less, which has no logarithm"):
        LogTargetTrainer(trainer=INNER).fit(features(X, y), None)
    assert np.isfinite(
        LogTargetTrainer(trainer=INNER, offset=1.0).fit(features(X, y), None).predict(features(X, y)).values
    ).all()


@pytest.mark.parametrize(
    ("inner", "message"),
    [
        (LogTargetTrainer(trainer=INNER), "takes logarithms already"),
        (LogisticRegressionTrainer(), "learns classes, and only numbers have logarithms"),
    ],
    ids=["itself", "classifier"],
)
def test_what_has_no_logarithm_is_refused_by_name(inner: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        LogTargetTrainer(trainer=inner)
    with pytest.raises(ConfigError, match="only a SklearnModel is fitted to logarithms"):
        load_registry().build("trainer", "log_target", {"trainer": {"component": "river_regression"}}, "trainer")


def test_metrics_intervals_and_packages_are_in_the_unit_of_the_target(tmp_path: Path) -> None:
    X, y = prices(600)
    frame = pl.DataFrame({"a": X[:, 0], "b": X[:, 1], "y": y})
    run = hl.run(
        home=tmp_path,
        source=frame,
        target="y",
        split={"valid": 0.2},
        intervals={"coverage": 0.9},
        trainer={"component": "log_target", "trainer": {"component": "random_forest", "n_estimators": 10}},
        monitor=[],
        packager=["onnx", "skops"],
    )
    assert run.metrics["mae"] < y.std()
    fresh = pl.DataFrame({"a": [0.0, 1.5], "b": [0.0, -1.0]})
    said = run.predict(fresh)
    assert said.values.min() > 5
    assert said.intervals is not None
    for name in ("onnx", "skops"):
        found = hl.load(run.package(name)).predict(fresh)
        np.testing.assert_allclose(found.values, said.values, rtol=1e-5)
        np.testing.assert_allclose(found.intervals, said.intervals, rtol=1e-5)
