"""Means with bounds that lean on a normal law, at every time at once."""

from __future__ import annotations

import numpy as np
import pytest

from hookline.quality.sequential.asymptotic import Estimate, around, difference


def test_a_mean_alone_is_a_difference_from_one_that_is_known() -> None:
    mean = Estimate(400, 400, 0.3, 2.0)
    alone = around(mean, 0.05, 1_000)
    assert alone.low < 0.3 < alone.high
    assert alone.high - 0.3 == pytest.approx(0.3 - alone.low)
    assert around(mean, 0.01, 1_000).high > alone.high
    # Two means of half the rows each, of the same rows' variance, are known half as well.
    halves = difference(Estimate(200, 200, 0.3, 2.0), Estimate(200, 200, 0.0, 2.0), 0.05, 1_000)
    assert halves.high - halves.difference == pytest.approx(2 * (alone.high - 0.3))


def test_paired_differences_mislead_at_most_as_often_as_the_risk_however_often_one_looks() -> None:
    rng, risk = np.random.default_rng(0), 0.05
    draws = rng.standard_t(8, size=(300, 1_500))
    counts = np.arange(100, 1_501, 50)
    means = draws.cumsum(axis=1)[:, counts - 1] / counts
    squares = (draws**2).cumsum(axis=1)[:, counts - 1] / counts
    misled = [
        any(
            not one.low <= 0 <= one.high
            for one in (
                around(Estimate(n, n, mean, square - mean**2), risk, 1_500)
                for n, mean, square in zip(counts, row_means, row_squares, strict=True)
            )
        )
        for row_means, row_squares in zip(means, squares, strict=True)
    ]
    assert np.mean(misled) <= risk
