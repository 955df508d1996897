"""A 95 % interval holds the value of all rows in 90 to 98 % of draws; `benchmarks/quality/coverage.py` draws more."""

from __future__ import annotations

import runpy
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hookline.quality.intervals import Units, of_mean, of_share

BENCHMARK = runpy.run_path(str(Path(__file__).parents[3] / "benchmarks" / "quality" / "coverage.py"))
SITUATIONS: dict[str, Any] = {one.name: one for one in BENCHMARK["SITUATIONS"]}
REPEATS = 80
NOISE = 2.6 * (0.95 * 0.05 / REPEATS) ** 0.5
"""By how much so few repeats may be off."""


@pytest.mark.parametrize(
    "name",
    ["near 1, 60 rows", "10 positives of 200", "15 groups of 20", "numbers, 30 groups of 10"],
)
def test_intervals_hold_what_they_promise(name: str) -> None:
    found = BENCHMARK["covered"](SITUATIONS[name], REPEATS)
    assert min(found.values()) >= 0.9 - NOISE, found


def test_the_interval_of_a_perfect_score_is_wilsons() -> None:
    low, high = of_share(1.0, 0.0, 30.0, 10**9)
    assert high == 1.0
    assert low == pytest.approx(30 / (30 + 1.959964**2), abs=1e-6)


def test_the_interval_of_a_symmetric_mean_is_students() -> None:
    values = np.tile([-1.0, 1.0], 10)
    low, high = of_mean(5.0, values / 20)
    assert (low, high) == pytest.approx(
        (5 - 2.093024 * 1.025978 / 20**0.5, 5 + 2.093024 * 1.025978 / 20**0.5), abs=1e-4
    )


def test_a_skewed_mean_reaches_further_to_its_long_side() -> None:
    values = np.array([0.0] * 18 + [10.0, 12.0])
    low, high = of_mean(float(values.mean()), (values - values.mean()) / 20)
    assert high - values.mean() > 1.5 * (values.mean() - low)


def test_a_group_counts_once_however_many_rows_it_has() -> None:
    groups = np.repeat(np.arange(8), 25)
    assert Units.among(np.ones(200), groups).effective() == pytest.approx(8)
    assert Units.among(np.ones(200), None).effective() == pytest.approx(200)
    assert Units.among(np.repeat([1.0, 0.0], 100), None).effective() == pytest.approx(100)
