"""Sets of classes that may be true: as many rows covered as is promised, one answer a row, and no set without a class."""

from __future__ import annotations

from typing import Literal

import numpy as np
import pytest

from hookline import PredictionSets
from hookline.errors import ConfigError, DataError, StoreError
from hookline.kinds.answering.rules import class_scores
from hookline.kinds.artifacts import Target
from hookline.kinds.fitted import Prediction
from hookline.packages.certificate.parity import Rules, differences
from hookline.packages.deciding.conformal import NO_OTHER, measured_sets, sets_again
from hookline.packages.deciding.options import DecisionOptions, IntervalOptions, SetOptions, wish_of
from hookline.packages.door.faults import check_sets

THREE = Target("y", "multiclass", ("a", "b", "c"))
METHODS: tuple[Literal["lac", "aps"], ...] = ("lac", "aps")


def drawn(rows: int, seed: int, temperature: float = 1.0) -> tuple[np.ndarray, np.ndarray]:
    """Return true codes of four classes, and what a model that is too sure of itself, or not, says of them."""
    rng = np.random.default_rng(seed)
    scores = rng.normal(size=(rows, 4))
    true = np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)
    truth = (rng.random(rows)[:, None] > true.cumsum(axis=1)).sum(axis=1)
    said = np.exp(scores / temperature)
    return truth, said / said.sum(axis=1, keepdims=True)


def test_what_aps_adds_up_is_what_the_paper_adds_up() -> None:
    _, chances = drawn(200, 0)
    order = np.argsort(-chances, axis=1, kind="stable")
    added = np.take_along_axis(np.take_along_axis(chances, order, 1).cumsum(axis=1), np.argsort(order, axis=1), 1)
    assert class_scores(chances, "aps") == pytest.approx(added, abs=1e-12)
    assert class_scores(chances, "lac") is chances


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("temperature", [0.3, 1.0, 3.0])
def test_new_rows_have_their_class_in_the_set_as_often_as_is_promised(
    method: Literal["lac", "aps"], temperature: float
) -> None:
    held = []
    for seed in range(600):
        truth, chances = drawn(101, seed, temperature)
        rule = measured_sets(0.8, method, truth[:100], chances[:100], None)
        held.append(rule.of(chances[100:])[0, truth[100]])
    # At least .8, and at most 1/101 more but for how the limit lies beyond the row that it is measured by; 4 standard errors.
    assert 0.8 - 0.066 <= np.mean(held) <= 0.8 + 1 / 101 + 0.066


@pytest.mark.parametrize("method", METHODS)
def test_a_set_holds_the_most_probable_class_and_grows_with_the_coverage(method: Literal["lac", "aps"]) -> None:
    truth, chances = drawn(500, 1)
    sets = [measured_sets(share, method, truth, chances, None).of(chances) for share in (0.5, 0.8, 0.95)]
    for one in sets:
        assert one[np.arange(500), chances.argmax(axis=1)].all()
    sizes = [float(one.sum(axis=1).mean()) for one in sets]
    assert sizes == sorted(sizes)
    assert sizes[0] < sizes[2]


def test_where_the_most_probable_class_does_no_other_is_told() -> None:
    chances = np.tile([0.6, 0.3, 0.1], (50, 1))
    for method in METHODS:
        rule = measured_sets(0.9, method, np.zeros(50, dtype=np.int64), chances, None)
        assert rule.limit == NO_OTHER[method]
        assert rule.of(chances).sum(axis=1).tolist() == [1] * 50


def test_weights_count_as_repeated_rows_do_where_these_are_many() -> None:
    truth, chances = drawn(20_000, 2)
    times = np.random.default_rng(3).integers(1, 4, 20_000)
    repeated = measured_sets(0.9, "lac", np.repeat(truth, times), np.repeat(chances, times, axis=0), None)
    assert measured_sets(0.9, "lac", truth, chances, times * 1.0).limit == pytest.approx(repeated.limit, abs=2e-3)


def test_too_few_rows_say_how_many_it_takes() -> None:
    truth, chances = drawn(18, 4)
    told = r"sets that cover 0.95 of the rows need at least 19 validation rows, and there are 18"
    with pytest.raises(DataError, match=told) as caught:
        measured_sets(0.95, "lac", truth, chances, None)
    assert caught.value.hint == "a larger split.valid, or a smaller sets.coverage"


def test_they_are_measured_again_on_enough_rows_and_kept_on_few() -> None:
    truth, chances = drawn(100, 5)
    before = PredictionSets(0.9, 0.4, 50)
    assert sets_again(before, truth, chances, None) == measured_sets(0.9, "lac", truth, chances, None)
    assert sets_again(before, truth[:5], chances[:5], None) == before


def test_rounding_at_the_limit_or_between_equals_is_no_difference_and_more_is() -> None:
    native = np.array([[0.5, 0.3, 0.2], [0.4, 0.4, 0.2], [0.5, 0.3, 0.2]])
    rule = PredictionSets(0.9, 0.3, 100)
    said = Prediction(np.array(["a", "a", "a"]), native, ("a", "b", "c"), sets=rule.of(native))
    moved = native + np.array([[0, -1e-7, 1e-7], [1e-7, -1e-7, 0], [0, 0, 0]])
    other = Prediction(said.values, moved, said.classes, sets=PredictionSets(0.9, 0.45, 100).of(moved))
    told, _ = differences(THREE, said, other, 1e-5, 1.0, Rules(sets=rule))
    # The first and the third leave the set at its limit; the second, which is in it by .1, does not by rounding.
    assert told.tolist() == [pytest.approx(1e-7), np.inf, 0.0]
    silent = Prediction(said.values, native, said.classes)
    assert differences(THREE, said, silent, 1e-5, 1.0, Rules(sets=rule))[0].tolist() == [np.inf] * 3


def test_the_lead_of_a_class_is_how_far_a_probability_has_to_move() -> None:
    chances = np.array([[0.5, 0.3, 0.2], [0.4, 0.4, 0.2]])
    assert PredictionSets(0.9, 0.25, 9).leads(chances) == pytest.approx(
        np.array([[0.25, 0.05, 0.05], [0.15, 0.15, 0.05]])
    )
    by_sums = PredictionSets(0.9, 0.86, 9, "aps").leads(chances)
    assert by_sums == pytest.approx(np.array([[0.2, 0.02, 0.14 / 3], [0.02, 0.02, 0.14 / 3]]))
    tied = PredictionSets(0.9, 0.41, 9).leads(np.array([[0.4, 0.4, 0.2]]))
    assert tied == pytest.approx(np.array([[0, 0, 0.2]]))


def test_sets_are_for_classes() -> None:
    with pytest.raises(ConfigError, match="is for classes, and the target 'y' is a number"):
        wish_of(DecisionOptions(), IntervalOptions(), SetOptions(0.9), Target("y", "regression"))


@pytest.mark.parametrize("limit", [float("nan"), float("inf")])
def test_a_rule_that_says_nothing_is_damaged(limit: float) -> None:
    with pytest.raises(StoreError, match=r"pipeline.json is damaged: its sets are none of classes"):
        check_sets(PredictionSets(0.9, limit, 10), THREE, "pipeline.json")
    with pytest.raises(StoreError):
        check_sets(PredictionSets(0.9, 0.5, 10), Target("y", "regression"), "pipeline.json")


@pytest.mark.parametrize("method", ["lac", "aps"])
def test_no_class_leaves_or_enters_while_probabilities_move_by_less_than_half_of_its_lead(
    method: Literal["lac", "aps"],
) -> None:
    rng = np.random.default_rng(6)
    for classes in (2, 3, 5):
        # Of tenths many are equal, and many lie at the limit.
        chances = rng.multinomial(10, np.full(classes, 1 / classes), 200) / 10
        rule = PredictionSets(0.9, 0.3 if method == "lac" else 0.7, 9, method)
        lead = rule.leads(chances)
        for scale in (0.2, 0.05, 1e-6):
            moved = chances + rng.uniform(-scale, scale, chances.shape)
            most = np.abs(moved - chances).max(axis=1, keepdims=True)
            assert not ((rule.of(moved) != rule.of(chances)) & (2 * most < lead - 1e-12)).any()
