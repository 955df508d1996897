"""Gates as they are typed: read before the run, held against what was measured, and told with their figures."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np
import polars as pl
import pytest

import hookline as hl
from hookline import Evaluator, Metric, Report, Scored
from hookline.errors import ConfigError, GateFailed
from hookline.plans.gates import is_among, margins_of, read_gate
from hookline.workspace.workspace import open_workspace
from kit.command_line import Told


class BySex(Evaluator):
    """Accuracy of each sex."""

    name = "by_sex"
    measures: ClassVar[Mapping[str, tuple[str, ...]] | None] = {"binary": ("slice.*.accuracy",)}

    def evaluate(self, scored: Scored) -> Report:
        right = scored.prediction().values == scored.truth()
        sex = scored.frame.select("sex").collect()["sex"].to_numpy()
        found = (Metric(f"slice.sex={one}.accuracy", float(right[sex == one].mean())) for one in ("f", "m"))
        return Report("By sex", tuple(found))


def people(rows: int = 300) -> pl.DataFrame:
    """People whose answer is known from their size, but for every second man, whose answer is chance."""
    rng = np.random.default_rng(0)
    size, sex = rng.normal(size=rows), np.where(np.arange(rows) % 3 > 0, "f", "m")
    chance = (sex == "m") & (rng.random(rows) < 0.5)
    return pl.DataFrame({"size": size, "sex": sex, "label": np.where((size > 0) ^ chance, "yes", "no")})


def run(gates: Mapping[str, Any], **config: Any) -> hl.Run:
    """Train a small model of `people` that is deployed, with gates."""
    given = {"trainer": "decision_tree", "packager": ["skops"], "deployer": "local", "name": "people", **config}
    return hl.run(source=people(), target="label", gates=gates, **given)


SHALLOW = {"component": "decision_tree", "max_depth": 1}


@pytest.mark.parametrize(
    ("said", "sign", "number", "champion"),
    [
        (0.8, "", 0.8, False),
        ("0.8", "", 0.8, False),
        (">= 0.8", ">=", 0.8, False),
        ("<5", "<", 5.0, False),
        ("== 0", "==", 0.0, False),
        ("> -1e-3", ">", -0.001, False),
        (">= champion", ">=", 0.0, True),
        (">= champion - 0.002", ">=", -0.002, True),
        ("<= champion + 1", "<=", 1.0, True),
        ("no worse", "", 0.0, True),
    ],
)
def test_a_gate_is_read(said: Any, sign: str, number: float, champion: bool) -> None:
    gate = read_gate("f1", said)
    assert (gate.sign, gate.number, gate.champion) == (sign, number, champion)


@pytest.mark.parametrize("said", ["high", ">= ", ">= champion - x", ">= 0.8 or so", "champion", "nan", "=> 1"])
def test_a_gate_that_says_nothing_is_refused_with_what_it_may_say(said: str) -> None:
    with pytest.raises(ConfigError, match=r"gates\.accuracy: must be .*"):
        hl.plan("source=iris", gates={"accuracy": said})


def test_a_gate_on_a_column_is_for_every_slice_of_it_and_no_other() -> None:
    gate = read_gate("slice.sex.f1", 0.5)
    assert gate.names("slice.sex=a.b.f1")
    assert not gate.names("slice.sex=a.recall")
    assert not gate.names("slice.age=1.f1")
    assert is_among("slice.sex.f1", ["slice.*.f1"])
    assert is_among("slice.sex=a.f1", ["slice.*.f1"])
    assert not is_among("slice.sex.recall", ["slice.*.f1"])


def test_what_may_be_lost_to_the_champion_is_the_gates_margin() -> None:
    said = {
        "f1": ">= champion - 0.1",
        "rmse": "<= champion + 2",
        "r2": "no worse",
        "mae": 3.0,
        "auc": ">= champion + 1",
    }
    assert margins_of(said) == {"f1": 0.1, "rmse": 2.0, "r2": 0.0, "mae": 0.0, "auc": 0.0}


def test_a_text_is_a_gate_on_the_command_line_and_figures_are_told_and_kept(hookline: Told) -> None:
    line = ("source=iris", "trainer=decision_tree", "packager=[skops]", "name=flowers")
    code, _, told = hookline(*line, "gates.accuracy=>= 0.8", "gates.drift_share=0", "gates.latency_p99_ms=<= 5000")
    assert code == 0, told
    assert "gate accuracy >= 0.8: accuracy is 0." in told
    assert "drift_share is 0, and must be at most 0" in told
    assert "latency_p99_ms is " in told
    made: Any = hl.load("last")
    assert made.gates.select("metric", "passed").rows() == [
        ("accuracy", True),
        ("drift_share", True),
        ("latency_p99_ms", True),
    ]
    assert "<h2>Gates</h2>" in made.report.read_text("utf-8")
    assert "gate >= 0.8: accuracy is" in open_workspace().catalog.deployments.history("flowers")[0].reason


def test_a_gate_that_says_no_names_its_figures_deploys_nothing_and_is_exit_code_3(hookline: Told) -> None:
    line = ("source=iris", "trainer=decision_tree", "packager=[skops]", "name=flowers")
    code, _, told = hookline(*line, "gates.accuracy=> 1", "gates.log_loss=>= 0")
    assert code == 3
    assert "accuracy is 0.9" in told
    assert ", and must be more than 1" in told
    made: Any = hl.load("last")
    assert made.status == "gated"
    assert made.gates["passed"].to_list() == [False, True]
    assert open_workspace().catalog.deployments.current("flowers") is None


def test_a_metric_that_neither_evaluator_nor_monitor_nor_packager_measures_is_refused_before_the_run() -> None:
    with pytest.raises(ConfigError) as caught:
        hl.plan("source=iris", "gates.drift_shar=0", "gates.latency=1", "gates.slice.sex.f1='no worse'", "monitor=[]")
    told = str(caught.value)
    assert "gates.drift_shar: no evaluator measures this, nor does a monitor or a packager" in told
    assert "gates.latency: " in told
    assert "gates.slice.sex.f1: no evaluator measures this, and of the champion nothing else is known" in told
    with pytest.raises(ConfigError, match=r"gates\.latency_p99_ms"):
        hl.plan("source=iris", "gates.latency_p99_ms=1", "packager=[]", "~deployer")


def test_the_champion_is_held_against_on_the_same_rows_with_a_margin() -> None:
    assert run({"accuracy": "no worse"}).gates["told"][0].endswith("there is no champion yet")
    with pytest.raises(GateFailed, match=r"accuracy is 0\.\d+, and must be no worse than 0\.\d+ of v1 on the same"):
        run({"accuracy": "no worse"}, trainer={"component": "logistic_regression", "C": 1e-9})
    with pytest.raises(GateFailed, match=r"and must be at least 0\.\d+ of v1 on the same held-out rows \+ 0\.3"):
        run({"accuracy": ">= champion + 0.3"})


def test_a_loss_within_the_margin_keeps_no_version_out() -> None:
    first = run({}, trainer={"component": "decision_tree", "max_depth": 12})
    worse = run({"accuracy": ">= champion - 0.5"}, trainer=SHALLOW)
    assert worse.metrics["accuracy"] < first.metrics["accuracy"]
    assert worse.evidence["deployment"]["accepted"], worse.evidence["deployment"]["told"]
    assert open_workspace().catalog.deployments.current("people").version == 2  # type: ignore[union-attr]


def test_a_gate_on_slices_says_which_slice_it_refused() -> None:
    judges = ["standard", BySex()]
    with pytest.raises(GateFailed) as caught:
        run({"slice.sex.accuracy": ">= 0.8"}, evaluator=judges, packager=[], deployer=None)
    assert "slice.sex=m.accuracy is 0." in str(caught.value)
    assert "slice.sex=f.accuracy" not in str(caught.value)
    evidence = json.loads((open_workspace().home / "runs" / hl.runs()["id"][0] / "evidence.json").read_text("utf-8"))
    assert [one["passed"] for one in evidence["gates"]] == [True, False]
