"""A leaderboard says which trials no paired comparison tells from its best, and how the best becomes a model."""

from __future__ import annotations

import json
import math
from pathlib import Path

import pytest

from hookline.runs.comparison import compare_runs
from hookline.runs.result import load_run
from hookline.sweeps.leaderboard import leaderboard
from hookline.sweeps.ledger import JobRecord, Ledger
from hookline.sweeps.ties import by_repeats, with_ties
from hookline.workspace.workspace import open_workspace
from kit.command_line import Told


def job(number: int, trial: int, accuracy: float, test: float = 0.25) -> JobRecord:
    config = {"split": {"test": test}, "trainer": {"component": f"t{trial}"}}
    metrics = {"accuracy": [accuracy, True]}
    return JobRecord(number, trial, (), config, {}, "finished", "", f"/s/{number}", "", 1.0, 0, metrics)


def judged(firsts: list[float], seconds: list[float]) -> tuple[bool, str]:
    pairs = [(job(i, 0, a), job(i + 10, 1, b)) for i, (a, b) in enumerate(zip(firsts, seconds, strict=True))]
    found = by_repeats("accuracy", pairs)
    return found.worse, found.text


def test_repeats_are_compared_by_the_corrected_resampled_interval() -> None:
    # By hand: differences -.02, -.04, -.03; sd .01, t(2) 4.3027, and 1/3 + .25/.75 under the root (Nadeau and Bengio 2003).
    half = 4.302652729749464 * 0.01 * math.sqrt(1 / 3 + 1 / 3)
    worse, text = judged([0.9, 0.9, 0.9], [0.88, 0.86, 0.87])
    assert f"[{-0.03 - half:+.4g}, {-0.03 + half:+.4g}]" in text
    assert not worse
    assert judged([0.9, 0.9, 0.9], [0.870, 0.871, 0.869])[0]


def test_equal_repeats_are_a_tie_and_an_even_loss_is_none() -> None:
    assert not judged([0.9, 0.8, 0.7], [0.9, 0.8, 0.7])[0]
    assert judged([0.75, 0.75, 0.75], [0.5, 0.5, 0.5])[0]
    assert not judged([0.9, 0.8, 0.7], [0.5, math.nan, 0.5])[0]


def test_the_verdict_names_ties_and_the_first_that_is_worse_as_compare_does(hookline: Told) -> None:
    depths = "trainer.max_depth=1,12,15"
    code, _, err = hookline("-m", "source=digits", "trainer=decision_tree", depths)
    assert code == 0
    ledger = Ledger(open_workspace().catalog)
    sweep = ledger.sweep("last")
    jobs = ledger.jobs(sweep.id)
    board = with_ties(leaderboard(sweep, jobs), jobs)
    assert board.varied == ("trainer.max_depth",)
    best, tie = (next(job for job in jobs if job.trial == trial) for trial in (board.rows[0]["trial"], board.ties[0]))
    assert len(board.ties) == 1
    assert {best.number, tie.number} == {1, 2}
    found = compare_runs(*(load_run(Path(one.path), None, None) for one in (best, tie)))
    assert found.differences[0].verdict == "no difference shown"
    assert "rank 3 (trainer.max_depth=1) is worse: accuracy" in board.verdict
    assert board.verdict in err
    assert f"register it: hookline models register {best.run_id}" in err
    code, out, err = hookline("sweeps", "best")
    assert (code, out) == (0, f"{best.run_id}\n")
    assert board.verdict in err
    told = json.loads(hookline("sweeps", "best", "--metric", "log_loss", "--json")[1])
    assert told["register"] == f"hookline models register {told['best']}"
    assert told["metric"] == "log_loss"


def test_trials_that_were_judged_by_other_rows_are_not_called_better(hookline: Told) -> None:
    code, _, err = hookline("-m", "source=iris", "trainer=decision_tree", "seed=0,1")
    assert code == 0
    assert "comes first; rank 2 (seed=" in err
    assert "were judged by different rows" in err


def test_a_sweep_whose_jobs_all_failed_says_the_line_that_runs_them_again_and_it_does(
    hookline: Told, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    rows = "\n".join(f"{i},{'' if i % 5 else i},{i % 2}" for i in range(60))
    Path("x.csv").write_text(f"a,b,y\n{rows}\n")
    failing = ("trainer=logistic_regression", "trainer.C=1,2", "transform=[]")
    code, _, err = hookline("-m", "x.csv", "target=y", *failing)
    assert code == 1
    again = next(line for line in err.splitlines() if "did not finish" in line).split("`")[1]
    assert again.endswith(" --failed")
    code, _, err = hookline(*again.split()[1:])
    assert "0 of 2 jobs are done" in err
    assert len([line for line in err.splitlines() if line.startswith("✗")]) == 2
    code, _, err = hookline("sweeps", "best")
    assert code == 2
    assert again in err


@pytest.mark.parametrize("asked", ["sweeps best nosuch", "sweeps best last"])
def test_the_best_of_no_sweep_is_an_error(hookline: Told, asked: str) -> None:
    code, out, err = hookline(*asked.split())
    assert (code, out) == (2, "")
    assert "hookline -m trainer=a,b" in err or "no sweep" in err
