"""The slices evaluator: the metric of every slice, with an interval, and the worst of them."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl
import pytest
from sklearn.metrics import accuracy_score, mean_absolute_error

import hookline as hl
from hookline import Dataset, Prediction, Report, Roles, Scored, Target
from hookline.errors import ConfigError
from hookline_sklearn import SlicesEvaluator

BINARY = Target("y", "binary", ("no", "yes"))


def drawn(count: int, seed: int = 0) -> pl.DataFrame:
    rng = np.random.default_rng(seed)
    return pl.DataFrame(
        {"age": rng.uniform(20, 70, count), "city": pl.Series(["Oslo", "Rome", None]).gather(rng.integers(0, 3, count))}
    )


def classified(
    frame: pl.DataFrame, wrong: Any, weight: np.ndarray | None = None, **fields: Any
) -> tuple[Report, Scored]:
    """Judge answers that are wrong as often as told of each row."""
    rng = np.random.default_rng(1)
    truth = rng.choice(["no", "yes"], frame.height)
    miss = rng.random(frame.height) < wrong
    answers = np.where(miss, np.where(truth == "no", "yes", "no"), truth)
    scored = Scored.of(Dataset(frame.lazy(), Roles(target="y")), Prediction(answers), BINARY, truth, weight)
    return SlicesEvaluator(**fields).evaluate(scored), scored


def of(report: Report) -> dict[str, tuple[Any, ...]]:
    return {row[1]: row[2:] for row in report.tables[-1].rows}


def test_the_accuracy_of_every_value_is_scikit_learns() -> None:
    frame = drawn(600)
    weight = np.random.default_rng(2).uniform(0.1, 2, 600)
    report, scored = classified(frame, 0.2, weight)
    rows = (frame["city"] == "Rome").fill_null(False).to_numpy()
    expected = accuracy_score(scored.truth()[rows], scored.prediction().values[rows], sample_weight=weight[rows])
    count, value, low, high = of(report)["'city' is 'Rome'"]
    assert (count, value) == (rows.sum(), pytest.approx(expected, abs=1e-12))
    assert low < value < high


def test_the_error_of_every_range_is_scikit_learns() -> None:
    frame = drawn(500)
    rng = np.random.default_rng(3)
    truth, guess = rng.normal(size=500), rng.normal(size=500)
    rows = Dataset(frame.lazy(), Roles(target="y"))
    report = SlicesEvaluator(columns=("age",)).evaluate(
        Scored.of(rows, Prediction(guess), Target("y", "regression"), truth)
    )
    first = (frame["age"] <= np.quantile(frame["age"], 0.2, method="lower")).to_numpy()
    expected = mean_absolute_error(truth[first], guess[first])
    assert report.tables[-1].rows[0][3] == pytest.approx(expected, abs=1e-12)
    assert {row[0] for row in report.tables[-1].rows} == {"age"}


def test_intervals_hold_what_they_promise() -> None:
    held = []
    for seed in range(60):
        frame = drawn(300, seed)
        report, _ = classified(frame, np.random.default_rng(seed).permutation(300) < 60)
        held += [low <= 0.8 <= high for _, _, low, high in of(report).values()]
    assert np.mean(held) > 0.9


def test_the_worst_slice_is_told_and_none_where_all_are_alike() -> None:
    frame = drawn(2_000)
    report, _ = classified(frame, np.where(frame["city"].fill_null("") == "Rome", 0.5, 0.1))
    assert report.findings[0].subject.startswith("'city' is 'Rome'") or "'city' is 'Rome'" in report.findings[0].subject
    assert report["worst_slice_loss"] == pytest.approx(0.5, abs=0.1)
    quiet, _ = classified(frame, 0.2)
    assert quiet.findings == ()


def test_a_column_that_is_not_there_is_refused() -> None:
    with pytest.raises(ConfigError, match="the rows have no column 'sex'"):
        classified(drawn(100), 0.2, columns=("sex",))


def test_a_run_tells_slices_in_its_report(tmp_path: Any) -> None:
    evaluators = ["standard", {"component": "slices", "columns": ["mean_radius"]}]
    run = hl.run(source="breast_cancer", trainer="naive_bayes", evaluator=evaluators, monitor=[], packager=[])
    assert "worst_slice_loss" in run.metrics
    assert "Accuracy of the worst slices" in (run.path / "report.html").read_text("utf-8")
