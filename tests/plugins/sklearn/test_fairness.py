"""The fairness evaluator: rates and gaps as they are defined elsewhere, with intervals that hold."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl
import pytest
from sklearn.metrics import confusion_matrix

from hookline import Dataset, Prediction, Report, Roles, Scored, Target
from hookline.errors import ConfigError
from hookline_sklearn import FairnessEvaluator
from hookline_sklearn.evaluators.fairness import Rate, gap_of

TARGET = Target("y", "binary", ("no", "yes"))


def drawn(count: int = 900, seed: int = 0) -> tuple[pl.DataFrame, np.ndarray, np.ndarray, np.ndarray]:
    """Return rows, truth, answers and weights; those of group c are wrong more often."""
    rng = np.random.default_rng(seed)
    group = rng.choice(["a", "b", "c"], count, p=[0.5, 0.3, 0.2])
    truth = rng.choice(["no", "yes"], count)
    wrong = rng.random(count) < np.where(group == "c", 0.4, 0.1)
    answers = np.where(wrong, np.where(truth == "no", "yes", "no"), truth)
    return pl.DataFrame({"group": group}), truth, answers, rng.uniform(0.1, 3, count)


def judged(weighted: bool = False, roles: Roles | None = None, **fields: Any) -> Report:
    frame, truth, answers, weight = drawn()
    rows = Dataset(frame.lazy(), roles or Roles(target="y"))
    scored = Scored.of(rows, Prediction(answers), TARGET, truth, weight if weighted else None)
    return FairnessEvaluator(**{"column": "group"} | fields).evaluate(scored)


def rates(positive: str, weighted: bool) -> dict[str, tuple[float, float, float]]:
    """Return selection, true positive and false positive rate of each group, of scikit-learn's confusion matrices."""
    frame, truth, answers, weight = drawn()
    found = {}
    for name in ("a", "b", "c"):
        rows = (frame["group"] == name).to_numpy()
        share = {"sample_weight": weight[rows]} if weighted else {}
        ((tn, fp), (fn, tp)) = confusion_matrix(truth[rows] == positive, answers[rows] == positive, **share)
        found[name] = ((tp + fp) / (tn + fp + fn + tp), tp / (tp + fn), fp / (fp + tn))
    return found


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("positive", ["yes", "no"])
def test_rates_and_gaps_are_those_of_the_confusion_matrix_of_each_group(positive: str, weighted: bool) -> None:
    report = judged(weighted, positive=positive)
    groups, gaps = report.tables
    expected = rates(positive, weighted)
    assert {row[0]: (row[2], row[4], row[6]) for row in groups.rows} == {
        f"'group' is '{name}'": pytest.approx(found, abs=1e-12) for name, found in expected.items()
    }
    # As fairlearn defines them: the highest less the lowest; equalized odds is the larger of the last two.
    selection, true, false = (np.ptp([found[place] for found in expected.values()]) for place in range(3))
    assert report["equal_opportunity_difference"] == pytest.approx(true, abs=1e-12)
    assert report["false_positive_rate_difference"] == pytest.approx(false, abs=1e-12)
    assert report["equalized_odds_difference"] == pytest.approx(max(true, false), abs=1e-12)
    assert gaps.rows[0][:2] == ("demographic_parity_difference", pytest.approx(selection, abs=1e-12))


def test_the_interval_of_a_gap_of_two_groups_is_newcombes() -> None:
    # Newcombe (1998), table II, (a): 56/70 against 48/80, method 10.
    gap = gap_of([Rate("a", 56 / 70, 70), Rate("b", 48 / 80, 80)])
    assert gap is not None
    assert (gap.value, gap.low, gap.high) == pytest.approx((0.2, 0.0524, 0.3339), abs=1e-4)


def test_gaps_of_equal_groups_reach_to_0_as_often_as_is_promised() -> None:
    rng = np.random.default_rng(3)
    missed = 0
    for _ in range(400):
        counts = rng.binomial(80, 0.5, 4)
        gap = gap_of([Rate(str(place), count / 80, 80) for place, count in enumerate(counts)])
        assert gap is not None
        missed += gap.low > 0
    assert missed <= 400 * 0.05 + 4 * (400 * 0.05 * 0.95) ** 0.5


def test_rows_of_one_group_of_rows_tell_less() -> None:
    frame, truth, answers, _ = drawn()
    person = pl.Series("person", np.arange(900) // 30)
    rows = Dataset(frame.with_columns(person).lazy(), Roles(target="y", group="person"))
    together = FairnessEvaluator(column="group").evaluate(Scored.of(rows, Prediction(answers), TARGET, truth))
    alone = judged()
    wide, narrow = (
        next(m for m in report.metrics if m.name == "equalized_odds_difference") for report in (together, alone)
    )
    assert wide.value == narrow.value
    assert wide.high - wide.low > narrow.high - narrow.low  # type: ignore[operator]


def test_a_column_that_is_not_there_and_a_class_that_is_none_are_refused() -> None:
    with pytest.raises(ConfigError, match="the rows have no column 'sex'"):
        judged(column="sex")
    with pytest.raises(ConfigError, match="'maybe' is not a class of 'y'"):
        judged(positive="maybe")
