"""A model that tells no more than a constant guess is told, with what stands beside its score."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

import hookline as hl
from hookline import Finding, Prediction, Scored, Target
from hookline.kinds.scored import Held
from hookline_sklearn import StandardEvaluator

BINARY, NUMBER = Target("y", "binary", ("no", "yes")), Target("y", "regression")
PLAIN: dict[str, Any] = {"packager": [], "monitor": []}


def findings(truth: Any, values: Any, target: Target, probabilities: Any = None) -> list[Finding]:
    prediction = Prediction(np.asarray(values), probabilities, target.classes)
    scored = Scored(pl.LazyFrame(), target, held=Held(prediction, np.asarray(truth), None))
    return [one for one in StandardEvaluator().evaluate(scored).findings if one.statistic == "constant_guess"]


def shares(yes: Any) -> np.ndarray:
    return np.column_stack([1 - np.asarray(yes), yes])


def test_one_label_for_every_row_is_told() -> None:
    truth = np.array(["no"] * 90 + ["yes"] * 10)
    (found,) = findings(truth, ["no"] * 100, BINARY)
    assert (found.subject, found.severity) == ("balanced_accuracy", "warning")
    assert found.message.startswith(
        "The model is no better than a constant guess: balanced accuracy 0.5 against 0.5 of answering the same class always "
    )


def test_probabilities_that_lose_more_than_the_class_shares_are_told_with_the_interval() -> None:
    rng = np.random.default_rng(0)
    truth, sure = rng.random(200) < 0.3, rng.random(200) < 0.5
    labels = np.where(truth, "yes", "no")
    found = {one.subject: one for one in findings(labels, labels, BINARY, shares(np.where(sure, 0.99, 0.01)))}
    assert set(found) == {"log_loss"}
    assert found["log_loss"].severity == "warning"
    guess = -np.mean(np.log(np.where(truth, truth.mean(), 1 - truth.mean())))
    assert f"against {guess:.3g} of the class shares" in found["log_loss"].message
    assert found["log_loss"].value < 0


def test_numbers_farther_off_than_the_mean_are_told() -> None:
    rng = np.random.default_rng(0)
    truth = rng.normal(size=100)
    (found,) = findings(truth, rng.normal(size=100), NUMBER)
    assert (found.subject, found.severity) == ("r2", "warning")
    assert "against 0 of answering the mean always" in found.message


def test_few_rows_that_cannot_show_it_are_a_note_and_a_good_model_is_none() -> None:
    rng = np.random.default_rng(1)
    truth = rng.normal(size=12)
    (note,) = findings(truth, 0.3 * truth + 0.1 * rng.normal(size=12), NUMBER) or [None]
    assert note is None or note.severity == "info"
    truth = rng.normal(size=200)
    assert findings(truth, truth + 0.3 * rng.normal(size=200), NUMBER) == []
    labels = np.where(truth > 0, "yes", "no")
    assert findings(labels, labels, BINARY, shares(np.where(truth > 0, 0.9, 0.1))) == []


def test_the_constant_guess_and_the_training_rows_stand_beside_the_score(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    y = np.where(rng.random(400) < 0.75, "no", "yes")
    pl.DataFrame({"x": rng.normal(size=400), "z": rng.normal(size=400), "y": y}).write_csv(tmp_path / "noise.csv")
    run = hl.run(
        source={"component": "file", "path": str(tmp_path / "noise.csv")},
        roles={"target": "y"},
        trainer="decision_tree",
        **PLAIN,
    )
    truth = run.execution.value("split").test.frame.collect()["y"] if run.execution else None
    assert truth is not None
    assert run.baseline["accuracy"] == pytest.approx((truth == "no").mean())
    assert run.baseline["roc_auc"] == 0.5
    assert run.training["accuracy"] == 1.0
    metrics = {metric["name"]: metric for report in run.evidence["reports"] for metric in report["metrics"]}
    assert metrics["accuracy"]["baseline"] == run.baseline["accuracy"]
    assert metrics["accuracy"]["training"] == 1.0
    assert "constant guess" in run._repr_html_()
    again = hl.run(
        source={"component": "file", "path": str(tmp_path / "noise.csv")},
        roles={"target": "y"},
        trainer="decision_tree",
        **PLAIN,
    )
    assert (again.baseline, again.training) == (run.baseline, run.training)
    assert any(finding["statistic"] == "constant_guess" for finding in run.findings)


def test_the_mean_of_the_training_rows_stands_beside_a_number(tmp_path: Path) -> None:
    y = np.sin(np.arange(100))
    frame = pl.DataFrame({"x": np.arange(100.0), "y": y, "part": ["train"] * 70 + ["test"] * 30})
    frame.write_csv(tmp_path / "wave.csv")
    run = hl.run(
        source={"component": "file", "path": str(tmp_path / "wave.csv")},
        roles={"target": "y"},
        split={"method": "column", "column": "part"},
        trainer="ridge",
        **PLAIN,
    )
    assert run.baseline["rmse"] == pytest.approx(np.sqrt(np.mean((y[70:] - y[:70].mean()) ** 2)))


def test_rows_that_come_in_groups_are_suspected_with_the_role_that_keeps_them_together(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    subject = np.repeat(np.arange(30), 10)
    columns = {
        "visit code": [f"s{s:02}" for s in subject],
        "x": rng.normal(size=300),
        "y": rng.normal(size=30)[subject],
    }
    pl.DataFrame(columns).write_csv(tmp_path / "visits.csv")
    source = {"component": "file", "path": str(tmp_path / "visits.csv")}
    run = hl.run(source=source, roles={"target": "y"}, trainer="decision_tree", **PLAIN)
    (found,) = [finding for finding in run.findings if finding["statistic"] == "related_rows"]
    assert "'roles.group=\"visit code\"' keeps such rows together" in found["message"]
    mended = hl.run(source=source, roles={"target": "y", "group": "visit code"}, trainer="decision_tree", **PLAIN)
    assert not [finding for finding in mended.findings if finding["statistic"] == "related_rows"]


def test_ordinary_categories_and_numbers_are_no_groups(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    columns = {
        "city": rng.choice([f"{a}{b}ton" for a in "abcdef" for b in "xyz"], 300),
        "age": rng.integers(18, 80, 300),
        "size": rng.choice(["S1", "S2", "M1", "L1"], 300),
        "y": rng.normal(size=300),
    }
    pl.DataFrame(columns).write_csv(tmp_path / "plain.csv")
    source = {"component": "file", "path": str(tmp_path / "plain.csv")}
    run = hl.run(source=source, roles={"target": "y"}, trainer="decision_tree", **PLAIN)
    assert not [finding for finding in run.findings if finding["statistic"] == "related_rows"]
