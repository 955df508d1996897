"""The model drift monitor: quality measured by labels, estimated without them, and not estimated where that would mislead."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from sklearn.linear_model import LinearRegression, LogisticRegression

from hookline import Dataset, Metrics, Prediction, Reference, Report, Roles, Scored, Target
from hookline.errors import StoreError
from hookline.quality.distributions import answers_of, profile
from hookline_sklearn import ModelDriftMonitor, StandardEvaluator
from hookline_sklearn.monitors.estimating import Answers, estimated

BINARY = Target("y", "binary", ("no", "yes"))
NUMBER = Target("y", "regression")
ROLES = Roles(target="y")


def draw(rows: int, seed: int, by: float = 0.0, flipped: float = 0.0) -> tuple[np.ndarray, np.ndarray]:
    """X, (rows, 2), moved `by` along the first column, and the class; `flipped` of which is the other one instead."""
    rng = np.random.default_rng(seed)
    X = rng.normal([by, 0.0], 1, (rows, 2))
    y = rng.random(rows) < 1 / (1 + np.exp(-2 * X[:, 0] + X[:, 1] ** 2 / 2))
    return X, np.where(rng.random(rows) < flipped, ~y, y).astype(int)


MODEL = LogisticRegression().fit(*draw(2_000, 7))


def scored(X: np.ndarray, y: np.ndarray, known: np.ndarray | None = None, model: Any = MODEL) -> Scored:
    """Return answers to rows, with the truth of those that are known."""
    frame = pl.DataFrame({"a": X[:, 0], "b": X[:, 1]})
    prediction = Prediction(np.array(BINARY.classes)[model.predict(X)], model.predict_proba(X), BINARY.classes)
    truth = np.array(BINARY.classes)[y]
    whole = Scored.of(Dataset(frame.lazy(), ROLES), prediction, BINARY, truth)
    if known is None:
        return whole
    told = pl.when(pl.Series(known)).then("truth")
    return replace(whole, frame=whole.frame.with_columns(truth=told), held=None)


def trained(held_out: Scored, folder: Path) -> Reference:
    """Return what a package remembers: metrics, answers, and what the monitor left at training."""
    metrics = Metrics(StandardEvaluator().evaluate(held_out).metrics)
    rows = held_out.rows()
    known = profile(rows.frame, rows.feature_columns())
    reference = Reference(known, rows, target=held_out.target, metrics=metrics, answers=answers_of(held_out))
    report = ModelDriftMonitor().check(held_out, reference)
    assert report.findings == ()
    for name, content in report.files.items():
        (folder / name).write_bytes(content)
    return replace(reference, dataset=None, files={name: folder / name for name in report.files})


@pytest.fixture(scope="module")
def reference(tmp_path_factory: pytest.TempPathFactory) -> Reference:
    return trained(scored(*draw(3_000, 0)), tmp_path_factory.mktemp("package"))


def subjects(report: Report) -> list[tuple[str, str]]:
    return [(finding.subject, finding.severity) for finding in report.findings]


def test_labels_that_tell_of_worse_answers_are_a_finding_and_others_are_none(reference: Reference) -> None:
    assert ModelDriftMonitor().check(scored(*draw(2_000, 1)), reference).findings == ()
    report = ModelDriftMonitor().check(scored(*draw(2_000, 2, flipped=0.15)), reference)
    assert {name for name, _ in subjects(report)} == {"accuracy", "roc_auc", "log_loss"}
    told = {finding.subject: finding for finding in report.findings}
    assert told["accuracy"].statistic == "measured change"
    assert told["accuracy"].value == pytest.approx(reference.metrics["accuracy"].value - report["measured_accuracy"])
    assert "measured on 2,000 rows" in told["accuracy"].message


def test_quality_is_estimated_while_labels_are_late_and_corrected_when_they_come(reference: Reference) -> None:
    X, y = draw(3_000, 3, by=-0.4)
    late, come = scored(X, y, np.zeros(3_000, dtype=bool)), scored(X, y)
    guess, truth = (ModelDriftMonitor().check(rows, reference) for rows in (late, come))
    assert guess["estimated_accuracy"] == pytest.approx(truth["measured_accuracy"], abs=0.02)
    assert guess["estimated_log_loss"] == pytest.approx(truth["measured_log_loss"], abs=0.04)
    assert not any(metric.name.startswith("estimated") for metric in truth.metrics)
    assert "if a row of the same kind and score" in guess.tables[0].name
    half = ModelDriftMonitor().check(scored(X, y, np.arange(3_000) < 1_000), reference)
    assert {metric.name for metric in half.metrics} >= {"measured_accuracy", "estimated_accuracy"}
    assert [table.name.rpartition(": ")[2] for table in half.tables] == ["1,000 rows", "2,000 rows"]


def test_harder_rows_are_told_before_any_label_comes(reference: Reference) -> None:
    # Rows nearer to where the classes meet, of which the held-out rows hold enough.
    rng = np.random.default_rng(4)
    X, y = draw(20_000, 4)
    hard = np.abs(MODEL.decision_function(X)) < 0.8
    kept = np.flatnonzero(hard | (rng.random(20_000) < 0.15))[:3_000]
    none = np.zeros(len(kept), dtype=bool)
    report = ModelDriftMonitor().check(scored(X[kept], y[kept], none), reference)
    told = {finding.subject: finding for finding in report.findings}
    assert "accuracy" in told
    assert "estimated on 3,000 rows" in told["accuracy"].message
    right = (MODEL.predict(X[kept]) == y[kept]).mean()
    assert report["estimated_accuracy"] == pytest.approx(right, abs=0.03)


def test_nothing_is_estimated_where_hardly_any_held_out_row_is_like_the_current_ones(reference: Reference) -> None:
    X, y = draw(1_000, 5, by=6.0)
    report = ModelDriftMonitor().check(scored(X, y, np.zeros(1_000, dtype=bool)), reference)
    assert subjects(report) == [("estimate", "info")]
    assert "the rows have moved so far" in report.findings[0].message
    assert "300 are needed" in report.findings[0].message
    assert report.metrics == ()


def test_the_interval_of_an_estimate_holds_what_comes_true(reference: Reference) -> None:
    def answers(rows: int, seed: int) -> Answers:
        X, y = draw(rows, seed)
        return Answers(MODEL.predict(X), MODEL.predict_proba(X), np.ones(rows), y)

    held = 0
    for seed in range(4):
        known, current = answers(1_000, 100 + seed), answers(300, 200 + seed)
        found = {metric.name: metric for metric in estimated(known, current, None, seed)}["accuracy"]
        assert found.low is not None
        assert found.high is not None
        held += found.low <= (current.guess == current.truth).mean() <= found.high
    assert held >= 3


def test_what_is_missing_is_said(reference: Reference, tmp_path: Path) -> None:
    X, y = draw(300, 6)
    none = np.zeros(300, dtype=bool)
    late = scored(X, y, none)
    poor = ModelDriftMonitor().check(late, replace(reference, files={}))
    assert subjects(poor) == [("labels", "info")]
    assert "keeps no held-out rows" in poor.findings[0].message
    assert subjects(ModelDriftMonitor().check(late, replace(reference, metrics=None))) == [("metrics", "info")]
    few = ModelDriftMonitor().check(scored(X[:20], y[:20]), reference)
    assert subjects(few) == [("rows", "info")]
    (tmp_path / "held_out.arrow").write_bytes(b"torn")
    torn = replace(reference, files={"held_out.arrow": tmp_path / "held_out.arrow"})
    with pytest.raises(StoreError, match=r"held_out\.arrow"):
        ModelDriftMonitor().check(late, torn)


def test_of_numbers_quality_is_measured_and_never_estimated(tmp_path: Path) -> None:
    def numbers(rows: int, seed: int, noise: float) -> Scored:
        rng = np.random.default_rng(seed)
        X = rng.normal(size=(rows, 2))
        y = X @ [1.0, -2.0] + noise * rng.normal(size=rows)
        answers = Prediction(LinearRegression().fit(X, y).predict(X))
        return Scored.of(Dataset(pl.DataFrame({"a": X[:, 0], "b": X[:, 1]}).lazy(), ROLES), answers, NUMBER, y)

    known = trained(numbers(1_000, 0, 1.0), tmp_path)
    assert known.files == {}
    assert ModelDriftMonitor().check(numbers(1_000, 1, 1.0), known).findings == ()
    report = ModelDriftMonitor().check(numbers(1_000, 2, 1.5), known)
    assert {name for name, _ in subjects(report)} == {"rmse", "mae"}
    late = numbers(1_000, 3, 1.5)
    waiting = ModelDriftMonitor().check(replace(late, frame=late.frame.drop("truth"), held=None), known)
    assert subjects(waiting) == [("labels", "info")]
    assert "waits for labels" in waiting.findings[0].message
