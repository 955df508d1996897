"""The best of a sweep fitted again to all rows: what it learned, what it claims, and when it is refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import polars as pl
import pytest

import hookline as hl
from hookline.errors import DataError, UsageError
from hookline.live.versions.card import card_facts
from hookline.workspace.workspace import open_workspace
from kit.command_line import Told

QUICK = ("source=iris", "trainer=decision_tree", "packager=[skops]", "~deployer")


def lines(path: Path, rows: int = 90, slope: float = 1.0) -> Path:
    """Write a table of a number that follows another."""
    x = pl.Series("x", [float(row) for row in range(rows)])
    pl.DataFrame({"x": x, "y": x * slope + (x % 3)}).write_csv(path)
    return path


def test_one_command_registers_the_best_fitted_to_every_row(hookline: Told) -> None:
    code, _, err = hookline("-m", *QUICK, "trainer.max_depth=1,3", "hydra.launcher.n_jobs=1", "split.valid=0.2")
    assert code == 0, err
    assert "or fitted again to all rows: hookline sweeps best" in err
    code, out, err = hookline("sweeps", "best", "last", "--refit")
    assert (code, out) == (0, "iris:1\n")
    assert "fitting decision_tree to all 150 rows" in err
    assert "before this model learned them" in err
    record = open_workspace().catalog.models.get("iris", 1)
    assert open_workspace().catalog.deployments.current("iris") is None
    assert hl.load("iris:1").manifest["refitted_from"] == {"run": record.run_id, "rows": 150, "held_out": 45}
    assert "refitted: to all 150 rows" in hookline("models", "show", "iris:1")[1]
    _, _, err = hookline("models", "diff", record.run_id, "iris:1")
    assert "of 45 rows that the second held out, and that the second learned when refitted (" in err


def test_the_refitted_model_is_the_library_fitted_to_every_row() -> None:
    from sklearn.datasets import load_iris
    from sklearn.tree import DecisionTreeClassifier

    run = hl.run(*QUICK, "trainer.max_depth=3", "split.valid=0.2")
    hl.refit(run)
    X, y = load_iris(return_X_y=True)
    alone = DecisionTreeClassifier(max_depth=3, random_state=0).fit(X, y)
    ours = hl.load("iris:1").predictor.model.estimator.tree_
    # hookline scales what trees see, so that their thresholds are other numbers, between the same rows.
    assert ours.n_node_samples.tolist() == alone.tree_.n_node_samples.tolist()
    assert ours.n_node_samples[0] == 150


def test_it_claims_what_the_run_measured_and_decides_as_the_run_chose() -> None:
    run = hl.run("source=breast_cancer", "trainer=decision_tree", "packager=[skops]", "~deployer", *CHOSEN)
    made = hl.refit(run.id)
    assert {one.name: one.value for one in made.claimed.values()} == run.metrics
    before, after = (hl.load(one).predictor for one in (run.package(), "breast_cancer:1"))
    assert before.decision == after.decision
    assert before.schema.columns != after.schema.columns
    profiles = [json.loads((Path(one) / "profile.json").read_text("utf-8")) for one in (run.package(), made.path)]
    assert [one["rows"] for one in profiles] == [285, 569]
    assert card_facts("breast_cancer:1")["refitted_from"]["held_out"] == 170


CHOSEN = ("decision.recall=0.9", "split.valid=0.2", "trainer.max_depth=3")


def test_refitting_again_is_the_same_version_and_intervals_stay(tmp_path: Path) -> None:
    run = hl.run(
        source=lines(tmp_path / "lines.csv"),
        target="y",
        trainer="ridge",
        packager=["onnx"],
        intervals={"coverage": 0.8},
        split={"valid": 0.3},
    )
    first, again = hl.refit(run), hl.refit(run)
    assert (first.version, again.version) == (1, 1)
    assert first.rows == 90
    widths = [json.loads((Path(one) / "pipeline.json").read_text("utf-8")) for one in (run.package(), first.path)]
    assert widths[0]["intervals"] == widths[1]["intervals"]


def test_another_contract_is_another_version_and_the_same_run_again_is_not(tmp_path: Path) -> None:
    given: dict[str, Any] = {"target": "y", "trainer": "ridge", "packager": ["skops"], "deployer": None}
    table, versions = lines(tmp_path / "lines.csv"), []
    for widest in (100, 1000, 1000):
        path = tmp_path / f"{widest}.yaml"
        path.write_text(f"columns:\n  x:\n    minimum: 0\n    maximum: {widest}\n")
        made = hl.run(source=table, contract=path, name="lines", **given)
        versions.append((made.id, hl.refit(made)))
    (first, one), (second, other), (_, again) = versions
    assert (one.version, other.version, again.version) == (1, 2, 2)
    assert (one.run, other.run, again.run) == (first, second, second)
    (column,) = (column for column in hl.load("lines:2").predictor.schema.columns if column.name == "x")
    assert column.maximum == 1000


def test_a_run_whose_data_changed_is_refused(tmp_path: Path) -> None:
    path = lines(tmp_path / "lines.csv")
    run = hl.run(
        f"source.path={path}", "source=file", "roles.target=y", "trainer=ridge", "packager=[skops]", "~deployer"
    )
    lines(path, slope=2.0)
    with pytest.raises(DataError, match=r"no longer what it was.*source: its data changed"):
        hl.refit(run.id)


def test_what_did_not_finish_is_not_refitted(hookline: Told) -> None:
    with pytest.raises(hl.errors.GateFailed):
        hl.run(*QUICK, "gates.accuracy=1.1")
    with pytest.raises(UsageError, match="is gated, and only a finished one"):
        hl.refit("last")
    code, _, err = hookline("sweeps", "best", "--package", "onnx")
    assert code == 2
    assert "add --refit" in err or "no sweep" in err
