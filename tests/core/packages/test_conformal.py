"""Intervals around numbers: as wide as the paper says, and holding as many rows as they promise."""

from __future__ import annotations

import math

import numpy as np
import pytest

from hookline import Intervals
from hookline.errors import ConfigError, DataError
from hookline.kinds.artifacts import Target
from hookline.kinds.fitted import Prediction
from hookline.packages.certificate.parity import differences
from hookline.packages.deciding.conformal import measured, measured_again, reach_of
from hookline.packages.deciding.options import DecisionOptions, IntervalOptions, SetOptions, wish_of

NUMBER = Target("y", "regression")


@pytest.mark.parametrize("coverage", [0.5, 0.8, 0.9, 0.95])
@pytest.mark.parametrize("rows", [19, 20, 99, 100, 1000])
def test_it_reaches_to_the_error_that_the_paper_names(rows: int, coverage: float) -> None:
    errors = np.abs(np.random.default_rng(rows).normal(size=rows))
    place = math.ceil((rows + 1) * coverage - 1e-9)
    assert reach_of(errors, None, coverage) == np.sort(errors)[place - 1]


def test_weights_count_as_repeated_rows_do_where_these_are_many() -> None:
    rng = np.random.default_rng(1)
    errors, times = np.abs(rng.normal(size=20_000)), rng.integers(1, 4, 20_000)
    assert reach_of(errors, times * 1.0, 0.9) == pytest.approx(reach_of(np.repeat(errors, times), None, 0.9), abs=1e-3)


def test_new_rows_lie_within_as_often_as_is_promised() -> None:
    rng = np.random.default_rng(2)
    held = [
        np.abs(rng.standard_t(3)) <= measured(0.9, np.abs(rng.standard_t(3, size=60)), None).half_width
        for _ in range(4000)
    ]
    # At least .9, and at most 1/61 more (Lei et al. 2018, theorem 2.2), within 4 standard errors.
    assert 0.9 - 0.019 <= np.mean(held) <= 0.9 + 1 / 61 + 0.019


def test_too_few_rows_say_how_many_it_takes() -> None:
    with pytest.raises(DataError, match=r"cover 0.95 of the rows need at least 19 validation rows, and there are 18"):
        measured(0.95, np.ones(18), None)
    assert measured(0.95, np.ones(19), None).half_width == 1


def test_they_are_measured_again_on_enough_rows_and_kept_on_few() -> None:
    before = Intervals(0.9, 3.0, 50)
    assert measured_again(before, np.full(100, 2.0), None) == Intervals(0.9, 2.0, 100)
    assert measured_again(before, np.full(5, 2.0), None) == before


def test_a_class_has_no_interval() -> None:
    with pytest.raises(ConfigError, match="is for numbers, and the target 'y' is a class"):
        wish_of(DecisionOptions(), IntervalOptions(0.9), SetOptions(), Target("y", "binary", ("a", "b")))


def test_a_package_that_tells_other_intervals_or_none_is_as_far_off_as_they_are() -> None:
    values = np.array([10.0, 10.0])
    native = Prediction(values, intervals=np.array([[9.0, 11.0], [9.0, 11.0]]))
    other = Prediction(values, intervals=np.array([[9.0, 11.0], [9.0, 11.5]]))
    assert differences(NUMBER, native, other, 1e-5, 1.0)[0].tolist() == [0.0, pytest.approx(0.05)]
    assert differences(NUMBER, native, Prediction(values), 1e-5, 1.0)[0].tolist() == [np.inf, np.inf]
