"""A threshold that is chosen on validation rows, and what every package, server and report says by it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import polars as pl
import pytest
from sklearn.metrics import recall_score

import hookline as hl
from hookline.cli import main
from hookline.errors import ConfigError
from hookline.workspace.workspace import open_workspace
from hookline_onnx.predictor import _slices
from hookline_serving import LocalDeployer

CONFIG: dict[str, Any] = {
    "source": "breast_cancer",
    "trainer": {"component": "decision_tree", "max_depth": 3},
    "split": {"valid": 0.25},
    "decision": {"costs": {"malignant": {"benign": 500}}},
    "packager": ["onnx", "skops", "pickle"],
    "monitor": [],
    "name": "decided",
}


def places(home: Path) -> dict[str, str]:
    """Return the environment of one home and one key for all tests of this module."""
    return {"HOOKLINE_HOME": str(home), "XDG_CONFIG_HOME": str(home / "config")}


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    with pytest.MonkeyPatch.context() as patch:
        path = tmp_path_factory.mktemp("home")
        for name, value in places(path).items():
            patch.setenv(name, value)
        yield path


@pytest.fixture(scope="module")
def run(home: Path) -> hl.Run:
    return hl.run(**CONFIG, deployer="local")


@pytest.fixture(autouse=True)
def _at_home(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in places(home).items():
        monkeypatch.setenv(name, value)


def rows() -> pl.DataFrame:
    from sklearn.datasets import load_breast_cancer

    found = load_breast_cancer()
    return pl.DataFrame(found.data, schema=[name.replace(" ", "_") for name in found.feature_names])


def rule_of(run: hl.Run) -> hl.DecisionRule:
    rule = run.predictor.decision
    assert isinstance(rule, hl.DecisionRule)
    return rule


@pytest.mark.parametrize("packager", ["onnx", "skops", "pickle"])
def test_every_package_answers_by_the_threshold(run: hl.Run, packager: str) -> None:
    loaded = hl.load(run.path / "packages" / packager, trust=hl.Trust(pickle=True))
    found = loaded.predict(rows().select(loaded.schema.names))
    assert found.probabilities is not None
    high = found.probabilities[:, 1] >= rule_of(run).threshold
    assert np.array_equal(found.values == "malignant", high)
    assert not np.array_equal(high, found.probabilities[:, 1] >= 0.5)


def test_onnxruntime_alone_gives_the_decision(run: hl.Run) -> None:
    file = run.path / "packages" / "onnx" / "model.onnx"
    session = onnxruntime.InferenceSession(file)
    schema = run.predictor.schema
    (feeds,) = _slices(rows().select(schema.names), schema)
    label, _ = session.run(["label", "probabilities"], feeds)
    assert label.tolist() == run.predict(rows().select(schema.names)).values.tolist()


def test_what_is_served_is_decided(run: hl.Run) -> None:
    predictor = hl.load(run.path / "packages" / "onnx").predictor
    some = rows().select(predictor.schema.names)
    answers = LocalDeployer().answer(predictor, some.to_dicts())
    assert [answer["prediction"] for answer in answers] == run.predict(some).values.tolist()


def test_metrics_are_of_the_decided_answers_and_beside_the_default(run: hl.Run) -> None:
    decision = run.evidence["decision"]
    assert decision["rows"] == run.evidence["split"]["valid"] == decision["validation"]["rows"]
    assert decision["held_out"]["chosen"]["recall"] == pytest.approx(run.metrics["recall"], abs=1e-12)
    assert decision["held_out"]["chosen"]["recall"] >= decision["held_out"]["default"]["recall"]
    assert decision["validation"]["chosen"]["cost"] <= decision["validation"]["default"]["cost"]
    assert [chart["name"] for chart in decision["charts"]] == ["shares", "costs"]


def test_the_report_says_how_it_decides(run: hl.Run) -> None:
    page = (run.path / "report.html").read_text("utf-8")
    assert "How it decides" in page
    assert f"from a probability of {rule_of(run).threshold:.4g} on, of the least cost" in page


def test_the_certificates_hold(run: hl.Run) -> None:
    assert [one["package"] for one in run.evidence["certificates"]] == ["onnx", "skops", "pickle", "served by local"]
    assert all(one["ok"] for one in run.evidence["certificates"])


def test_models_show_tells_the_rule(run: hl.Run, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["models", "show", "decided", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)["manifest"]["decision"]
    assert told["threshold"] == rule_of(run).threshold


def test_another_wish_fits_no_model_again(run: hl.Run) -> None:
    other = hl.run(**CONFIG | {"decision": {"recall": 0.99}})
    status = {stage["key"]: stage["status"] for stage in other.evidence["plan"]}
    assert status["trainer"] in ("cached", "unneeded")
    assert status["decision"] == "ran"
    assert rule_of(other).by == "recall"


def test_no_validation_rows_are_a_clear_error_before_anything_runs(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["plan", "decision.recall=0.9"]) == 2
    told = capsys.readouterr().err
    assert "decision: goes by validation rows, of which there are none" in told
    assert "hint: split.valid=0.2" in told


def test_two_wishes_at_once_are_refused() -> None:
    with pytest.raises(ConfigError, match="takes one of threshold, costs, precision, recall, got precision and recall"):
        hl.plan(**CONFIG | {"decision": {"recall": 0.9, "precision": 0.9}})


def test_what_a_target_does_not_take_is_refused_before_training() -> None:
    with pytest.raises(ConfigError, match="is for classes, and the target 'target' is a number"):
        hl.run(source="diabetes", trainer="ridge", decision={"threshold": 0.3})
    (record,) = [one for one in open_workspace().catalog.runs.newest() if one.name == "diabetes"]
    told = json.loads((Path(record.path) / "evidence.json").read_text("utf-8"))["plan"]
    assert {stage["key"]: stage["status"] for stage in told}["trainer"] == "not reached"


def test_an_update_chooses_the_threshold_again(home: Path) -> None:
    rng = np.random.default_rng(0)

    def table(shift: float) -> pl.DataFrame:
        x = rng.normal(size=(600, 3))
        return pl.DataFrame({f"x{i}": x[:, i] for i in range(3)}).with_columns(
            y=pl.Series((x[:, 0] + shift + rng.normal(size=600) > 0).astype(int))
        )

    made = hl.run(
        source=table(0.0),
        target="y",
        trainer="sgd_classifier",
        split={"valid": 0.2},
        decision={"recall": 0.9},
        packager=["skops"],
        deployer="local",
        name="goes_on",
    )
    fresh = table(1.0)
    updated = hl.update("goes_on", fresh)
    rule = hl.load("goes_on:2").predictor.decision
    assert rule.rows == 600 != rule_of(made).rows
    before = hl.load("goes_on:1").predict(fresh.drop("y")).probabilities
    assert recall_score(fresh["y"], rule.codes(before)) == pytest.approx(0.9, abs=0.01)
    assert updated.version == 2
