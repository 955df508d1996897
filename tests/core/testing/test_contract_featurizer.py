"""What is promised of a featurizer that stands after another, each promise with one that breaks it."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import polars as pl
import pytest

from hookline import Dataset, Feature, Features, Featurizer
from hookline.kinds.component import Component
from hookline.testing import Check, CheckFailed, checks_for


@dataclasses.dataclass(frozen=True)
class Chosen:
    """Some columns of the matrix, moved by a number."""

    columns: tuple[int, ...]
    features: tuple[Feature, ...]
    by: float = 0.0

    def transform(self, frame: Features) -> Features:
        X: Any = frame.X[:, list(self.columns)]
        return Features(X + np.float32(self.by) if self.by else X, self.features)

    def to_onnx(self, inputs: Mapping[str, Any]) -> dict[str, Any]:
        import spox.opset.ai.onnx.v21 as op

        return {"X": op.gather(inputs["X"], op.const(np.array(self.columns)), axis=1)}


class Select(Featurizer):
    """The features that vary most."""

    name = "select"
    k: int = 3
    """How many."""

    def fit(self, train: Features) -> Chosen:
        order = np.argsort(-train.dense().var(axis=0), kind="stable")[: self.k]
        columns = tuple(int(i) for i in sorted(order))
        return Chosen(columns, tuple(train.features[i] for i in columns))


@dataclasses.dataclass(frozen=True)
class Doubled(Chosen):
    """Float64."""

    def transform(self, frame: Features) -> Features:
        made = super().transform(frame)
        return Features(made.X.astype(np.float64), self.features)


@dataclasses.dataclass(frozen=True)
class Centered(Chosen):
    """Less the mean of the rows at hand."""

    def transform(self, frame: Features) -> Features:
        made = super().transform(frame)
        return Features(made.X - made.X.mean(axis=0), self.features)


@dataclasses.dataclass(frozen=True)
class GapSensitive(Chosen):
    """Fails on a missing value, and not with a DataError."""

    def transform(self, frame: Features) -> Features:
        if np.isnan(frame.dense()).any():
            raise ValueError("Input contains NaN")
        return super().transform(frame)


@dataclasses.dataclass(frozen=True)
class Stored(Chosen):
    """What is stored counts, so that a sparse zero is another than a dense one."""

    def transform(self, frame: Features) -> Features:
        made = super().transform(frame)
        return Features(made.dense() + np.float32(hasattr(frame.X, "toarray")), self.features)


@dataclasses.dataclass(frozen=True)
class Holding(Chosen):
    """Holds an array, which JSON does not know."""

    by: Any = 0.0

    def transform(self, frame: Features) -> Features:
        return Chosen(self.columns, self.features, float(self.by[0])).transform(frame)


def making(cls: type[Chosen], **fields: Any) -> type[Select]:
    class Made(Select):
        """A choice with a fault."""

        def fit(self, train: Features) -> Chosen:
            made = super().fit(train)
            return cls(made.columns, made.features, **fields)

    # The class that JSON is read back by.
    Made.fit.__annotations__["return"] = cls
    return Made


class Unsteady(Select):
    """Moves by another number each time."""

    def fit(self, train: Features) -> Chosen:
        return dataclasses.replace(super().fit(train), by=float(np.random.default_rng().normal()))


class Raw(Select):
    """Says that features come of features."""

    def fit(self, train: Features) -> Chosen:
        made = super().fit(train)
        features = tuple(
            dataclasses.replace(f, name=f"{f.name}.", inputs=(f"feature {f.name}",)) for f in made.features
        )
        return dataclasses.replace(made, features=features)


class Either(Featurizer):
    """Stands anywhere, and fails where it is given rows."""

    name = "either"

    def fit(self, train: Dataset | Features) -> Chosen:
        assert isinstance(train, Features), "rows"
        return Select().fit(train)


class Nowhere(Featurizer):
    """Takes what no place has."""

    name = "nowhere"

    def fit(self, train: pl.DataFrame) -> Chosen:
        return Chosen((), ())


FAULTS: Mapping[str, Callable[[], Component]] = {"sparse_is_dense": making(Stored)}
AFTER_ANOTHER: Mapping[str, Callable[[], Component]] = {
    "matrix_is_described": making(Doubled),
    "deterministic": Unsteady,
    "rows_do_not_depend_on_others": making(Centered),
    "state_survives_json": making(Holding, by=np.ones(1)),
    "takes_strange_rows": making(GapSensitive),
    "onnx_is_equal": making(Chosen, by=5.0),
}


def named(component: Component, name: str) -> Check:
    return next(check for check in checks_for(component) if check.name == name)


def test_a_good_featurizer_after_another_passes() -> None:
    for check in checks_for(Select()):
        if check.name != "import_is_light":
            check()


@pytest.mark.parametrize("name", FAULTS)
def test_each_check_can_fail(name: str) -> None:
    with pytest.raises(CheckFailed, match="^featurizer 'select': "):
        named(FAULTS[name](), name)()


@pytest.mark.parametrize("name", AFTER_ANOTHER)
def test_each_check_of_a_featurizer_holds_after_another(name: str) -> None:
    with pytest.raises(CheckFailed, match="^featurizer 'select': "):
        named(AFTER_ANOTHER[name](), name)()


def test_inputs_are_raw_columns_after_another_too() -> None:
    with pytest.raises(CheckFailed, match="inputs that are no raw feature columns"):
        named(Raw(), "matrix_is_described")()


def test_one_that_may_stand_anywhere_is_tried_in_each_place() -> None:
    with pytest.raises(AssertionError, match="rows"):
        named(Either(), "deterministic")()


def test_one_that_no_place_suits_is_told_the_two_that_there_are() -> None:
    with pytest.raises(
        CheckFailed, match="takes DataFrame; annotate `train` as Dataset, to stand first, or as Features"
    ):
        named(Nowhere(), "deterministic")()
