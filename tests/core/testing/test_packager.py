"""What is promised of a packager: each check of it can fail, and what is built in passes them all."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from hookline import Package, Pipeline, Prediction, Predictor, Stored, Trust
from hookline.errors import UntrustedPackage
from hookline.kinds.component import Component
from hookline.testing.tables.parts import LinearModel
from kit.components import Weights
from kit.conformance import built_in, check_built_in, check_good, own_checks, require_failure


class Careless(Weights):
    """Loses the weights."""

    def load(self, stored: Stored, trust: Trust) -> Predictor:
        model = LinearModel.load(stored.path)
        return stored.around(LinearModel(tuple(tuple(0.0 for _ in row) for row in model.weights), model.is_regression))


@dataclasses.dataclass(frozen=True)
class FirstClass(Pipeline[LinearModel]):
    """Answers the first class, beside the right probabilities."""

    def predict(self, frame: pl.DataFrame | pl.LazyFrame) -> Prediction:
        found = super().predict(frame)
        return dataclasses.replace(found, values=np.full(len(found.values), self.target.classes[0]))


class Stubborn(Weights):
    """Loses the labels."""

    tasks = frozenset({"binary", "multiclass"})

    def load(self, stored: Stored, trust: Trust) -> Predictor:
        loaded: Any = super().load(stored, trust)
        return FirstClass(**{field.name: getattr(loaded, field.name) for field in dataclasses.fields(loaded)})


class Undecided(Weights):
    """Loses the rule."""

    def load(self, stored: Stored, trust: Trust) -> Predictor:
        loaded: Any = super().load(stored, trust)
        return dataclasses.replace(loaded, decision=None)


class Boundless(Weights):
    """Loses the intervals."""

    def load(self, stored: Stored, trust: Trust) -> Predictor:
        loaded: Any = super().load(stored, trust)
        return dataclasses.replace(loaded, intervals=None)


class Setless(Weights):
    """Forgets the sets."""

    def load(self, stored: Stored, trust: Trust) -> Predictor:
        loaded: Any = super().load(stored, trust)
        return dataclasses.replace(loaded, sets=None)


class Contractless(Weights):
    """Forgets the schema."""

    def load(self, stored: Stored, trust: Trust) -> Predictor:
        loaded: Any = super().load(stored, trust)
        return dataclasses.replace(loaded, schema=dataclasses.replace(loaded.schema, columns=loaded.schema.columns[1:]))


class Trusting(Weights):
    """Reads a pickle without asking."""

    def save(self, pipeline: Pipeline[LinearModel], path: Path) -> Package:
        import pickle

        (path / "model.pkl").write_bytes(pickle.dumps(pipeline.model, protocol=5))
        return Package(path, self.name)

    def load(self, stored: Stored, trust: Trust) -> Predictor:
        import pickle

        return stored.around(pickle.loads((stored.path / "model.pkl").read_bytes()))


class Plain(Trusting):
    """Reads a pickle of the default protocol without asking."""

    def save(self, pipeline: Pipeline[LinearModel], path: Path) -> Package:
        import pickle

        (path / "model.pkl").write_bytes(pickle.dumps(pipeline.model))
        return Package(path, self.name)


class Zipped(Weights):
    """Reads a zipped pickle without asking."""

    def save(self, pipeline: Pipeline[LinearModel], path: Path) -> Package:
        import joblib

        joblib.dump(pipeline.model, path / "model.joblib", compress=3)
        return Package(path, self.name)

    def load(self, stored: Stored, trust: Trust) -> Predictor:
        import joblib

        return stored.around(joblib.load(stored.path / "model.joblib"))


class Late(Plain):
    """Asks once it has read the pickle."""

    def load(self, stored: Stored, trust: Trust) -> Predictor:
        loaded = super().load(stored, trust)
        if not trust.everything:
            raise UntrustedPackage("it is a pickle")
        return loaded


FIELDS: Mapping[str, Any] = {
    name: {"holds": {"component": "onnx"}} for name in ("mlflow", "container", "bentoml", "torchserve")
}
FAULTS: Mapping[str, Callable[[], Component]] = {
    "predicts_the_same": Careless,
    "decides_as_the_pipeline": Undecided,
    "tells_intervals_as_the_pipeline": Boundless,
    "tells_sets_as_the_pipeline": Setless,
    "contract_travels": Contractless,
    "runs_no_code_untrusted": Trusting,
}


@pytest.mark.parametrize("name", built_in("packager"))
def test_everything_built_in_conforms(name: str) -> None:
    check_built_in("packager", name, FIELDS.get(name, {}))


def test_a_good_component_passes() -> None:
    check_good(Weights())


def test_every_check_has_a_faulty_component() -> None:
    assert list(FAULTS) == own_checks("packager")


@pytest.mark.parametrize("name", FAULTS)
def test_each_check_can_fail(name: str) -> None:
    require_failure(FAULTS[name](), name)


@pytest.mark.parametrize("cls", [Trusting, Plain, Zipped, Late])
def test_a_pickle_of_any_form_that_is_read_unasked_is_told(cls: type[Weights]) -> None:
    require_failure(cls(), "runs_no_code_untrusted")


def test_wrong_labels_beside_right_probabilities_are_told() -> None:
    require_failure(Stubborn(), "predicts_the_same")
