"""The `balanced` trainer: it learns from as many rows of each class, and tells chances of rows as they are."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

import hookline as hl
from hookline import Feature, Features, Target
from hookline.errors import DataError
from hookline_sklearn import BalancedTrainer, LinearRegressionTrainer, LogisticRegressionTrainer, SklearnTrainer

INNER = LogisticRegressionTrainer(C=1e6)


def rare(rows: int = 20_000, seed: int = 0, classes: int = 2) -> Features:
    """Return one feature, and classes of which the first is frequent: rows that a logistic regression describes exactly."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=rows)
    scores = np.column_stack([np.full(rows, 3.5), *(k * x for k in range(1, classes))])
    chances = np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)
    y = (rng.random(rows)[:, None] > chances.cumsum(axis=1)).sum(axis=1).astype(np.int64)
    target = Target("y", "binary" if classes == 2 else "multiclass", tuple("abc"[:classes]))
    return Features(x[:, None].astype(np.float32), (Feature("x", "float32", ("x",), "x"),), y=y, target=target)


@pytest.mark.parametrize("method", ["under", "over"])
@pytest.mark.parametrize("classes", [2, 3])
def test_chances_are_those_of_a_model_of_all_rows(method: Any, classes: int) -> None:
    train, test = rare(classes=classes), rare(seed=1, classes=classes)
    whole = INNER.fit(train, None).predict(test).probabilities
    found = BalancedTrainer(trainer=INNER, method=method).fit(train, None).predict(test).probabilities
    assert whole is not None
    assert found is not None
    np.testing.assert_allclose(found.sum(axis=1), 1.0)
    np.testing.assert_allclose(found.mean(axis=0), whole.mean(axis=0), atol=0.01)
    assert np.abs(found - whole).mean() < 0.02


def test_what_is_not_corrected_takes_the_rare_class_for_frequent() -> None:
    train = rare()
    model = BalancedTrainer(trainer=INNER).fit(train, None)
    y: Any = train.y
    plain = model.learner.predict_proba(train.X)[:, 1].mean()
    corrected = model.predict(train).probabilities
    assert corrected is not None
    assert plain > 5 * y.mean()
    assert corrected[:, 1].mean() == pytest.approx(y.mean(), rel=0.1)


def test_what_has_no_classes_or_no_probabilities_is_refused() -> None:
    with pytest.raises(ValueError, match="learns numbers, and only classes are balanced"):
        BalancedTrainer(trainer=LinearRegressionTrainer())
    with pytest.raises(ValueError, match="is balanced already"):
        BalancedTrainer(trainer=BalancedTrainer(trainer=INNER))
    with pytest.raises(DataError, match="gives no probabilities, and only those are corrected"):
        BalancedTrainer(trainer=SklearnTrainer(class_name="RidgeClassifier")).fit(rare(500), None)


def test_packages_tell_the_same_chances(tmp_path: Path) -> None:
    train = rare(2_000)
    frame = pl.DataFrame({"x": np.asarray(train.X)[:, 0], "y": np.where(train.y == 1, "rare", "usual")})
    run = hl.run(
        home=tmp_path,
        source=frame,
        target="y",
        trainer={"component": "balanced", "trainer": {"component": "random_forest", "n_estimators": 10}},
        monitor=[],
        packager=["onnx", "skops"],
    )
    fresh = frame.head(50).drop("y")
    expected = run.predict(fresh).probabilities
    for name in ("onnx", "skops"):
        np.testing.assert_allclose(hl.load(run.package(name)).predict(fresh).probabilities, expected, atol=1e-5)
