"""What `hookline run` prints of a run and of a sweep's jobs."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest

import hookline as hl
from hookline.errors import ConfigError
from hookline.sweeps.ledger import Ledger
from hookline.workspace.workspace import open_workspace
from kit.command_line import Told

ODD = """
import math
from hookline import Evaluator, Metric, Report, Scored, hookimpl

class Odd(Evaluator):
    "Measures what is no number, and what has no end."
    name = "odd"

    def evaluate(self, scored: Scored) -> Report:
        return Report("Odd", (Metric("odd", math.nan, math.nan, math.nan), Metric("endless", math.inf)))

@hookimpl
def register_evaluators():
    return [Odd]
"""
TREE = ("source=iris", "trainer=decision_tree", "evaluator=[odd]")


@pytest.fixture
def odd(project_module: Callable[[str, str], str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A project with an evaluator whose numbers are not finite, where workers find it too."""
    project_module("odd", ODD)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "project"))


@pytest.mark.usefixtures("odd")
def test_metrics_that_are_not_finite_are_printed_as_they_are(hookline: Told) -> None:
    code, out, err = hookline(*TREE)
    assert (code, "Traceback" in err) == (0, False)
    assert out.splitlines() == ["odd      nan  [nan, nan]", "endless  inf"]
    metrics = hl.load("last").metrics  # type: ignore[union-attr]
    assert math.isnan(metrics["odd"])
    assert metrics["endless"] == math.inf


@pytest.mark.usefixtures("odd")
def test_a_sweep_ends_where_a_metric_is_not_finite(hookline: Told) -> None:
    code, _, err = hookline("-m", *TREE, "trainer.max_depth=1,2", "repeats=3")
    assert code == 0, err
    ledger = Ledger(open_workspace().catalog)
    sweep = ledger.sweep("last")
    jobs = ledger.jobs(sweep.id)
    assert [job.status for job in jobs] == ["finished"] * 6
    assert all(math.isnan(job.metrics["odd"][0]) and job.metrics["endless"] == [math.inf, True] for job in jobs)
    board = pl.read_parquet(Path(sweep.path) / "leaderboard.parquet")
    assert board["endless"].to_list() == [math.inf] * 2
    assert board["endless_low"].to_list() == [None] * 2
    assert json.loads(hookline("sweeps", "show", "last", "--json")[1])


def test_a_run_whose_evidence_cannot_be_written_has_not_finished(hookline: Told, tmp_path: Path) -> None:
    folder = tmp_path / "run"
    (folder / "evidence.json").mkdir(parents=True)
    code, _, err = hookline(
        "source=iris", "trainer=decision_tree", "packager=[]", "~deployer", f"hydra.run.dir={folder}"
    )
    assert code == 1
    assert "error: the evidence of run " in err
    record = open_workspace().catalog.runs.get("last")
    assert record.status == "failed"
    assert "its evidence could not be kept" in str(record.error)


def test_a_field_that_the_rows_prove_wrong_is_named_by_the_key_that_was_typed() -> None:
    strict = {"component": "classification", "positive": "maybe"}
    with pytest.raises(ConfigError, match=r"evaluator\.strict\.positive: "):
        hl.run(source="iris", trainer="decision_tree", evaluator={"strict": strict}, packager=[])


def test_resume_takes_no_workers_for_no_number_of_workers(hookline: Told) -> None:
    code, _, err = hookline("resume", "last", "--n-jobs", "0")
    assert (code, err) == (2, "error: --n-jobs must be at least 1, or -1 for all cores, got 0\n")
