"""What is known of fitted estimators: by their public interface for everybody, and more of those of this plugin's trainers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.ensemble import GradientBoostingClassifier, HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.tree import DecisionTreeClassifier

from hookline import Feature, Features, SklearnModel, SplitsAt, Target
from hookline.runs import outputs
from hookline_sklearn import HistGradientBoostingTrainer, SklearnTrainer
from hookline_sklearn.models import HistModel


def made(rows: int = 300) -> Features:
    rng = np.random.default_rng(0)
    X = rng.normal(size=(rows, 3)).astype(np.float32)
    features = tuple(Feature(f"f{i}", "float32", (f"f{i}",), f"f{i}") for i in range(3))
    return Features(X, features, y=(X[:, 1] > 0.5).astype(int), target=Target("y", "binary", ("no", "yes")))


@pytest.mark.parametrize(
    "estimator",
    [DecisionTreeClassifier(max_depth=3), RandomForestClassifier(5), GradientBoostingClassifier(n_estimators=5)],
    ids=lambda estimator: type(estimator).__name__,
)
def test_anybodys_trees_tell_their_splits_and_importances(estimator: Any) -> None:
    train = made()
    model = SklearnModel.of(estimator.fit(train.X, train.y), train)
    assert isinstance(model, SplitsAt)
    assert min(abs(value - 0.5) for value in model.thresholds()[1]) < 0.05
    assert max(model.importances(), key=lambda name: model.importances()[name]) == "f1"


@pytest.mark.parametrize(
    "trainer",
    [
        HistGradientBoostingTrainer(max_iter=5),
        SklearnTrainer(class_name="HistGradientBoostingClassifier", params={"max_iter": 5}),
    ],
    ids=lambda trainer: trainer.name,
)
def test_histogram_boosting_tells_its_splits_and_gains(trainer: Any) -> None:
    train = made()
    model = trainer.fit(train, None)
    assert isinstance(model, HistModel)
    assert min(abs(value - 0.5) for value in model.thresholds()[1]) < 0.05
    found = model.importances()
    assert sum(found.values()) == pytest.approx(1.0)
    assert found["f1"] > 0.9


def test_histogram_boosting_that_somebody_else_wrapped_answers_the_same_and_tells_less() -> None:
    train = made()
    estimator = HistGradientBoostingClassifier(max_iter=5, random_state=0).fit(train.X, train.y)
    plain, known = SklearnModel.of(estimator, train), HistModel.of(estimator, train)
    np.testing.assert_array_equal(plain.predict(train).probabilities, known.predict(train).probabilities)
    assert plain.thresholds() == {}
    assert plain.importances() == {}


def test_a_model_stored_before_there_were_subclasses_is_read(tmp_path: Path) -> None:
    train = made()
    estimator = HistGradientBoostingClassifier(max_iter=5, random_state=0).fit(train.X, train.y)
    for number, model in enumerate((SklearnModel.of(estimator, train), HistModel.of(estimator, train))):
        folder = tmp_path / str(number)
        folder.mkdir()
        outputs.write(model, folder)
        restored = outputs.read(SklearnModel, folder)
        assert type(restored) is type(model)
        np.testing.assert_array_equal(restored.predict(train).probabilities, model.predict(train).probabilities)
