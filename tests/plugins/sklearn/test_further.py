"""The evaluators beside `standard`: figures that scikit-learn and scipy have agree with theirs; the others do what they say."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl
import pytest
from scipy.stats import ks_2samp
from sklearn.metrics import mean_pinball_loss, mean_poisson_deviance, top_k_accuracy_score

import hookline as hl
from hookline import Dataset, Prediction, Report, Roles, Scored, Target
from hookline.errors import DataError
from hookline_sklearn import DeviancesEvaluator, RankingEvaluator, WorstRowsEvaluator

RNG = np.random.default_rng(5)
ROWS = 400
WEIGHT = RNG.uniform(0.1, 3, ROWS)
TRUTH = RNG.integers(0, 2, ROWS)
SCORE = np.round(np.clip(0.25 * TRUTH + RNG.uniform(0, 0.75, ROWS), 0, 1), 2)
BINARY = Target("y", "binary", ("no", "yes"))
FIVE = Target("y", "multiclass", ("a", "b", "c", "d", "e"))


def scored(prediction: Prediction, target: Target, truth: np.ndarray, weight: np.ndarray | None = None) -> Scored:
    rows = Dataset(pl.LazyFrame({"x": np.arange(len(truth))}), Roles(target="y"))
    return Scored.of(rows, prediction, target, truth, weight)


def binary(weight: np.ndarray | None = None, **fields: Any) -> Report:
    labels = np.array(BINARY.classes)
    said = Prediction(labels[(SCORE >= 0.5).astype(int)], np.column_stack([1 - SCORE, SCORE]), BINARY.classes)
    return RankingEvaluator(**fields).evaluate(scored(said, BINARY, labels[TRUTH], weight))


def test_kolmogorov_smirnov_is_scipys() -> None:
    expected = ks_2samp(SCORE[TRUTH == 1], SCORE[TRUTH == 0]).statistic
    assert binary(n_bootstrap=0)["ks"] == pytest.approx(expected, abs=1e-12)


def test_gain_is_the_share_of_positive_rows_in_the_top_with_ties_in_equal_parts() -> None:
    report = binary(n_bootstrap=0, top=0.3)
    order = np.argsort(-SCORE, kind="stable")
    edge = SCORE[order][int(0.3 * ROWS) - 1]
    above, at = edge < SCORE, edge == SCORE
    part = (0.3 * ROWS - above.sum()) / at.sum()
    expected = (TRUTH[above].sum() + part * TRUTH[at].sum()) / TRUTH.sum()
    assert report["gain"] == pytest.approx(expected, abs=1e-12)
    assert report["lift"] == pytest.approx(expected / 0.3, abs=1e-12)
    assert report.tables[0].rows[2][1] == pytest.approx(expected, abs=1e-12)


def test_every_metric_lies_within_its_interval() -> None:
    for metric in binary(WEIGHT).metrics:
        assert metric.low is not None
        assert metric.high is not None
        assert metric.low <= metric.value <= metric.high


@pytest.mark.parametrize("k", [1, 2, 3])
@pytest.mark.parametrize("weight", [None, WEIGHT], ids=["alike", "weighted"])
def test_the_accuracy_of_the_top_k_is_scikit_learns_also_where_probabilities_are_equal(k: int, weight: Any) -> None:
    chances = np.round(RNG.dirichlet(np.ones(5), ROWS), 1)
    truth = RNG.integers(0, 5, ROWS)
    said = Prediction(np.array(FIVE.classes)[chances.argmax(axis=1)], chances, FIVE.classes)
    report = RankingEvaluator(k=k).evaluate(scored(said, FIVE, np.array(FIVE.classes)[truth], weight))
    expected = top_k_accuracy_score(truth, chances, k=k, sample_weight=weight, labels=range(5))
    assert report["top_k_accuracy"] == pytest.approx(expected, abs=1e-12)


def test_answers_without_probabilities_are_ranked_by_nothing() -> None:
    labels = np.array(BINARY.classes)[TRUTH]
    with pytest.raises(DataError, match="judges probabilities, and the model gives none"):
        RankingEvaluator().evaluate(scored(Prediction(labels), BINARY, labels))


@pytest.mark.parametrize("weight", [None, WEIGHT], ids=["alike", "weighted"])
def test_losses_of_quantiles_and_counts_are_scikit_learns(weight: Any) -> None:
    truth, guess = RNG.poisson(2, ROWS).astype(float), RNG.uniform(0.1, 5, ROWS)
    target = Target("y", "regression")
    report = DeviancesEvaluator(quantile=0.9).evaluate(scored(Prediction(guess), target, truth, weight))
    pinball = mean_pinball_loss(truth, guess, alpha=0.9, sample_weight=weight)
    assert report["pinball_loss"] == pytest.approx(pinball, abs=1e-12)
    poisson = mean_poisson_deviance(truth, guess, sample_weight=weight)
    assert report["poisson_deviance"] == pytest.approx(poisson, abs=1e-12)


def test_a_deviance_that_is_undefined_is_left_out_and_said() -> None:
    truth = RNG.normal(size=ROWS)
    report = DeviancesEvaluator().evaluate(scored(Prediction(truth + 1), Target("y", "regression"), truth))
    assert [metric.name for metric in report.metrics] == ["pinball_loss"]
    assert report.findings[0].message.startswith("The Poisson deviance is undefined")


def test_the_rows_that_cost_most_come_first_with_their_values() -> None:
    truth = RNG.normal(size=ROWS)
    guess = truth + np.where(np.arange(ROWS) == 17, 9.0, 0.1)
    report = WorstRowsEvaluator(n_rows=3).evaluate(scored(Prediction(guess), Target("y", "regression"), truth))
    (table,) = report.tables
    assert table.columns == ("row", "truth", "answer", "loss", "x")
    assert len(table.rows) == 3
    assert table.rows[0] == (17, truth[17], guess[17], pytest.approx(9.0), 17)


def test_a_column_that_the_model_goes_by_hurts_where_it_is_spoilt_and_another_does_not() -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(600, 2))
    frame = pl.DataFrame({"used": x[:, 0], "idle": x[:, 1], "y": np.where(x[:, 0] > 0, "yes", "no")})
    run = hl.run(source=frame, target="y", trainer="decision_tree", evaluator=["robustness"], monitor=[], packager=[])
    (report,) = [one for one in run.evidence["reports"] if one["stage"] == "evaluator.robustness"]
    grown = {(row[0], row[1]): row[2] for row in report["tables"][0]["rows"]}
    assert grown["used", "shifted by 1 sd"] > 1
    assert grown["used", "noise of 1 sd"] > 1
    assert grown["used", "missing"] > 0.1
    assert {grown["idle", what] for what in ("missing", "shifted by 1 sd", "noise of 1 sd")} == {0.0}
