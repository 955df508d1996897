"""Evidence against two arms being alike: what it is worth, and that chance shows it as seldom as it says."""

from __future__ import annotations

import math
from itertools import product

import numpy as np
import polars as pl
import pytest
from scipy.stats import betabinom, binom, dirichlet_multinomial, multinomial

from hookline import ColumnProfile, Dataset, Prediction, Scored, Target
from hookline.kinds.artifacts import ROW_ID
from hookline.quality.sequential.asymptotic import Estimate, difference
from hookline_serving.deployers.evidence.distributions import answer_counts, log_slower, p99, total_variation
from hookline_serving.deployers.evidence.likelihood import RATIOS, log_excess, log_other_shares, log_unlike
from hookline_serving.deployers.evidence.losses import keys_of, mean_loss
from kit.seen import judged, off, seen


@pytest.mark.parametrize("share", [0.01, 0.25, 0.5])
@pytest.mark.parametrize("events", [1, 7, 40])
def test_evidence_of_an_excess_is_one_on_average_where_there_is_none(share: float, events: int) -> None:
    # A likelihood ratio has mean 1 under what it is held against; binomials from scipy.
    counts = range(events + 1)
    average = sum(binom.pmf(new, events, share) * math.exp(log_excess(new, events - new, share)) for new in counts)
    assert average == pytest.approx(1.0, rel=1e-9)


def test_evidence_of_an_excess_is_a_mean_of_likelihood_ratios() -> None:
    odds = [0.25 * ratio / (0.25 * ratio + 0.75) if math.isfinite(ratio) else 1.0 for ratio in RATIOS]
    expected = np.mean([binom.pmf(9, 11, share) for share in odds]) / binom.pmf(9, 11, 0.25)
    assert math.exp(log_excess(9, 2, 0.25)) == pytest.approx(expected, rel=1e-9)


def test_evidence_that_answers_differ_is_a_product_of_beta_binomial_ratios() -> None:
    counts = [(30, 60), (20, 60), (0, 30)]
    expected = sum(
        betabinom.logpmf(new, new + live, 10, 30) - binom.logpmf(new, new + live, 0.25) for new, live in counts
    )
    assert log_unlike([(30, 60), (20, 60), (0, 30)]) == pytest.approx(expected, rel=1e-9)
    assert log_unlike([(5, 0), (0, 0)]) == 0


def test_evidence_that_answers_differ_is_at_most_one_on_average_where_they_do_not() -> None:
    # All ways that six answers fall into two bins and to two arms, at a share that is nobody's guess.
    total = 0.0
    for cells in product(range(7), repeat=4):
        if sum(cells) == 6:
            chance = multinomial.pmf(cells, 6, [0.3 * 0.2, 0.3 * 0.8, 0.7 * 0.2, 0.7 * 0.8])
            total += chance * math.exp(log_unlike([(cells[0], cells[2]), (cells[1], cells[3])]))
    assert total <= 1 + 1e-9


def test_evidence_of_other_shares_is_a_dirichlet_multinomial_ratio() -> None:
    counts, weights = [480, 350, 170], [2, 1, 1]
    shares = np.array([0.5, 0.25, 0.25])
    expected = dirichlet_multinomial.logpmf(counts, 100 * shares, 1_000) - multinomial.logpmf(counts, 1_000, shares)
    assert log_other_shares(counts, weights) == pytest.approx(expected, rel=1e-9)


def test_times_are_slower_only_beyond_the_ratio() -> None:
    live = seen(4_000, took=0.010)
    assert log_slower(seen(400, took=0.0130).latency, live.latency, 1.4) < 0
    assert log_slower(seen(400, took=0.0200).latency, live.latency, 1.4) > math.log(1e6)
    assert log_slower(seen(400, took=0.0200).latency, live.latency, 2.5) < 0
    # Where every time is the longest that a histogram knows, nothing can be longer.
    assert log_slower(seen(400, took=99).latency, seen(400, took=99).latency, 1.4) < 0


def test_the_99th_of_100_is_unknown_beyond_all_bounds() -> None:
    assert p99(seen(100, took=0.01).latency) == pytest.approx(0.0114, abs=1e-4)
    assert p99(seen(100, took=99).latency) is None
    assert p99(seen(0).latency) is None


def test_labels_are_counted_side_by_side_and_the_rarest_as_one() -> None:
    def of(*top: tuple[str, int], missing: int = 0) -> ColumnProfile:
        return ColumnProfile("prediction", "String", "text", 0, missing, 0, top=top)

    assert answer_counts(of(("a", 5), ("b", 1)), of(("a", 50), ("c", 7), missing=2)) == [
        (5, 50),
        (0, 7),
        (1, 0),
        (0, 2),
    ]
    many = answer_counts(of(*((f"{place:02}", 100 - place) for place in range(30))), of(("00", 9)))
    assert many is not None
    assert len(many) == 20 + 1 + 1
    assert many[20] == (sum(100 - place for place in range(20, 30)), 0)
    assert answer_counts(of(("a", 5)), seen(9).answers) is None
    assert answer_counts(None, seen(9).answers) is None


def test_total_variation_is_half_the_absolute_difference() -> None:
    assert total_variation([(8, 50), (2, 50)]) == pytest.approx(0.3)
    assert total_variation([(0, 50)]) == 0


def test_an_interval_at_every_time_is_as_wide_as_its_source_has_it() -> None:
    # Theorem 2.2 of Waudby-Smith et al. (2024), written out for one mean of 500 values of variance 4.
    one, other = Estimate(250, 250, 3.0, 1.0), Estimate(250, 250, 1.0, 1.0)
    found = difference(one, other, 0.05, 1_000)
    rho = math.sqrt((-2 * math.log(0.05) + math.log(-2 * math.log(0.05)) + 1) / 1_000)
    t, sigma = 500, 2.0
    half = sigma * math.sqrt(2 * (t * rho**2 + 1) / (t**2 * rho**2) * math.log(math.sqrt(t * rho**2 + 1) / 0.05))
    assert (found.difference, found.low, found.high) == pytest.approx((2.0, 2 - half, 2 + half))


def test_an_arm_without_a_mistake_so_far_is_not_held_for_sure() -> None:
    perfect, usual = Estimate(100, 100, 0.0, 0.0), Estimate(100, 100, 0.05, 0.05 * 0.95)
    assert difference(usual, perfect, 0.05, 1_000).low < 0


def test_rows_of_one_key_are_one_unit() -> None:
    wrong = [True] * 10 + [False] * 30
    alone, by_key = (
        mean_loss(judged(wrong), None),
        mean_loss(judged(wrong, [f"k{row // 10}" for row in range(40)]), "customer"),
    )
    assert alone is not None
    assert by_key is not None
    assert (alone.units, by_key.units, alone.rows, by_key.rows) == (40, 4, 40, 40)
    assert alone.mean == by_key.mean == 0.25
    # Four means of 1, 0, 0 and 0: their own variance (n - 1) is 1/4.
    assert by_key.variance == pytest.approx(0.25)
    assert alone.variance == pytest.approx(0.25 * 0.75 * 40 / 39)


def test_numbers_are_judged_by_how_far_off_they_are() -> None:
    squared, absolute = mean_loss(off([1, -3]), None), mean_loss(off([1, -3]), None, "absolute")
    assert squared is not None
    assert absolute is not None
    assert (squared.mean, absolute.mean) == (5.0, 2.0)


def test_rows_without_truth_or_that_are_too_few_have_no_loss() -> None:
    rows = Dataset(pl.DataFrame({ROW_ID: [0, 1]}).lazy())
    unlabeled = Scored.of(rows, Prediction(np.zeros(2)), Target("cost", "regression"))
    assert mean_loss(unlabeled, None) is None
    assert mean_loss(off([1.0]), None) is None
    assert mean_loss(None, None) is None


def test_keys_are_counted_once_each() -> None:
    assert keys_of(judged([True] * 4, ["a", "b", "a", "c"]), "customer") == 3
    assert keys_of(judged([True]), "nobody") == 0
    assert keys_of(None, "customer") == 0
