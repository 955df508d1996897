"""What a metric hangs on, and how trials learned, as a sweep's page tells it."""

from __future__ import annotations

import itertools
import json
import random
from pathlib import Path
from typing import Any

import pytest

from hookline.sweeps.leaderboard import Leaderboard
from hookline.sweeps.ledger import JobRecord
from hookline.sweeps.searching import ANOVA, FOREST, curves, importances

ABOUT: dict[str, Any] = {"jobs": 1, "seconds": 1.0, "status": "finished", "path": ""}


def board(metric: Any) -> Leaderboard:
    """Return forty trials of a kind and two numbers, of which only `ridge` has the second."""
    rows = [
        {**ABOUT, "rank": i + 1, "trial": i, "trainer": kind, "a": a, "b": b if kind == "ridge" else None}
        for i, (kind, a, b) in enumerate(itertools.product(("ridge", "tree"), range(5), range(4)))
    ]
    found = [{**row, "accuracy": metric(row)} for row in rows]
    return Leaderboard("s", "accuracy", ("trainer", "a", "b"), tuple(found))


def test_a_metric_hangs_on_what_makes_it_and_not_on_what_does_not() -> None:
    pytest.importorskip("sklearn")
    found = importances(board(lambda row: row["a"] + (3.0 if row["trainer"] == "ridge" else 0.0)))
    assert found is not None
    shares = dict(found["of"])
    assert sum(shares.values()) == pytest.approx(1)
    assert min(shares["a"], shares["trainer"]) > 0.2
    assert shares["b"] < 0.1 or shares["b"] < shares["trainer"]
    assert [share for _, share in found["of"]] == sorted(shares.values(), reverse=True)
    assert 0.5 < found["foreseen"] <= 1


def test_where_every_trial_has_every_key_shares_are_optunas_own() -> None:
    pytest.importorskip("sklearn")
    optuna = pytest.importorskip("optuna")
    whole = board(lambda row: row["a"] + (3.0 if row["trainer"] == "ridge" else 0.0))
    found = importances(Leaderboard("s", "accuracy", ("trainer", "a"), whole.rows))
    assert found is not None
    assert found["method"] == ANOVA
    study = optuna.create_study()
    kinds = {
        "trainer": optuna.distributions.CategoricalDistribution(["ridge", "tree"]),
        "a": optuna.distributions.FloatDistribution(0, 4),
    }
    for row in whole.rows:
        params = {"trainer": row["trainer"], "a": float(row["a"])}
        study.add_trial(optuna.create_trial(params=params, distributions=kinds, value=row["accuracy"]))
    theirs = optuna.importance.get_param_importances(
        study, evaluator=optuna.importance.FanovaImportanceEvaluator(seed=0)
    )
    total = sum(theirs.values())
    assert dict(found["of"]) == pytest.approx({key: value / total for key, value in theirs.items()}, abs=1e-12)
    # One that only some trials have is asked of our own forest.
    conditional = importances(whole)
    assert conditional is not None
    assert conditional["method"] == FOREST


def test_nothing_is_said_of_chance_of_few_trials_or_of_one_value() -> None:
    pytest.importorskip("sklearn")
    chance = random.Random(1)
    assert importances(board(lambda row: chance.random())) is None
    few = board(lambda row: row["a"])
    assert importances(Leaderboard("s", "accuracy", few.varied, few.rows[:9])) is None
    assert importances(board(lambda row: 1.0)) is None


def test_a_trial_that_was_given_up_shows_how_it_learned(tmp_path: Path) -> None:
    learning = {"name": "log_loss", "greater_is_better": False, "points": [[step, 1 / step] for step in range(1, 502)]}
    (tmp_path / "evidence.json").write_text(json.dumps({"learning": learning}), "utf-8")
    jobs = [_job(0, "finished", str(tmp_path)), _job(1, "pruned", str(tmp_path)), _job(2, "failed", str(tmp_path))]
    rows = [{"rank": job.trial + 1, "trial": job.trial, "status": job.status} for job in jobs]
    found = list(curves(Leaderboard("s", "log_loss", (), tuple(rows)), jobs))
    assert [(one["rank"], one["status"]) for one in found] == [(1, "finished"), (2, "pruned")]
    assert len(found[1]["points"]) <= 201
    assert (found[1]["points"][0], found[1]["points"][-1]) == ([1, 1.0], [501, 1 / 501])


def _job(trial: int, status: str, path: str) -> JobRecord:
    return JobRecord(trial, trial, (), {}, {}, status, f"r{trial}", path, "", 1.0, 1, {})
