"""Two versions held side by side."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import polars as pl
import pytest

import hookline as hl
from hookline.errors import DataError, StoreError
from hookline.live.versions.differing import _evidence
from hookline.packages.settling import EVIDENCE
from hookline.workspace.workspace import open_workspace
from kit.command_line import Told
from kit.packages import reseal


@pytest.mark.usefixtures("home")
def test_config_code_metrics_and_behavior_are_held_side_by_side() -> None:
    found = hl.diff_versions("iris:1", "iris:2")
    assert found.config["trainer.component"] == ("decision_tree", "logistic_regression")
    assert "seed" not in found.config
    assert "trainer" in found.code
    assert "split" not in found.code
    assert found.data is None
    scores = [hl.load(one).manifest["metrics"][0]["value"] for one in ("iris:1", "iris:2")]
    assert found.metrics["accuracy"] == tuple(scores)
    assert found.rows == "rows that the second held out"
    assert found.behavior is not None
    rows = pl.read_ipc(next(Path(hl.load("iris:1").path).parents[2].glob("store/*/*/test.arrow")))
    answers = [hl.load(one).predict(rows).values.tolist() for one in ("iris:1", "iris:2")]
    changed = sum(then != now for then, now in zip(*answers, strict=True))
    assert (found.behavior.rows, found.behavior.changed) == (rows.height, changed)


@pytest.mark.usefixtures("home")
def test_a_version_does_not_differ_from_itself(hookline: Told) -> None:
    found = hl.diff_versions("iris:1", "iris:1")
    assert (found.config, found.code, found.features, found.data) == ({}, {}, (), None)
    assert found.behavior is not None
    assert found.behavior.changed == 0
    code, out, err = hookline("models", "diff", "iris:1", "iris:1")
    assert code == 0
    assert "metrics:" in out
    assert "decides otherwise than iris:1 in 0 of" in err


@pytest.mark.usefixtures("home")
def test_rows_that_are_given_are_asked_and_wrong_ones_are_one_error(tmp_path: Path, hookline: Told) -> None:
    rows = [{"sepal_length_cm": 6.1, "sepal_width_cm": 2.8, "petal_length_cm": 4.7, "petal_width_cm": 1.2}] * 3
    assert hl.diff_versions("iris:1", "iris:2", rows).behavior.rows == 3
    with pytest.raises(DataError, match="petal"):
        hl.diff_versions("iris:1", "iris:2", [{"size": 1}])
    (tmp_path / "r.csv").write_text("size\n1\n", "utf-8")
    code, _, err = hookline("models", "diff", "iris:1", "iris:2", "--rows", str(tmp_path / "r.csv"))
    assert (code, err.count("error:")) == (1, 1)


def test_golden_rows_are_asked_where_no_run_is_known(home: Path, tmp_path: Path) -> None:
    files = [hl.export_version(f"iris:{number}", tmp_path / f"{number}.zip") for number in (1, 2)]
    there = tmp_path / "there"
    for file in files:
        hl.import_version(file, home=there)
    found = hl.diff_versions("iris:1", "iris:2", home=there)
    assert found.rows == "golden rows of both"
    assert found.behavior is not None
    assert found.behavior.rows >= 40
    assert found.config["trainer.component"] == ("decision_tree", "logistic_regression")


def test_models_of_different_targets_are_not_asked(home: Path, tmp_path: Path, hookline: Told) -> None:
    hl.run("source=diabetes", "trainer=ridge", "monitor=[]")
    found = hl.diff_versions("iris:1", "diabetes:1")
    assert (found.behavior, found.rows) == (None, "they do not predict the same")
    code, out, _ = hookline("models", "diff", "iris:1", "diabetes:1", "--json")
    assert (code, json.loads(out)["behavior"]) == (0, None)


@pytest.mark.parametrize(
    "plan", [5, ["split"], [{"kind": "split"}], [{"kind": "split", "key": "split"}], None], ids=str
)
def test_evidence_whose_plan_is_none_of_a_run_is_told_as_damaged(tmp_path: Path, plan: object) -> None:
    path = tmp_path / "package" / EVIDENCE
    path.parent.mkdir(parents=True)
    path.write_text(json.dumps({"run": {}, "plan": plan}), "utf-8")
    with pytest.raises(StoreError, match=r"evidence\.json is damaged: its plan is none of a run"):
        _evidence(tmp_path / "package")


def test_a_threshold_that_differs_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, hookline: Told) -> None:
    monkeypatch.setenv("HOOKLINE_HOME", str(tmp_path))
    for threshold in (0.3, 0.6):
        more = ("monitor=[]", "packager=[skops]", f"decision.threshold={threshold}")
        hl.run("source=breast_cancer", "name=cells", "trainer=logistic_regression", *more)
    found = hl.diff_versions("cells:1", "cells:2")
    assert found.decision == ("by threshold: from 0.3 on", "by threshold: from 0.6 on")
    assert found.rechosen == "", "a person said both"
    assert hl.diff_versions("cells:1", "cells:1").decision is None
    code, out, _ = hookline("models", "diff", "cells:1", "cells:2")
    assert (code, "decides:" in out, "from 0.6 on" in out) == (0, True, True)


def signups(seed: int, shift: float) -> pl.DataFrame:
    """900 rows of which those with a great number sign up, by a limit that moves."""
    x = np.random.default_rng(seed).normal(size=(900, 2))
    return pl.DataFrame({"a": x[:, 0], "b": x[:, 1], "signed": np.where(x[:, 0] + shift > 0.8, "yes", "no")})


@pytest.fixture
def learned_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home where `signups:2` is `signups:1` after it learned 900 rows, and chose its threshold anew; its first package."""
    monkeypatch.setenv("HOOKLINE_HOME", str(tmp_path))
    hl.run(
        source=signups(0, 0.0), target="signed", name="signups", trainer="sgd_classifier", packager=["skops"],
        deployer="local", decision={"recall": 0.9}, split={"valid": 0.2}, monitor=[],
    )  # fmt: skip
    hl.update("signups:1", signups(1, 0.6))
    return Path(open_workspace().catalog.models.get("signups", 1).path)


@pytest.mark.usefixtures("learned_on")
def test_a_threshold_that_was_chosen_anew_is_told_with_the_rows_it_was_chosen_on(hookline: Told) -> None:
    found = hl.diff_versions("signups:1", "signups:2")
    rules = [hl.load(f"signups:{number}").manifest["decision"] for number in (1, 2)]
    then, now = (f"{rule['threshold']:.6g}" for rule in rules)
    assert found.rechosen == (
        f"the threshold was chosen anew, on {rules[1]['rows']:,} rows, "
        f"and moved from {then} (chosen on {rules[0]['rows']:,} rows) to {now}"
    )
    code, _, err = hookline("models", "diff", "signups:1", "signups:2")
    assert (code, found.rechosen in err) == (0, True)


def test_what_one_does_not_tell_is_said_and_compared_with_nothing(learned_on: Path, hookline: Told) -> None:
    evidence = json.loads((learned_on / EVIDENCE).read_text("utf-8"))
    for config in ("text", ["text"], None):
        (learned_on / EVIDENCE).write_text(json.dumps(evidence | {"config": config}), "utf-8")
        reseal(learned_on)
        found = hl.diff_versions("signups:1", "signups:2")
        assert found.config == {}
        assert [*found.untold] == [
            "signups:1 tells no config",
            "signups:2 tells no config",
            "signups:2 tells no metrics: it was judged on no held-out rows",
        ]
        assert found.metrics["accuracy"][1] is None
        code, _, err = hookline("models", "diff", "signups:1", "signups:2")
        assert (code, "signups:2 tells no metrics" in err) == (0, True)
