"""The monitor of a model's answers."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest

import hookline as hl
from hookline import ColumnProfile, Profile, Reference, Scored, Target
from hookline.errors import UsageError
from hookline.kinds.artifacts import ROW_ID
from hookline.live.monitoring import monitor
from hookline_polars import PredictionDriftMonitor


def rows(n: int, shift: float = 0.0, seed: int = 1) -> pl.DataFrame:
    rng = np.random.default_rng(seed)
    x = rng.normal(size=n) + shift
    label = np.where(x + rng.normal(size=n) > 0, "yes", "no")
    return pl.DataFrame({"x": x, "y": x * 2 + rng.normal(size=n), "label": label})


@pytest.mark.parametrize("target", ["label", "y"])
def test_answers_that_moved_are_found_and_those_that_did_not_are_not(target: str, tmp_path: Path) -> None:
    trainer = "logistic_regression" if target == "label" else "ridge"
    table = rows(4000).drop("y" if target == "label" else "label")
    run = hl.run(
        source=table, target=target, trainer=trainer, packager=["onnx"], monitor=["prediction_drift"], home=tmp_path
    )
    assert not [finding for finding in run.findings if finding["statistic"] == "KS"]
    same = monitor(run.package(), rows(2000, seed=2), ["prediction_drift"])["prediction_drift"]
    moved = monitor(run.package(), rows(2000, shift=0.5, seed=3), ["prediction_drift"])["prediction_drift"]
    assert same.findings == ()
    (finding,) = moved.findings
    assert finding.subject == ("probability_yes" if target == "label" else "prediction")
    assert 0.1 < finding.value < 0.4
    assert "the answers have moved" in finding.message


def test_labels_of_several_classes_are_compared_as_labels(tmp_path: Path) -> None:
    run = hl.run(source="iris", trainer="decision_tree", packager=["onnx"], monitor=["prediction_drift"], home=tmp_path)
    package = hl.load(run.package())
    one = pl.DataFrame({name: [5.0] * 60 for name in package.schema.names})
    report = monitor(run.package(), one, ["prediction_drift"])["prediction_drift"]
    assert [finding.statistic for finding in report.findings] == ["Cramer's V"]


def test_fields_are_taken_and_too_few_answers_are_not_judged(tmp_path: Path) -> None:
    run = hl.run(source="iris", trainer="decision_tree", packager=["onnx"], home=tmp_path)
    few = pl.DataFrame({name: [5.0] * 10 for name in hl.load(run.package()).schema.names})
    told = monitor(run.package(), few, {"prediction_drift": {"min_rows": 20}})["prediction_drift"]
    assert [(finding.severity, finding.threshold) for finding in told.findings] == [("info", 20)]
    judged = monitor(run.package(), few, [PredictionDriftMonitor(min_rows=5)])["prediction_drift"]
    assert judged.tables[0].rows


def test_answers_without_what_they_are_compared_by_are_told() -> None:
    answers = ColumnProfile("probability_yes", "Float64", "number", 50, 0, 50)
    labels = pl.DataFrame({ROW_ID: [0, 1], "prediction": ["yes", "no"]}).lazy()
    scored = Scored(labels, Target("y", "binary", ("no", "yes")))
    (finding,) = PredictionDriftMonitor().check(scored, Reference(Profile(50, ()), answers=answers)).findings
    assert finding.message == "there is no 'probability_yes' among these answers, by which they are compared."


def test_a_package_that_remembers_no_answers_says_so(tmp_path: Path) -> None:
    run = hl.run(source="iris", trainer="decision_tree", packager=["onnx"], home=tmp_path)
    folder = run.package()
    manifest = folder / "manifest.json"
    (folder / "answers.json").unlink()
    import json

    said = json.loads(manifest.read_text())
    del said["files"]["answers.json"], said["seal"]
    manifest.write_text(json.dumps(said | {"format": 1}))
    few = pl.DataFrame({name: [5.0] * 40 for name in hl.load(folder).schema.names})
    with pytest.raises(UsageError, match="does not remember any"):
        monitor(folder, few, ["prediction_drift"])
