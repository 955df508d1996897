"""What a comparison says beyond means of rows: bootstrap, labels that changed, slices, folds, margins, and several runs."""

from __future__ import annotations

import json
import math
import statistics
from typing import Any

import numpy as np
import polars as pl
import pytest
from scipy import stats
from sklearn.metrics import balanced_accuracy_score, r2_score, roc_auc_score

import hookline as hl
from hookline.errors import UsageError
from hookline.kinds.artifacts import Target
from hookline.kinds.fitted import Prediction
from hookline.quality.intervals import Units
from hookline.runs.comparing.difference import Difference
from hookline.runs.comparing.labels import McNemar, mid_p
from hookline.runs.comparing.rows import of_figures
from hookline.runs.comparing.slices import sliced
from hookline.runs.comparison import compare_predictions
from kit.command_line import Told

TARGET = Target("y", "binary", ("no", "yes"))


def scored(seed: int, rows: int = 300, noise: float = 1.0) -> tuple[np.ndarray, Prediction]:
    """Return labels, and noisy probabilities of them with ties."""
    rng = np.random.default_rng(seed)
    truth = np.where(np.random.default_rng(0).random(rows) < 0.4, "yes", "no")
    score = np.round(1 / (1 + np.exp(-(np.where(truth == "yes", 1, -1) + noise * rng.normal(size=rows)))), 2)
    values = np.where(score > 0.5, "yes", "no")
    return truth, Prediction(values, np.column_stack([1 - score, score]), TARGET.classes)


def doubled(one: Prediction) -> Prediction:
    """Return a prediction of the rows twice over."""
    assert one.probabilities is not None
    return Prediction(np.tile(one.values, 2), np.tile(one.probabilities, (2, 1)), one.classes)


def test_metrics_that_are_no_means_are_those_of_scikit_learn_also_with_weights() -> None:
    (truth, first), (_, second) = scored(1), scored(2, noise=2.0)
    weight = np.random.default_rng(3).integers(0, 4, len(truth)).astype(np.float64)
    found = {one.metric: one for one in of_figures(TARGET, truth, (first, second), Units.among(weight, None))}
    assert second.probabilities is not None
    auc = roc_auc_score(truth == "yes", second.probabilities[:, 1], sample_weight=weight)
    balanced = balanced_accuracy_score(truth, second.values, sample_weight=weight)
    assert found["roc_auc"].second == pytest.approx(auc, abs=1e-12)
    assert found["balanced_accuracy"].second == pytest.approx(balanced, abs=1e-12)
    assert found["roc_auc"].verdict == "worse"
    numbers = np.random.default_rng(4).normal(size=100)
    guesses = [Prediction(numbers + noise) for noise in np.random.default_rng(5).normal(size=(2, 100))]
    target = Target("y", "regression")
    r2 = of_figures(target, numbers, (guesses[0], guesses[1]), Units.among(np.ones(100), None))[0]
    assert r2.first == pytest.approx(r2_score(numbers, guesses[0].values), abs=1e-12)


def test_the_bootstrap_is_paired_and_by_groups() -> None:
    (truth, first), (_, second) = scored(1), scored(1, noise=1.1)
    alone = of_figures(TARGET, truth, (first, second), Units.among(np.ones(300), None))[-1]
    assert alone.high - alone.low < 0.05  # Each area alone varies by 0.08.
    twice = [doubled(one) for one in (first, second)]
    units = Units.among(np.ones(600), np.tile(np.arange(300), 2))
    grouped = of_figures(TARGET, np.tile(truth, 2), (twice[0], twice[1]), units)[-1]
    assert (grouped.low, grouped.high) == pytest.approx((alone.low, alone.high), abs=1e-9)


@pytest.mark.parametrize(("first", "second"), [(0, 0), (5, 0), (46, 21), (30, 30), (700, 800)])
def test_mcnemar_is_the_mid_p_of_the_exact_test(first: int, second: int) -> None:
    count, fewer = first + second, min(first, second)
    wanted = min(1.0, 2 * stats.binom.cdf(fewer, count, 0.5) - stats.binom.pmf(fewer, count, 0.5)) if count else 1.0
    assert mid_p(first, second) == pytest.approx(wanted, abs=0.002 if count > 1000 else 1e-12)


def test_mcnemar_counts_the_rows_on_which_one_alone_is_right() -> None:
    truth = np.array(["yes"] * 6)
    found = McNemar.of(
        truth, np.array(["yes", "yes", "yes", "no", "no", "no"]), np.array(["yes", "no", "no", "yes", "no", "no"])
    )
    assert (found.only_first, found.only_second) == (2, 1)


@pytest.mark.parametrize(
    ("low", "high", "margin", "verdict"),
    [
        (-0.005, 0.02, 0.01, "no worse than by 0.01"),
        (-0.02, 0.02, 0.01, "not shown to be within 0.01"),
        (-0.05, -0.02, 0.01, "worse"),
        (-0.008, -0.002, 0.01, "no worse than by 0.01"),
        (0.01, 0.02, 0.01, "better"),
        (-0.02, 0.02, None, "no difference shown"),
    ],
)
def test_a_margin_is_kept_where_the_interval_is_above_it(
    low: float, high: float, margin: float | None, verdict: str
) -> None:
    middle = (low + high) / 2
    assert (
        Difference("accuracy", 0.8, 0.8 + middle, low, high, greater_is_better=True, margin=margin).verdict == verdict
    )
    mirrored = Difference("rmse", 0.8, 0.8 - middle, -high, -low, greater_is_better=False, margin=margin)
    assert mirrored.verdict == verdict


def test_of_many_slices_what_may_be_chance_is_not_told() -> None:
    rows = pl.DataFrame({"shop": [f"s{number % 10}" for number in range(1000)]})
    shaky = Difference("accuracy", 0.5, 0.54, 0.001, 0.079, greater_is_better=True)
    sure = Difference("accuracy", 0.5, 0.7, 0.15, 0.25, greater_is_better=True)
    first = pl.Series(rows["shop"] == "s0").to_numpy()
    found = sliced(rows, ["shop"], lambda mask: sure if mask[first].any() else shaky)
    told = {one.slice: one.verdict for one in found}
    assert told.pop("shop=s0") == "better"
    assert set(told.values()) == {"no difference shown"}
    assert shaky.verdict == "better"


def people(rows: int = 600) -> pl.DataFrame:
    rng = np.random.default_rng(0)
    age, sex = rng.integers(18, 80, rows), np.where(rng.random(rows) < 0.5, "f", "m")
    wanted = np.where(sex == "m", age > 50, (age > 30) & (age < 60)) ^ (rng.random(rows) < 0.1)
    return pl.DataFrame({"age": age, "sex": sex, "label": np.where(wanted, "yes", "no")})


def trained(trainer: Any) -> hl.Run:
    given: dict[str, Any] = {"packager": ["skops"], "monitor": [], "split": {"folds": 3}, "deployer": None}
    return hl.run(source=people(), target="label", trainer=trainer, name="people", **given)


@pytest.fixture
def runs() -> tuple[hl.Run, hl.Run]:
    return trained("decision_tree"), trained("logistic_regression")


def test_runs_are_compared_by_slices_folds_and_with_a_margin(runs: tuple[hl.Run, hl.Run], hookline: Told) -> None:
    first, second = runs
    found = hl.compare(first, second, margins={"accuracy": 0.01}, by=["sex", "age"])
    assert {one.slice for one in found.slices[:2]} == {"sex=f", "sex=m"}
    assert sum(one.rows for one in found.slices) == 2 * found.rows
    apart = [b - a for a, b in zip(first.folds["accuracy"], second.folds["accuracy"], strict=True)]
    folds = found.folds[0]
    share = sum(first.folds["test"].to_list()) / sum(first.folds["train"].to_list())
    half = stats.t.ppf(0.975, 2) * statistics.stdev(apart) * math.sqrt(1 / 3 + share)
    assert folds.metric == "folds.accuracy"
    assert (folds.difference, folds.high - folds.low) == pytest.approx((statistics.fmean(apart), 2 * half), rel=2e-3)
    assert f"{second.id} is worse in accuracy: accuracy 0." in found.notes[0]
    assert "McNemar: only the first is right on " in found.notes[2]
    code, told, _ = hookline("compare", first.id, second.id, "--margin", "accuracy=0.01", "--by", "sex", "--json")
    assert code == 0
    plain = json.loads(told)
    assert plain["verdict"] == found.verdict
    assert {one["slice"] for one in plain["slices"]} == {"sex=f", "sex=m"}
    assert plain["mcnemar"]["p"] < 0.05
    assert "McNemar: only the first" in found._repr_html_()
    assert "sex=m" in found._repr_html_()


def test_several_runs_are_held_against_the_first(runs: tuple[hl.Run, hl.Run], hookline: Told) -> None:
    first, second = runs
    found = hl.compare(first, second, first)
    assert [one.second for one in found.found] == [second.id, first.id]
    assert found.frame()["run"].n_unique() == 2
    code, told, said = hookline("compare", first.id, second.id, first.id)
    assert code == 0
    assert told.count("log_loss") == 4  # Of rows, and of folds.
    assert f"show no difference between {first.id} and {first.id}" in said
    assert hookline("compare", first.id, second.id, "--margin", "acuracy=0.1")[0] == 2
    assert "write METRIC=NUMBER" in hookline("compare", first.id, second.id, "--margin", "accuracy")[2]


def test_a_margin_of_what_is_not_compared_is_refused() -> None:
    truth, first = scored(1)
    with pytest.raises(UsageError, match="no margin can be kept in 'f1'"):
        compare_predictions("a", "b", TARGET, truth, (first, first), margins={"f1": 0.1})
