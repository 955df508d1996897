"""Means of bounded numbers by betting: evidence that chance rarely makes, however often one looks."""

from __future__ import annotations

import math

import numpy as np
import pytest

from hookline.quality.sequential.betting import STAKES, log_fortune, lower_bound, upper_bound


def test_a_fortune_is_the_mean_of_what_each_stake_came_to() -> None:
    values = [1.0, -1.0, 0.0, 1.0, 1.0]
    by_hand = [math.prod(1 + stake / 1.25 * (value - 0.25) for value in values) for stake in STAKES]
    assert log_fortune(np.array(values), 0.25, -1, 1) == pytest.approx(math.log(sum(by_hand) / len(by_hand)))


def test_nobody_who_looks_after_every_batch_is_misled_more_often_than_the_risk() -> None:
    rng, risk = np.random.default_rng(0), 0.05
    draws = rng.choice([-1.0, 0.0, 1.0], p=[0.1, 0.8, 0.1], size=(400, 1_000))
    misled = sum(
        any(log_fortune(draw[:rows], 0.0, -1, 1) >= -math.log(risk) for rows in range(20, 1_001, 20)) for draw in draws
    )
    assert 0 < misled <= 400 * risk
    # What a test at each look would do, which is made for one.
    sums = draws.cumsum(axis=1)[:, 19::20]
    spread = np.sqrt(0.2 * np.arange(20, 1_001, 20))
    assert (sums > 1.645 * spread).any(axis=1).mean() > 4 * risk


def test_bounds_close_around_the_mean_as_rows_come() -> None:
    draw = (np.random.default_rng(1).random(20_000) < 0.2).astype(float)
    few, many = ((lower_bound(d, 0.01, 0, 1), upper_bound(d, 0.01, 0, 1)) for d in (draw[:500], draw))
    assert few[0] < many[0] < 0.2 < many[1] < few[1]
    assert many[1] - many[0] < 0.03
    assert (lower_bound(draw[:0], 0.01, 0, 1), upper_bound(draw[:0], 0.01, 0, 1)) == (0, 1)


def test_the_order_of_rows_changes_nothing() -> None:
    rng = np.random.default_rng(2)
    draw = rng.uniform(-1, 1, 300)
    assert lower_bound(rng.permutation(draw), 0.05, -1, 1) == pytest.approx(lower_bound(draw, 0.05, -1, 1), abs=1e-5)


def test_nothing_exceeds_the_highest_value_there_is() -> None:
    assert log_fortune(np.ones(100), 1.0, 0, 1) == -math.inf
