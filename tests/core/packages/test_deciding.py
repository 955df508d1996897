"""Which class is answered where it is not the most probable one: how the rule is chosen, and what it makes of probabilities."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from sklearn.metrics import confusion_matrix, precision_recall_curve, precision_score, recall_score

from hookline import DecisionRule, Trust
from hookline.errors import ConfigError, DataError, StoreError
from hookline.kinds.artifacts import Target
from hookline.kinds.fitted import Prediction
from hookline.packages.certificate.parity import Rules, differences
from hookline.packages.deciding.options import DecisionOptions, wished
from hookline.packages.deciding.thresholds import LEAST, Thresholds, chosen, chosen_again
from hookline_sklearn import PicklePackager
from kit.packages import pipeline_of, read, saved

RNG = np.random.default_rng(4)
TRUTH = RNG.integers(0, 2, 400)
SCORE = np.clip(np.round(0.3 * TRUTH + RNG.uniform(0, 0.7, 400), 2), 0, 1)
WEIGHT = RNG.uniform(0.1, 3, 400)
CHANCES = np.column_stack([1 - SCORE, SCORE])
COSTS = ((0.0, 1.0), (4.0, -0.5))
BINARY = Target("y", "binary", ("no", "yes"))
THREE = Target("y", "multiclass", ("a", "b", "c"))


def test_precision_and_recall_of_every_threshold_are_scikit_learns() -> None:
    table = Thresholds.of(TRUTH == 1, SCORE, WEIGHT)
    precision, recall, _ = precision_recall_curve(TRUTH, SCORE, sample_weight=WEIGHT)
    assert table.precision[1:] == pytest.approx(precision[-2::-1], abs=1e-12)
    assert table.recall[1:] == pytest.approx(recall[-2::-1], abs=1e-12)


def cost_of(threshold: float) -> float:
    matrix = confusion_matrix(TRUTH, threshold <= SCORE, sample_weight=WEIGHT)
    return float((matrix * np.array(COSTS)).sum() / WEIGHT.sum())


def test_the_threshold_by_costs_is_the_cheapest_of_all() -> None:
    rule = chosen(DecisionRule("costs", costs=COSTS), TRUTH, CHANCES, WEIGHT)
    assert rule.threshold is not None
    assert cost_of(rule.threshold) == pytest.approx(min(cost_of(t) for t in np.linspace(0, 1.01, 405)), abs=1e-12)
    assert rule.rows == 400


def test_of_equally_cheap_thresholds_the_one_that_the_costs_say_is_nearest() -> None:
    truth, score = np.array([0, 0, 1, 1]), np.array([0.0, 0.1, 0.8, 0.9])
    rule = chosen(DecisionRule("costs", costs=((0, 1), (1, 0))), truth, np.column_stack([1 - score, score]), None)
    assert rule.threshold is not None
    assert 0.1 < rule.threshold < 0.8


@pytest.mark.parametrize("wanted", [0.6, 0.9])
def test_a_wanted_recall_is_reached_with_the_most_precision(wanted: float) -> None:
    rule = chosen(DecisionRule("recall", wanted=wanted), TRUTH, CHANCES, None)
    answers = rule.codes(CHANCES)
    assert recall_score(TRUTH, answers) >= wanted
    others = [t <= SCORE for t in np.unique(SCORE)]
    reached = [precision_score(TRUTH, other) for other in others if recall_score(TRUTH, other) >= wanted]
    assert precision_score(TRUTH, answers) == pytest.approx(max(reached), abs=1e-12)


def test_a_wanted_precision_is_reached_with_the_most_recall() -> None:
    rule = chosen(DecisionRule("precision", wanted=0.8), TRUTH, CHANCES, None)
    answers = rule.codes(CHANCES)
    assert precision_score(TRUTH, answers) >= 0.8
    others = [t <= SCORE for t in np.unique(SCORE)]
    reached = [recall_score(TRUTH, other) for other in others if precision_score(TRUTH, other) >= 0.8]
    assert recall_score(TRUTH, answers) == pytest.approx(max(reached), abs=1e-12)


def test_the_positive_class_may_be_the_first() -> None:
    rule = chosen(DecisionRule("recall", positive=0, wanted=0.9), TRUTH, CHANCES, None)
    assert recall_score(TRUTH, rule.codes(CHANCES), pos_label=0) >= 0.9


def test_a_precision_that_no_threshold_reaches_is_an_error_that_says_the_best() -> None:
    truth, score = np.array([1, 0, 1, 0]), np.array([0.5, 0.5, 0.5, 0.5])
    with pytest.raises(
        DataError, match=r"no threshold reaches a precision of 0.9 on the 4 validation rows: the best is 0.5"
    ):
        chosen(DecisionRule("precision", wanted=0.9), truth, np.column_stack([1 - score, score]), None)


def test_rows_of_one_class_choose_nothing() -> None:
    with pytest.raises(DataError, match="all of one class"):
        chosen(DecisionRule("recall", wanted=0.9), np.ones(3, dtype=int), CHANCES[:3], None)


def test_of_many_classes_the_one_of_the_least_expected_cost_is_answered() -> None:
    rule = wished(DecisionOptions(costs={"a": {"c": 10}}), THREE)
    assert rule.costs == ((0, 1, 10), (1, 0, 1), (1, 1, 0))
    # c is likeliest in both, and costs 10 where a is true: 2.3 against .8, and .505 against .55 for b.
    assert rule.codes(np.array([[0.2, 0.3, 0.5], [0.005, 0.45, 0.545]])).tolist() == [1, 2]


@pytest.mark.parametrize(
    ("options", "target", "message"),
    [
        (DecisionOptions(recall=0.9), THREE, "is for two classes, and 'y' has 3"),
        (DecisionOptions(recall=0.9), Target("y", "regression"), "is for classes, and the target 'y' is a number"),
        (DecisionOptions(costs={"yes": {"maybe": 1}}), BINARY, "'maybe' is not a class of 'y', which has 'no', 'yes'"),
        (DecisionOptions(recall=0.9, positive="yess"), BINARY, "'yess' is not a class of 'y'"),
    ],
    ids=["many classes", "a number", "no such class", "no such positive class"],
)
def test_what_does_not_fit_the_target_is_refused(options: DecisionOptions, target: Target, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        wished(options, target)


def test_a_threshold_is_chosen_again_on_enough_rows_and_kept_on_few() -> None:
    before = chosen(DecisionRule("recall", wanted=0.9), TRUTH, CHANCES, None)
    moved = np.column_stack([1 - SCORE / 2, SCORE / 2])
    after = chosen_again(before, TRUTH, moved, None)
    assert after.threshold == pytest.approx(before.threshold / 2)  # type: ignore[operator]
    few = np.concatenate([np.flatnonzero(TRUTH == 1)[: LEAST - 1], np.flatnonzero(TRUTH == 0)])
    assert chosen_again(before, TRUTH[few], moved[few], None) == before


def test_a_threshold_that_was_said_is_not_chosen_again() -> None:
    said = DecisionRule("threshold", 0.3)
    assert chosen_again(said, TRUTH, CHANCES, None) == said


def test_a_decision_that_changes_far_from_the_threshold_is_infinitely_far_and_at_it_is_rounding() -> None:
    rule = DecisionRule("threshold", 0.3)
    before = Prediction(np.array(["yes", "yes"]), np.array([[0.699998, 0.300002], [0.6, 0.4]]), BINARY.classes)
    after = Prediction(np.array(["no", "no"]), np.array([[0.700002, 0.299998], [0.6, 0.4]]), BINARY.classes)
    difference, changed = differences(BINARY, before, after, 1e-5, 1.0, Rules(rule))
    assert changed.tolist() == [True, True]
    assert difference.tolist() == [pytest.approx(4e-6), np.inf]


def test_a_decision_between_costs_is_as_far_as_probabilities_have_to_move() -> None:
    rule = DecisionRule("costs", costs=((0, 1, 10), (1, 0, 1), (1, 1, 0)))
    # Of b and c the costs are 1 - p(b) and 10 p(a) + p(b): equal where p(a) is 1/11 and the others are alike.
    assert rule.lead(np.array([1, 5, 5]) / 11, 1, 2) == pytest.approx(9 / 11 * 2 / 11, abs=1e-12)
    assert rule.lead(np.array([0.0, 0.5, 0.5]), 1, 2) == pytest.approx(0.0, abs=1e-12)


def test_a_package_whose_rule_is_damaged_is_refused(tmp_path: Path) -> None:
    pipeline = replace(
        pipeline_of(source="breast_cancer", trainer="naive_bayes"), decision=DecisionRule("threshold", 0.3)
    )
    folder = saved(PicklePackager(), pipeline, tmp_path)
    state = json.loads((folder / "pipeline.json").read_text())
    assert read(PicklePackager(), folder, Trust(pickle=True)).decision == pipeline.decision
    (folder / "pipeline.json").write_text(json.dumps(state | {"decision": state["decision"] | {"positive": 7}}))
    with pytest.raises(StoreError, match="its decision is none for 2 classes"):
        read(PicklePackager(), folder, Trust(pickle=True))
