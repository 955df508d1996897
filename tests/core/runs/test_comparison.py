"""Runs are compared on the same rows, and told apart only where these can tell them apart."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import hookline as hl
from hookline.errors import DataError, UsageError
from hookline.kinds.artifacts import Target
from hookline.kinds.fitted import Prediction
from hookline.runs.comparison import compare_predictions

TARGET = Target("y", "binary", ("no", "yes"))


def prediction(truth: np.ndarray, wrong: int) -> Prediction:
    """Return labels of which the first `wrong` are wrong."""
    values = truth.copy()
    values[:wrong] = np.where(values[:wrong] == "yes", "no", "yes")
    chance = np.where(values == "yes", 0.9, 0.1)
    return Prediction(values, np.column_stack([1 - chance, chance]), TARGET.classes)


@pytest.fixture
def truth() -> np.ndarray:
    return np.array(["yes", "no"] * 250)


def test_a_clear_improvement_is_called_better(truth: np.ndarray) -> None:
    found = compare_predictions("a", "b", TARGET, truth, (prediction(truth, 100), prediction(truth, 20)))
    assert found.verdict.startswith("b is better than a: accuracy 0.8 -> 0.96")
    assert found.changed_decisions == 80
    assert all(difference.verdict == "better" for difference in found.differences)


def test_a_difference_that_the_rows_cannot_show_is_not_claimed(truth: np.ndarray) -> None:
    found = compare_predictions("a", "b", TARGET, truth, (prediction(truth, 50), prediction(truth, 49)))
    assert "show no difference" in found.verdict


def test_pairing_shows_what_two_intervals_would_hide(truth: np.ndarray) -> None:
    found = compare_predictions("a", "b", TARGET, truth, (prediction(truth, 110), prediction(truth, 100)))
    accuracy = found.differences[0]
    alone = 1.96 * np.sqrt(0.2 * 0.8 / len(truth))
    assert accuracy.verdict == "better"
    assert abs(accuracy.difference) < alone


def test_metrics_are_those_of_scikit_learn(truth: np.ndarray) -> None:
    from sklearn.metrics import accuracy_score, brier_score_loss, log_loss, mean_absolute_error, root_mean_squared_error

    second = prediction(truth, 30)
    found = compare_predictions("a", "b", TARGET, truth, (prediction(truth, 10), second))
    values = {difference.metric: difference.second for difference in found.differences}
    assert second.probabilities is not None
    assert values["accuracy"] == pytest.approx(accuracy_score(truth, second.values))
    assert values["log_loss"] == pytest.approx(log_loss(truth, second.probabilities))
    assert values["brier"] == pytest.approx(brier_score_loss(truth == "yes", second.probabilities[:, 1]))
    numbers = np.arange(40.0)
    regression = Target("y", "regression")
    off = Prediction(numbers + np.tile([1.0, -3.0], 20))
    found = compare_predictions("a", "b", regression, numbers, (Prediction(numbers), off))
    values = {difference.metric: difference.second for difference in found.differences}
    assert values["rmse"] == pytest.approx(root_mean_squared_error(numbers, off.values))
    assert values["mae"] == pytest.approx(mean_absolute_error(numbers, off.values))
    assert found.differences[0].verdict == "worse"


def test_two_runs_are_compared_by_name() -> None:
    first = hl.run("source=digits", "trainer=decision_tree", "trainer.max_depth=3")
    second = hl.run("source=digits", "trainer=logistic_regression")
    found = hl.compare(first.id, second)
    assert found.differences[0].second == pytest.approx(second.metrics["accuracy"])
    assert found.differences[0].first == pytest.approx(first.metrics["accuracy"])
    assert "is better than" in found.verdict


def test_runs_judged_by_other_rows_are_not_compared() -> None:
    first = hl.run("source=iris", "trainer=decision_tree", "seed=1")
    second = hl.run("source=iris", "trainer=decision_tree", "seed=2")
    with pytest.raises(UsageError, match="judged by different rows"):
        hl.compare(first, second)


def test_runs_of_another_home_are_compared_by_the_rows_that_lie_there(tmp_path: Path) -> None:
    home = tmp_path / "another"
    given = ("source=iris", "trainer=decision_tree", "packager=[skops]", "~deployer")
    runs = [hl.run(*given, f"trainer.max_depth={depth}", home=home) for depth in (1, 3)]
    found = hl.compare(runs[0], runs[1])
    assert found.rows == runs[0].evidence["split"]["test"] > 0
    assert hl.compare(runs[0].id, runs[1].id, home=home).differences == found.differences
    assert hl.compare(runs[0].path, runs[1].path).differences == found.differences


def test_rows_of_one_group_are_not_taken_for_independent_ones() -> None:
    """Within a group both runs err alike, so that ten groups tell as much as ten rows."""
    rng = np.random.default_rng(0)
    numbers, target = rng.normal(size=500), Target("y", "regression")
    groups = np.repeat(np.arange(10), 50)
    errors = rng.normal(size=10)[groups], rng.normal(size=10)[groups]
    answers = (Prediction(numbers + errors[0]), Prediction(numbers + errors[1]))
    rows, grouped = (compare_predictions("a", "b", target, numbers, answers, groups=g) for g in (None, groups))
    one, other = rows.differences[1], grouped.differences[1]
    assert one.metric == other.metric == "mae"
    assert one.difference == pytest.approx(other.difference)
    assert other.high - other.low > 5 * (one.high - one.low)


def test_rows_that_weigh_nothing_say_nothing(truth: np.ndarray) -> None:
    first, second = prediction(truth, 100), prediction(truth, 20)
    weight = np.where(np.arange(len(truth)) < 100, 0.0, 2.0)
    found = compare_predictions("a", "b", TARGET, truth, (first, second), weight=weight)
    assert (found.differences[0].first, found.differences[0].second) == (1.0, 1.0)
    assert found.differences[0].verdict == "no difference shown"


def test_an_answer_that_is_no_number_is_told_rather_than_compared() -> None:
    numbers = np.arange(20.0)
    lost = numbers.copy()
    lost[3] = np.nan
    with pytest.raises(DataError, match="the rmse of run b is not a number in 1 of 20 rows"):
        compare_predictions("a", "b", Target("y", "regression"), numbers, (Prediction(numbers), Prediction(lost)))


def test_the_interval_of_a_difference_covers_it_as_often_as_it_says() -> None:
    rng, target, held = np.random.default_rng(0), Target("y", "regression"), []
    for _ in range(400):
        truth = rng.normal(size=80)
        answers = Prediction(truth + rng.normal(size=80)), Prediction(truth + 1.3 * rng.normal(size=80))
        rmse = compare_predictions("a", "b", target, truth, answers).differences[0]
        held.append(rmse.low <= 0.3 <= rmse.high)
    assert 0.9 <= np.mean(held) <= 0.98


def test_a_few_rows_answered_otherwise_show_no_difference_of_accuracy() -> None:
    """Three rows that one run alone has right say nothing: McNemar's exact test gives 0.25."""
    truth = np.array(["no", "yes"] * 270)
    second = truth.copy()
    second[:3] = np.where(truth[:3] == "no", "yes", "no")
    found = compare_predictions("a", "b", TARGET, truth, (Prediction(truth), Prediction(second))).differences[0]
    assert (found.metric, found.verdict) == ("accuracy", "no difference shown")


def test_the_interval_of_a_difference_of_accuracies_covers_it() -> None:
    rng, held = np.random.default_rng(0), []
    for _ in range(400):
        truth = np.array(["yes"] * 300)
        answers = [Prediction(np.where(rng.random(300) < share, "yes", "no")) for share in (0.97, 0.95)]
        found = compare_predictions("a", "b", TARGET, truth, (answers[0], answers[1])).differences[0]
        held.append(found.low <= -0.02 <= found.high)
    assert 0.92 <= np.mean(held) <= 0.99
