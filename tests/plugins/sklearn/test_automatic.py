"""The trainer of a first run: what it chooses, by what, and that it says so."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from scipy import sparse
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from sklearn.linear_model import LogisticRegression, Ridge

import hookline as hl
from hookline import Feature, Features, Finding, Target
from hookline.kinds.fitting import findings_in
from hookline.sweeps.leaderboard import leaderboard
from hookline.sweeps.ledger import JobRecord, SweepRecord
from hookline_report.standing import headline_facts
from hookline_sklearn import AutoTrainer
from kit.processes import run_hookline, run_python

TARGETS = {"binary": Target("y", "binary", ("no", "yes")), "regression": Target("y", "regression")}


def made(task: str, rows: int, *, gap: bool = False) -> Features:
    X = np.random.default_rng(0).normal(size=(rows, 3)).astype(np.float32)
    y = X[:, 0] if task == "regression" else (X[:, 0] > 0).astype(int)
    if gap:
        X[1, 2] = np.nan
    names = tuple(Feature(name, "float32", (name,), name) for name in "abc")
    return Features(X, names, y=y, target=TARGETS[task])


def chosen(train: Features) -> tuple[Any, Finding]:
    found: list[Finding] = []
    with findings_in(found):
        model = AutoTrainer().fit(train, None)
    (told,) = found
    return model.estimator, told


@pytest.mark.parametrize(
    ("task", "rows", "gap", "estimator", "words"),
    [
        ("binary", 499, False, LogisticRegression, "logistic_regression was chosen: 499 training rows are few"),
        ("regression", 499, False, Ridge, "ridge was chosen: 499 training rows are few"),
        ("binary", 500, False, HistGradientBoostingClassifier, "500 training rows are enough for trees"),
        ("regression", 500, False, HistGradientBoostingRegressor, "500 training rows are enough for trees"),
        ("binary", 60, True, HistGradientBoostingClassifier, "some values are missing"),
    ],
)
def test_what_is_chosen_and_why(task: str, rows: int, gap: bool, estimator: type, words: str) -> None:
    fitted, told = chosen(made(task, rows, gap=gap))
    assert type(fitted) is estimator
    assert words in told.message


def test_trees_of_few_rows_still_split() -> None:
    fitted, _ = chosen(made("binary", 21, gap=True))
    train = made("binary", 21, gap=True)
    assert (fitted.predict(train.X) == train.y).mean() > 0.9


def test_a_sparse_matrix_too_wide_for_trees_gets_a_linear_model() -> None:
    train, wide = made("binary", 600), 1_000_000
    features = tuple(Feature(f"f{i}", "float32", ("a",), "a") for i in range(wide))
    matrix = sparse.csr_matrix(sparse.hstack([train.X, sparse.csr_matrix((600, wide - 3), dtype=np.float32)]))
    fitted, told = chosen(replace(train, X=matrix, features=features))
    assert type(fitted) is LogisticRegression
    assert "1,000,000 sparse features" in told.message


def titled(folder: Path) -> Path:
    rng = np.random.default_rng(0)
    age = rng.normal(40, 10, 90)
    frame = pl.DataFrame({"age": age, "bill": rng.normal(size=90), "left": np.where(age > 42, "yes", "no")})
    frame.with_columns(bill=pl.when(pl.col("bill") > 1).then(None).otherwise("bill")).write_csv(folder / "x.csv")
    return folder / "x.csv"


def trainers_on_board(*runs: hl.Run) -> list[str]:
    """Return how the leaderboard of a sweep calls the trainers, whose jobs left the same as runs."""
    jobs = [
        JobRecord(i, i, (), run.evidence["config"], {}, "finished", run.id, str(run.path), "", 1.0, 1, {})
        for i, run in enumerate(runs)
    ]
    return [row["trainer"] for row in leaderboard(SweepRecord("s", "s", (), {}, {}), jobs).rows]


def test_a_run_needs_no_trainer_and_tells_the_choice_also_when_nothing_had_to_run(tmp_path: Path) -> None:
    path = titled(tmp_path)
    for _ in range(2):
        run = hl.run(source=path, target="left")
        assert [one["statistic"] for one in run.evidence["remarks"]] == ["chosen"]
        assert run.findings == run.evidence["remarks"]
        assert run.evidence["remarks"][0]["message"] in [point["text"] for point in run.evidence["verdict"]["points"]]
        (fact, *_) = headline_facts(run.evidence, None)
        assert (fact.label, fact.value) == ("Trainer", "auto: hist_gradient_boosting")
    assert {stage["status"] for stage in run.evidence["plan"]} <= {"cached", "unneeded"}
    tree = hl.run(source=path, target="left", trainer="decision_tree", packager=[], deployer=None)
    assert trainers_on_board(run, tree, run) == [
        "auto: hist_gradient_boosting",
        "decision_tree",
        "auto: hist_gradient_boosting",
    ]


def test_the_other_choice_that_is_told_can_be_typed(tmp_path: Path) -> None:
    path = titled(tmp_path)
    first = run_hookline(path, "target=left", "packager=[]", "deployer=null", cwd=tmp_path)
    assert first.returncode == 0, first.stderr
    (told,) = (line for line in first.stderr.splitlines() if "was chosen" in line)
    words = told.partition("as they are. ")[2].removesuffix(" tries the other.").split()
    other = run_hookline(path, "target=left", "packager=[]", "deployer=null", *words, cwd=tmp_path)
    assert other.returncode == 0, other.stderr
    assert "logistic_regression" in other.stderr


@pytest.mark.parametrize("said", [None, "ACTIVE"])
def test_waiting_threads_leave_the_cores_alone_unless_somebody_says_otherwise(said: str | None) -> None:
    env = {name: value for name, value in os.environ.items() if name != "OMP_WAIT_POLICY"}
    code = "import os, hookline_sklearn; print(os.environ['OMP_WAIT_POLICY'])"
    done = run_python(code, env=env | ({"OMP_WAIT_POLICY": said} if said else {}))
    assert done.stdout.strip() == (said or "PASSIVE")
