"""The evaluators, against sklearn.metrics; intervals, tables, charts and findings."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics
from sklearn.linear_model import LinearRegression, LogisticRegression

import hookline as hl
from hookline import Prediction, Report, Scored, Target
from hookline.errors import ConfigError, DataError
from hookline.kinds.plain import from_json, to_json
from hookline.kinds.scored import Held
from hookline_sklearn import ClassificationEvaluator, RegressionEvaluator, StandardEvaluator

BINARY = Target("y", "binary", ("no", "yes"))
THREE = Target("y", "multiclass", ("a", "b", "c"))
NUMBER = Target("y", "regression")


def classified(target: Target, rows: int = 500, seed: int = 0, ties: bool = True) -> tuple[np.ndarray, Prediction]:
    rng = np.random.default_rng(seed)
    size = len(target.classes)
    codes = rng.choice(size, rows, p=np.arange(1, size + 1) / np.arange(1, size + 1).sum())
    scores = rng.random((rows, size)) + 0.5 * np.eye(size)[codes]
    probabilities = scores / scores.sum(axis=1, keepdims=True)
    if ties:
        first = probabilities[:, :-1].round(1)
        probabilities = np.column_stack([first, 1 - first.sum(axis=1)]).clip(0, 1)
    labels = np.array(target.classes)
    return labels[codes], Prediction(labels[probabilities.argmax(axis=1)], probabilities, target.classes)


def judged(target: Target, truth: np.ndarray, prediction: Prediction, weight: Any = None, **options: Any) -> Report:
    return StandardEvaluator(**({"n_bootstrap": 0} | options)).evaluate(scored(truth, prediction, target, weight))


def scored(truth: np.ndarray, prediction: Prediction, target: Target, weight: Any = None) -> Scored:
    return Scored(pl.LazyFrame(), target, held=Held(prediction, truth, weight))


def weights(rows: int, how: str) -> np.ndarray | None:
    rng = np.random.default_rng(9)
    return {"equal": None, "fractions": rng.random(rows) + 0.1, "with zeros": rng.integers(0, 3, rows).astype(float)}[
        how
    ]


@pytest.mark.parametrize("how", ["equal", "fractions", "with zeros"])
@pytest.mark.parametrize("ties", [True, False])
def test_metrics_of_two_classes_equal_scikit_learns(how: str, ties: bool) -> None:
    truth, prediction = classified(BINARY, ties=ties)
    w = weights(len(truth), how)
    y, guess = truth == "yes", prediction.values == "yes"
    scores = np.asarray(prediction.probabilities)[:, 1]
    precision, recall, f1, _ = metrics.precision_recall_fscore_support(y, guess, average="binary", sample_weight=w)
    golden = {
        "accuracy": metrics.accuracy_score(y, guess, sample_weight=w),
        "balanced_accuracy": metrics.balanced_accuracy_score(y, guess, sample_weight=w),
        "precision": precision,
        "recall": recall,
        "f1": f1,
        "f1_macro": metrics.f1_score(y, guess, average="macro", sample_weight=w),
        "precision_weighted": metrics.precision_score(y, guess, average="weighted", sample_weight=w),
        "recall_macro": metrics.recall_score(y, guess, average="macro", sample_weight=w),
        "roc_auc": metrics.roc_auc_score(y, scores, sample_weight=w),
        "pr_auc": metrics.average_precision_score(y, scores, sample_weight=w),
        "log_loss": metrics.log_loss(y, np.asarray(prediction.probabilities), sample_weight=w),
        "brier": metrics.brier_score_loss(y, scores, sample_weight=w),
    }
    report = judged(BINARY, truth, prediction, w)
    for name, value in golden.items():
        assert report[name] == pytest.approx(value, abs=1e-9), name


@pytest.mark.parametrize("how", ["equal", "fractions", "with zeros"])
def test_metrics_of_several_classes_equal_scikit_learns(how: str) -> None:
    truth, prediction = classified(THREE)
    w = weights(len(truth), how)
    guess, scores = prediction.values, np.asarray(prediction.probabilities)
    one_hot = (truth[:, None] == np.array(THREE.classes)).astype(int)
    golden = {
        "accuracy": metrics.accuracy_score(truth, guess, sample_weight=w),
        "balanced_accuracy": metrics.balanced_accuracy_score(truth, guess, sample_weight=w),
        "f1_macro": metrics.f1_score(truth, guess, average="macro", sample_weight=w),
        "f1_weighted": metrics.f1_score(truth, guess, average="weighted", sample_weight=w),
        "precision_macro": metrics.precision_score(truth, guess, average="macro", sample_weight=w),
        "recall_weighted": metrics.recall_score(truth, guess, average="weighted", sample_weight=w),
        "roc_auc": metrics.roc_auc_score(truth, scores, multi_class="ovr", sample_weight=w),
        "pr_auc": metrics.average_precision_score(one_hot, scores, sample_weight=w),
        "log_loss": metrics.log_loss(truth, scores, sample_weight=w),
        "brier": np.average(((scores - one_hot) ** 2).sum(axis=1), weights=w),
    }
    report = judged(THREE, truth, prediction, w)
    for name, value in golden.items():
        assert report[name] == pytest.approx(value, abs=1e-9), name
    assert "precision" not in {metric.name for metric in report.metrics}


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.booleans(), st.integers(0, 8)), min_size=2, max_size=40))
def test_areas_equal_scikit_learns_whatever_the_ties(rows: list[tuple[bool, int]]) -> None:
    y, scores = np.array([row[0] for row in rows]), np.array([row[1] / 8 for row in rows])
    if y.all() or not y.any():
        return
    labels = np.array(BINARY.classes)
    prediction = Prediction(labels[(scores > 0.5).astype(int)], np.column_stack([1 - scores, scores]), BINARY.classes)
    report = judged(BINARY, labels[y.astype(int)], prediction)
    assert report["roc_auc"] == pytest.approx(metrics.roc_auc_score(y, scores), abs=1e-9)
    assert report["pr_auc"] == pytest.approx(metrics.average_precision_score(y, scores), abs=1e-9)


@pytest.mark.parametrize("how", ["equal", "fractions", "with zeros"])
def test_metrics_of_numbers_equal_scikit_learns(how: str) -> None:
    rng = np.random.default_rng(0)
    y = rng.normal(10, 3, 301)
    guess = y + rng.normal(0, 1, 301)
    w = weights(301, how)
    report = judged(NUMBER, y, Prediction(guess), w)
    golden = {
        "rmse": metrics.root_mean_squared_error(y, guess, sample_weight=w),
        "mae": metrics.mean_absolute_error(y, guess, sample_weight=w),
        "r2": metrics.r2_score(y, guess, sample_weight=w),
        "mape": metrics.mean_absolute_percentage_error(y, guess, sample_weight=w),
    }
    if how != "fractions":
        times = np.ones(301, dtype=int) if w is None else w.astype(int)
        golden["median_absolute_error"] = metrics.median_absolute_error(y.repeat(times), guess.repeat(times))
    for name, value in golden.items():
        assert report[name] == pytest.approx(value, abs=1e-9), name


@pytest.mark.parametrize("target", [BINARY, THREE], ids=["binary", "multiclass"])
def test_intervals_of_classes_cover_the_point(target: Target) -> None:
    truth, prediction = classified(target)
    for metric in judged(target, truth, prediction, n_bootstrap=100).metrics:
        assert metric.low is not None, metric.name
        assert metric.high is not None
        assert metric.low < metric.value < metric.high, metric.name


def test_the_interval_of_a_mean_error_is_the_one_of_theory() -> None:
    rng = np.random.default_rng(0)
    y = rng.normal(size=2_000)
    errors = rng.exponential(size=2_000)
    (mae,) = (m for m in judged(NUMBER, y, Prediction(y + errors), n_bootstrap=800).metrics if m.name == "mae")
    half = 1.96 * errors.std() / 2_000**0.5
    assert mae.low == pytest.approx(errors.mean() - half, abs=0.15 * half)
    assert mae.high == pytest.approx(errors.mean() + half, abs=0.15 * half)


def test_the_interval_of_many_rows_has_the_width_of_all_of_them() -> None:
    rng = np.random.default_rng(0)
    y = rng.normal(size=80_000)
    errors = rng.exponential(size=80_000)
    (mae,) = (m for m in judged(NUMBER, y, Prediction(y + errors), n_bootstrap=300).metrics if m.name == "mae")
    assert mae.low is not None
    assert mae.high is not None
    assert mae.value == pytest.approx(errors.mean())
    assert mae.high - mae.low == pytest.approx(2 * 1.96 * errors.std() / 80_000**0.5, rel=0.25)
    assert mae.low < mae.value < mae.high


def test_no_resamples_mean_no_interval() -> None:
    assert all(m.low is None and m.high is None for m in judged(BINARY, *classified(BINARY)).metrics)


def test_a_seed_gives_the_same_report() -> None:
    truth, prediction = classified(BINARY)
    first, again, other = (judged(BINARY, truth, prediction, n_bootstrap=50, seed=seed) for seed in (0, 0, 1))
    assert first == again
    assert first.metrics != other.metrics


def test_losses_are_better_when_smaller() -> None:
    names = {m.name for m in judged(BINARY, *classified(BINARY)).metrics if not m.greater_is_better}
    names |= {
        m.name for m in judged(NUMBER, np.arange(1.0, 9), Prediction(np.ones(8))).metrics if not m.greater_is_better
    }
    assert names == {"log_loss", "brier", "rmse", "mae", "median_absolute_error", "mape"}


def test_the_positive_class_may_be_chosen() -> None:
    truth, prediction = classified(BINARY)
    report = judged(BINARY, truth, prediction, positive="no")
    assert report["recall"] == pytest.approx(metrics.recall_score(truth, prediction.values, pos_label="no"), abs=1e-9)
    scores = np.asarray(prediction.probabilities)[:, 0]
    assert report["pr_auc"] == pytest.approx(metrics.average_precision_score(truth == "no", scores), abs=1e-9)


def test_a_positive_class_that_is_none_is_refused() -> None:
    with pytest.raises(
        ConfigError, match=r"evaluator\.standard\.positive: 'maybe' is not a class of 'y', which has 'no' and 'yes'"
    ):
        judged(BINARY, *classified(BINARY), positive="maybe")
    with pytest.raises(ConfigError, match="only a binary target has a positive class"):
        judged(THREE, *classified(THREE), positive="a")


def test_labels_may_be_numbers_and_truths() -> None:
    for classes in ((0, 1), (False, True)):
        target = Target("y", "binary", classes)
        truth, prediction = classified(target)
        assert judged(target, truth, prediction)["recall"] == pytest.approx(
            metrics.recall_score(truth.astype(int), prediction.values.astype(int)), abs=1e-9
        )


def test_a_model_without_probabilities_is_judged_by_its_labels() -> None:
    truth, prediction = classified(BINARY)
    report = judged(BINARY, truth, Prediction(prediction.values, classes=BINARY.classes))
    names = {metric.name for metric in report.metrics}
    assert "f1" in names
    assert not names & {"roc_auc", "pr_auc", "log_loss", "brier"}
    assert [chart.name for chart in report.charts] == ["confusion_matrix"]


def test_the_confusion_matrix_equals_scikit_learns() -> None:
    truth, prediction = classified(THREE)
    (table,) = (table for table in judged(THREE, truth, prediction).tables if table.name == "confusion_matrix")
    np.testing.assert_array_equal([row[1:] for row in table.rows], metrics.confusion_matrix(truth, prediction.values))


def test_metrics_per_class_equal_scikit_learns() -> None:
    truth, prediction = classified(THREE)
    golden = np.array(metrics.precision_recall_fscore_support(truth, prediction.values)).T
    (table,) = (table for table in judged(THREE, truth, prediction).tables if table.name == "per_class")
    np.testing.assert_allclose([row[1:] for row in table.rows], golden, atol=1e-9)


def test_classes_that_the_test_rows_lack_are_told() -> None:
    truth, prediction = classified(THREE)
    kept = truth != "b"
    report = judged(
        THREE,
        truth[kept],
        Prediction(prediction.values[kept], np.asarray(prediction.probabilities)[kept], THREE.classes),
    )
    (finding,) = report.findings
    assert "hold no b" in finding.message
    assert np.isfinite(report["roc_auc"])


def test_areas_of_one_class_alone_are_left_out() -> None:
    report = judged(
        BINARY, np.array(["no"] * 5), Prediction(np.array(["no"] * 5), np.full((5, 2), 0.5), BINARY.classes)
    )
    assert not {"roc_auc", "pr_auc"} & {metric.name for metric in report.metrics}
    assert "hold no yes" in report.findings[0].message
    assert report["accuracy"] == 1


def test_a_zero_in_the_truth_leaves_out_the_percentage_error_and_says_so() -> None:
    report = judged(NUMBER, np.array([0.0, 1.0, 2.0]), Prediction(np.array([0.1, 1.0, 2.0])))
    assert "mape" not in {metric.name for metric in report.metrics}
    assert [finding.subject for finding in report.findings] == ["mape"]


def test_the_interval_of_r2_stays_with_that_of_rmse_where_one_row_outweighs_the_rest() -> None:
    rng = np.random.default_rng(0)
    y = rng.normal(20, 14, 2_000)
    guess = y + rng.normal(0, 1, 2_000)
    guess[0] += 100
    report = judged(NUMBER, y, Prediction(guess), n_bootstrap=20)
    rmse, r2 = (next(metric for metric in report.metrics if metric.name == name) for name in ("rmse", "r2"))
    # The spread of the truth is well known here, so that R2 is as uncertain as the squares of the errors are.
    assert r2.low == pytest.approx(1 - rmse.high**2 / y.var(), abs=0.05)  # type: ignore[operator]
    assert r2.low > 0.7  # type: ignore[operator]
    assert report.findings == ()


def test_a_constant_truth_leaves_out_r2_and_says_so() -> None:
    report = judged(NUMBER, np.full(3, 4.0), Prediction(np.array([4.0, 5.0, 6.0])), n_bootstrap=20)
    assert "r2" not in {metric.name for metric in report.metrics}
    assert [finding.subject for finding in report.findings] == ["r2"]


@pytest.mark.parametrize(
    ("truth", "prediction", "weight", "message"),
    [
        ([], [], None, "there are no rows to evaluate on"),
        ([1.0], [1.0, 2.0], None, "1 true values, but 2 predictions"),
        ([1.0, 2.0], [1.0, np.nan], None, "the prediction is not a finite number in 1 of 2"),
        ([1.0, np.inf], [1.0, 2.0], None, "the truth is not a finite number in 1 of 2"),
        ([1.0, 2.0], [1.0, 2.0], [1.0, -1.0], "none negative"),
        ([1.0, 2.0], [1.0, 2.0], [0.0, 0.0], "not all zero"),
        ([1.0, 2.0], [1.0, 2.0], [1.0, np.nan], "must be present"),
    ],
)
def test_what_cannot_be_judged_is_refused(truth: Any, prediction: Any, weight: Any, message: str) -> None:
    with pytest.raises(DataError, match=message):
        judged(NUMBER, np.array(truth), Prediction(np.array(prediction)), None if weight is None else np.array(weight))


def test_probabilities_that_are_none_are_refused() -> None:
    truth, prediction = classified(BINARY, rows=4)
    scores = np.array(prediction.probabilities)
    scores[1] = np.nan
    with pytest.raises(DataError, match="gives no probability for 1 of the rows"):
        judged(BINARY, truth, Prediction(prediction.values, scores, BINARY.classes))


def test_labels_that_training_never_saw_are_named() -> None:
    with pytest.raises(DataError, match="labels that training never saw: maybe"):
        judged(BINARY, np.array(["no", "maybe"]), Prediction(np.array(["no", "no"]), classes=BINARY.classes))


def test_an_evaluator_of_another_task_is_refused() -> None:
    with pytest.raises(DataError, match="cannot judge a regression target"):
        ClassificationEvaluator().evaluate(scored(np.ones(2), Prediction(np.ones(2)), NUMBER))
    with pytest.raises(DataError, match="cannot judge a binary target"):
        RegressionEvaluator().evaluate(scored(*classified(BINARY), BINARY))


@pytest.mark.parametrize("target", [BINARY, THREE, NUMBER], ids=lambda target: target.task)
def test_a_report_is_plain_data_with_charts_that_hold_few_points(target: Target) -> None:
    rng = np.random.default_rng(0)
    y = rng.normal(size=5_000)
    numbers = Prediction(y + rng.normal(size=5_000))
    truth, prediction = (y, numbers) if target.task == "regression" else classified(target, 5_000, ties=False)
    report = judged(target, truth, prediction)
    back = from_json(Report, json.loads(json.dumps(to_json(report))))
    assert back.metrics == report.metrics
    assert report.charts
    assert all(len(json.dumps(chart.spec)) < 60_000 for chart in report.charts)
    assert all("data" in json.dumps(chart.spec) for chart in report.charts)


@pytest.mark.parametrize("error", [0.0, 1.0, 1e-17, -1e12])
def test_errors_that_are_all_the_same_are_drawn_too(error: float) -> None:
    y = np.random.default_rng(0).normal(size=50)
    report = judged(NUMBER, y, Prediction(y + error))
    (chart,) = (chart for chart in report.charts if chart.name == "residuals")
    assert sum(bar["rows"] for bar in chart.spec["data"]["values"]) == 50


def test_a_run_weighs_its_test_rows() -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(size=400)
    frame = pl.DataFrame({"x": x, "w": rng.integers(1, 5, 400), "y": 2 * x + rng.normal(size=400)})
    run = hl.run(source=frame, roles={"target": "y", "weight": "w"}, trainer="linear_regression", seed=1)
    plain = hl.run(source=frame.drop("w"), target="y", trainer="linear_regression", seed=1)
    assert run.metrics["mae"] != plain.metrics["mae"]
    assert run.metrics["mae"] == pytest.approx(plain.metrics["mae"], rel=0.2)


def test_any_scikit_learn_estimator_gets_the_same_report() -> None:
    rng = np.random.default_rng(0)
    X = rng.normal(size=(200, 2))
    labels = np.where(X[:, 0] > 0, "up", "down")
    model = LogisticRegression().fit(X, labels)
    report = hl.evaluate(model, X, labels)
    assert report["accuracy"] == metrics.accuracy_score(labels, model.predict(X))
    line = LinearRegression().fit(X, X[:, 0])
    assert hl.evaluate(line, X, X[:, 0] + 1)["mae"] == pytest.approx(1)
