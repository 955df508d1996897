"""How far two predictions of the same rows are apart, where labels and probabilities do not tell the same."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hookline import Package, Packager, Pipeline, Predictor, SklearnModel, Stored, Trust
from hookline.errors import ExportError
from hookline.kinds.artifacts import Target
from hookline.kinds.fitted import Prediction
from hookline.packages.certificate.parity import check_takes, differences
from hookline.testing.tables.parts import KnownAnswers, LinearModel

TARGET = Target("y", "multiclass", ("a", "b", "c"))
TOLERANCE = 1e-5


def prediction(labels: list[str], probabilities: list[list[float]]) -> Prediction:
    return Prediction(np.array(labels), np.array(probabilities), TARGET.classes)


def told(before: Prediction, after: Prediction) -> tuple[list[float], list[bool]]:
    difference, changed = differences(TARGET, before, after, TOLERANCE, 1.0)
    return difference.tolist(), changed.tolist()


def test_a_label_that_changes_under_the_same_probabilities_is_infinitely_far() -> None:
    chances = [[0.1, 0.7, 0.2], [0.6, 0.3, 0.1]]
    found = told(prediction(["b", "a"], chances), prediction(["a", "a"], chances))
    assert found == ([np.inf, 0.0], [True, False])


def test_a_label_that_changes_at_a_tie_is_as_far_as_its_probabilities() -> None:
    before = prediction(["a"], [[0.450004, 0.449996, 0.1]])
    after = prediction(["b"], [[0.449996, 0.450004, 0.1]])
    (difference,), (changed,) = told(before, after)
    assert changed
    assert difference == pytest.approx(8e-6)


def test_a_tie_is_one_between_the_two_labels_and_no_others() -> None:
    chances = [[0.45, 0.45, 0.1]]
    assert told(prediction(["a"], chances), prediction(["c"], chances)) == ([np.inf], [True])


def test_a_label_that_is_no_class_is_infinitely_far() -> None:
    chances = [[0.4, 0.4, 0.2]]
    assert told(prediction(["a"], chances), prediction(["z"], chances)) == ([np.inf], [True])


class Either(Packager):
    """Takes two sorts of model."""

    name = "either"

    def save(self, pipeline: Pipeline[SklearnModel] | Pipeline[LinearModel], path: Path) -> Package:
        return Package(path, self.name)

    def load(self, stored: Stored, trust: Trust) -> Predictor:
        raise NotImplementedError


class Unannotated(Either):
    """Does not say what it takes."""

    def save(self, pipeline, path: Path) -> Package:  # type: ignore[no-untyped-def]
        return Package(path, self.name)


LINEAR = LinearModel(((1.0, 0.0),), is_regression=True)


@pytest.mark.parametrize("packager", [Either(), Unannotated()])
@pytest.mark.parametrize("model", [LINEAR, SklearnModel(None)])
def test_a_model_of_any_sort_that_a_packager_names_is_taken(packager: Packager, model: Any) -> None:
    check_takes(packager, model)


def test_a_model_of_no_sort_that_a_packager_names_is_refused() -> None:
    with pytest.raises(ExportError, match="packager 'either' does not take KnownAnswers"):
        check_takes(Either(), KnownAnswers(1, {}))
