"""What is promised of a featurizer: each check of it can fail, and what is built in passes them all."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import polars as pl
import pytest

from hookline import Dataset, Features
from hookline.kinds.component import Component
from kit.components import Income, IncomeFeaturizer
from kit.conformance import built_in, check_built_in, check_good, own_checks, require_failure

FIELDS: Mapping[str, Mapping[str, Any]] = {
    "sklearn": {"class_name": "StandardScaler"},
    "weights": {"columns": {"a*": 2.0, "city": 0.5, "income": 0}},
}
"""What a component cannot do without."""


@dataclasses.dataclass(frozen=True)
class Doubles(Income):
    """Makes float64."""

    def transform(self, frame: pl.LazyFrame) -> Features:
        made = super().transform(frame)
        return Features(made.X.astype(np.float64), self.features)


@dataclasses.dataclass(frozen=True)
class Scaled(Income):
    """`income` over a number."""

    by: Any = 1.0

    def transform(self, frame: pl.LazyFrame) -> Features:
        made = super().transform(frame)
        return Features(made.X / np.float32(np.ravel(self.by)[0]), self.features)


@dataclasses.dataclass(frozen=True)
class ScaledByRowsAtHand(Income):
    """`income` over its largest value here."""

    def transform(self, frame: pl.LazyFrame) -> Features:
        made = super().transform(frame)
        return Features(made.X - made.X.mean(), self.features)


@dataclasses.dataclass(frozen=True)
class RefusesGaps(Income):
    """Fails on a missing value, and not with a DataError."""

    def transform(self, frame: pl.LazyFrame) -> Features:
        return Features(np.array([[float(v)] for v in frame.collect()["income"]], dtype=np.float32), self.features)


@dataclasses.dataclass(frozen=True)
class IncomeSaidWrongly(Income):
    """Negates itself in ONNX."""

    def to_onnx(self, inputs: Mapping[str, Any]) -> dict[str, Any]:
        import spox.opset.ai.onnx.v21 as op

        return {"X": op.cast(op.neg(inputs["income"]), to=np.float32)}


class MakesDoubles(IncomeFeaturizer):
    """Makes float64."""

    def fit(self, train: Dataset) -> Doubles:
        return Doubles()


class UnsteadyFeaturizer(IncomeFeaturizer):
    """Learns something else each time."""

    def fit(self, train: Dataset) -> Scaled:
        return Scaled(by=float(np.random.default_rng().uniform(1, 2)))


class PeekingFeaturizer(IncomeFeaturizer):
    """Learns from the rows that it changes."""

    def fit(self, train: Dataset) -> ScaledByRowsAtHand:
        return ScaledByRowsAtHand()


class ArrayFeaturizer(IncomeFeaturizer):
    """Learns an array."""

    def fit(self, train: Dataset) -> Scaled:
        return Scaled(by=np.ones(1))


class GapFeaturizer(IncomeFeaturizer):
    """Fails on a missing value."""

    def fit(self, train: Dataset) -> RefusesGaps:
        return RefusesGaps()


class OnnxFeaturizer(IncomeFeaturizer):
    """Says something else in ONNX."""

    def fit(self, train: Dataset) -> IncomeSaidWrongly:
        return IncomeSaidWrongly()


FAULTS: Mapping[str, Callable[[], Component]] = {
    "matrix_is_described": MakesDoubles,
    "deterministic": UnsteadyFeaturizer,
    "rows_do_not_depend_on_others": PeekingFeaturizer,
    "state_survives_json": ArrayFeaturizer,
    "takes_strange_rows": GapFeaturizer,
    "onnx_is_equal": OnnxFeaturizer,
}


@pytest.mark.parametrize("name", built_in("featurizer"))
def test_everything_built_in_conforms(name: str) -> None:
    check_built_in("featurizer", name, FIELDS.get(name, {}))


def test_a_good_component_passes() -> None:
    check_good(IncomeFeaturizer())


def test_every_check_has_a_faulty_component() -> None:
    assert list(FAULTS) == own_checks("featurizer")


@pytest.mark.parametrize("name", FAULTS)
def test_each_check_can_fail(name: str) -> None:
    require_failure(FAULTS[name](), name)


class Short(IncomeFeaturizer):
    """Makes a matrix of the first five training rows."""

    def transform_train(self, fitted: Any, train: Any) -> Features:
        return Features(super().transform_train(fitted, train).X[:5], fitted.features)


class Renamed(IncomeFeaturizer):
    """Makes another feature of training rows than of others."""

    def transform_train(self, fitted: Any, train: Any) -> Features:
        features = tuple(dataclasses.replace(feature, name="other") for feature in fitted.features)
        return Features(super().transform_train(fitted, train).X, features)


@pytest.mark.parametrize("cls", [Short, Renamed])
def test_the_matrix_of_training_rows_is_looked_at_too(cls: type[IncomeFeaturizer]) -> None:
    require_failure(cls(), "matrix_is_described")
