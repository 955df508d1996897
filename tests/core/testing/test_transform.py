"""What is promised of a transform: each check of it can fail, and what is built in passes them all."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import polars as pl
import pytest

from hookline import Dataset
from hookline.kinds.artifacts import ROW_ID
from hookline.kinds.component import Component
from kit.components import Shift, Shifting
from kit.conformance import TRANSFORM_FIELDS, built_in, check_built_in, check_good, own_checks, require_failure


@dataclasses.dataclass(frozen=True)
class Dropping:
    """Drops rows."""

    def transform(self, frame: pl.LazyFrame) -> pl.LazyFrame:
        return frame.filter(pl.col("income") > 40_000)


@dataclasses.dataclass(frozen=True)
class Collecting:
    """Returns a frame in memory."""

    def transform(self, frame: pl.LazyFrame) -> Any:
        return frame.collect()


@dataclasses.dataclass(frozen=True)
class Peeking:
    """Centers by the rows at hand, not by the training rows."""

    def transform(self, frame: pl.LazyFrame) -> pl.LazyFrame:
        return frame.with_columns(pl.col("income") - pl.col("income").mean())


@dataclasses.dataclass(frozen=True)
class Holding:
    """Holds an array, which JSON does not know."""

    by: Any

    def transform(self, frame: pl.LazyFrame) -> pl.LazyFrame:
        return frame.with_columns(pl.col("income") + float(self.by[0]))


@dataclasses.dataclass(frozen=True)
class Strict:
    """Knows three cities only."""

    def transform(self, frame: pl.LazyFrame) -> pl.LazyFrame:
        return frame.with_columns(pl.col("city").replace_strict({"Oslo": 1, "Lima": 2, "Pune": 3}))


@dataclasses.dataclass(frozen=True)
class ShiftSaidWrongly(Shift):
    """Forgets the shift in ONNX."""

    def to_onnx(self, inputs: Mapping[str, Any]) -> dict[str, Any]:
        return dict(inputs)


@dataclasses.dataclass(frozen=True)
class Losing:
    """Drops a column."""

    column: str

    def transform(self, frame: pl.LazyFrame) -> pl.LazyFrame:
        return frame.drop(self.column, strict=False)


class LosesTarget(Shifting):
    """Drops the target."""

    applies = "dataset"

    def fit(self, train: Dataset) -> Losing:
        return Losing("target")


class LosesIds(Shifting):
    """Drops the rows' ids."""

    applies = "training"

    def fit(self, train: Dataset) -> Losing:
        return Losing(ROW_ID)


class LosesTargetAlways(LosesTarget):
    """Drops the target of training rows."""

    applies = "always"


class DropsRows(Shifting):
    """Drops rows, though it applies always."""

    def fit(self, train: Dataset) -> Dropping:
        return Dropping()


class CollectsRows(Shifting):
    """Returns a frame in memory."""

    def fit(self, train: Dataset) -> Collecting:
        return Collecting()


class Unsteady(Shifting):
    """Learns something else each time."""

    def fit(self, train: Dataset) -> Shift:
        return Shift(float(np.random.default_rng().normal()))


class Peeks(Shifting):
    """Learns from the rows that it changes."""

    def fit(self, train: Dataset) -> Peeking:
        return Peeking()


class HoldsArrays(Shifting):
    """Learns an array."""

    def fit(self, train: Dataset) -> Holding:
        return Holding(np.ones(1))


class KnowsThreeCities(Shifting):
    """Fails on a city that it does not know."""

    def fit(self, train: Dataset) -> Strict:
        return Strict()


class ShiftsOtherwiseInOnnx(Shifting):
    """Says something else in ONNX."""

    def fit(self, train: Dataset) -> ShiftSaidWrongly:
        return ShiftSaidWrongly(50_000.0)


FAULTS: Mapping[str, Callable[[], Component]] = {
    "keeps_rows": DropsRows,
    "input_stays_lazy": CollectsRows,
    "deterministic": Unsteady,
    "rows_do_not_depend_on_others": Peeks,
    "state_survives_json": HoldsArrays,
    "takes_strange_rows": KnowsThreeCities,
    "onnx_is_equal": ShiftsOtherwiseInOnnx,
}


@pytest.mark.parametrize("name", built_in("transform"))
def test_everything_built_in_conforms(name: str) -> None:
    check_built_in("transform", name, TRANSFORM_FIELDS.get(name, {}))


def test_a_good_component_passes() -> None:
    check_good(Shifting())


def test_every_check_has_a_faulty_component() -> None:
    assert list(FAULTS) == own_checks("transform")


@pytest.mark.parametrize("name", FAULTS)
def test_each_check_can_fail(name: str) -> None:
    require_failure(FAULTS[name](), name)


@pytest.mark.parametrize("cls", [LosesTarget, LosesIds, LosesTargetAlways])
def test_a_transform_that_drops_what_rows_are_known_by_is_told(cls: type[Shifting]) -> None:
    require_failure(cls(), "keeps_rows")
