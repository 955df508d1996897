"""A model that learns what comes to a topic: each event once, in order, wherever it is killed."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from sklearn.linear_model import SGDRegressor

import hookline as hl
from hookline.cli import main
from hookline.errors import UsageError
from hookline.live.learners import position_in
from hookline.live.streams.batches import Batches
from hookline.packages.manifest import read_manifest
from hookline.registry.registry import load_registry
from hookline.workspace.workspace import open_workspace
from kit.brokers import Bus, RedisBus
from kit.strikes import Moment, strike

TRAINER = '''
"""A trainer whose steps go by the order of the rows, so that one that is learned twice, late or never is seen."""

import copy

import hookline as hl


class StepsTrainer(hl.Trainer):
    """Stochastic gradient descent, which goes on from where it was."""

    name = "steps"

    def fit(self, train: hl.Features, valid: hl.Features | None) -> hl.SklearnModel:
        from sklearn.linear_model import SGDRegressor

        return hl.SklearnModel.of(SGDRegressor(shuffle=False).partial_fit(train.X, train.y), train)

    def update(self, model: hl.SklearnModel, batch: hl.Features) -> hl.SklearnModel:
        more = copy.deepcopy(model.estimator)
        more.partial_fit(batch.X, batch.y)
        return hl.SklearnModel(more, model.feature_names)


@hl.hookimpl
def register_trainers():
    return [StepsTrainer]
'''
CONFIG: Mapping[str, Any] = {
    "target": "paid",
    "name": "shop",
    "trainer": "steps",
    "packager": ["skops"],
    "deployer": "local",
    "evaluator": [],
    "monitor": [],
}


def paid(count: int, start: int) -> list[dict[str, float]]:
    size = np.random.default_rng(start).normal(size=count).round(3)
    return [{"size": float(one), "n": start + n, "paid": float(2 * one + 0.01 * n)} for n, one in enumerate(size)]


def weights(name: str) -> list[float]:
    found = hl.load(name).predictor.model.estimator
    return [*found.coef_.tolist(), *found.intercept_.tolist()]


def by_hand(rows: list[dict[str, float]]) -> list[float]:
    """Return what version 1 becomes that learns rows at once, in order."""
    one = hl.load("shop:1")
    batch = one.predictor.examples(hl.Dataset(pl.LazyFrame(rows), target=one.target))
    estimator = SGDRegressor(shuffle=False)
    vars(estimator).update(vars(one.predictor.model.estimator))
    estimator.coef_, estimator.intercept_ = estimator.coef_.copy(), estimator.intercept_.copy()
    estimator.partial_fit(batch.X, batch.y)
    return [*estimator.coef_.tolist(), *estimator.intercept_.tolist()]


@pytest.fixture
def steps(project_module: Callable[[str, str], str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A trainer that every process finds."""
    project_module("steps", TRAINER)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "project"))


def learned_rows(version: int) -> int:
    """Return how many rows a version has learned since version 1."""
    said = read_manifest(Path(open_workspace().catalog.models.get("shop", version).path)).get("updated_from")
    return 0 if said is None else said["rows"] + learned_rows(said["version"])


def package(name: str, version: int) -> Path:
    return Path(open_workspace().catalog.models.get(name, version).path)


def test_a_model_learns_what_came_after_its_training_rows(bus: Bus, topic: str, steps: None) -> None:
    bus.add(topic, *paid(60, 0))
    hl.run(source=bus.source(topic), **CONFIG)
    assert hl.update_from("shop", bus.source(topic)) is None
    first, second = paid(25, 100), paid(10, 200)
    bus.add(topic, *first)
    made = hl.update_from("shop", bus.source(topic), batch=10)
    assert made is not None
    assert (made.version, made.rows) == (2, 25)
    bus.add(topic, *second)
    again = hl.update_from("shop", bus.source(topic))
    assert again is not None
    assert (again.version, again.rows) == (3, 10)
    assert weights("shop:3") == pytest.approx(by_hand(first + second), rel=1e-5)


def test_batches_that_were_learned_are_told_and_go_by_a_rule_and_learning_goes_on(
    redis_server: RedisBus, topic: str, steps: None, capsys: pytest.CaptureFixture[str]
) -> None:
    source = redis_server.source(topic)
    redis_server.add(topic, *paid(60, 0))
    hl.run(source=source, **CONFIG)
    for start in (100, 200, 300):
        redis_server.add(topic, *paid(10, start))
        assert hl.update_from("shop", redis_server.source(topic)) is not None
    folder = open_workspace().home / "streams" / "shop" / "learned"

    def stored() -> int:
        return len([*folder.glob("*.parquet")])

    def gc(*more: str) -> int:
        assert main(["gc", "--keep-batches", "1", "--json", *more]) == 0
        return sum(one["sort"] == "batch" for one in json.loads(capsys.readouterr().out)["found"])

    # Young ones stay, and of old ones the newest; without --yes all of them do.
    assert (gc(), gc("--older-than", "0"), stored()) == (0, 2, 3)
    # One that came, and that nobody has learned yet.
    redis_server.add(topic, *paid(10, 400))
    position = position_in(read_manifest(package("shop", 4)))
    assert position is not None
    Batches(folder).take(load_registry(), redis_server.source(topic), position.upto)
    assert (gc("--older-than", "0", "--yes"), stored()) == (2, 2)
    again = hl.update_from("shop", redis_server.source(topic))
    assert again is not None
    assert (again.version, again.rows) == (5, 10)


STRIKES: tuple[tuple[str, Moment], ...] = (
    (".parquet", "after"),
    ("/store/", "after"),
    ("/models/shop/", "after"),
)
"""Rows are stored and not noted; micro-batches are learned; a package is in its place and not registered."""
MORE: tuple[tuple[str, Moment], ...] = (
    (".parquet", "before"),
    (".json", "before"),
    (".json", "after"),
    ("/models/shop/", "before"),
)


@pytest.mark.parametrize("strikes", [STRIKES, pytest.param(MORE, marks=pytest.mark.long)], ids=["few", "more"])
def test_a_learner_that_is_killed_anywhere_learns_each_event_once(
    strikes: tuple[tuple[str, Moment], ...], redis_server: RedisBus, topic: str, steps: None
) -> None:
    redis_server.add(topic, *paid(60, 0))
    hl.run(source=redis_server.source(topic), **CONFIG)
    argv = ["models", "update", "shop", *redis_server.words(topic), "--batch", "4", "--checkpoint", "2"]
    came: list[dict[str, float]] = []
    for number, (pattern, moment) in enumerate(strikes, 1):
        rows = paid(20, number * 100)
        redis_server.add(topic, *rows)
        came += rows
        strike(pattern, moment, argv, env=dict(os.environ))
    assert main(argv) == 0
    newest = open_workspace().catalog.models.get("shop", max(versions()))
    assert learned_rows(newest.version) == len(came)
    assert weights(f"shop:{newest.version}") == pytest.approx(by_hand(came), rel=1e-5)


def versions() -> list[int]:
    return [record.version for record in open_workspace().catalog.models.versions("shop")]


def test_rows_of_another_file_in_between_change_no_mark(redis_server: RedisBus, topic: str, steps: None) -> None:
    redis_server.add(topic, *paid(60, 0))
    hl.run(source=redis_server.source(topic), **CONFIG)
    redis_server.add(topic, *paid(20, 100))
    hl.update_from("shop", redis_server.source(topic))
    made = hl.update("shop:2", pl.DataFrame(paid(5, 500)))
    assert hl.update_from(f"shop:{made.version}", redis_server.source(topic)) is None


def test_rows_without_their_truth_hold_nothing_up(
    redis_server: RedisBus, topic: str, steps: None, caplog: pytest.LogCaptureFixture
) -> None:
    redis_server.add(topic, *paid(60, 0))
    hl.run(source=redis_server.source(topic), **CONFIG)
    redis_server.add(topic, *paid(5, 100), {"size": 1.0, "n": 7}, *paid(5, 200))
    made = hl.update_from("shop", redis_server.source(topic))
    assert made is not None
    assert made.rows == 10
    assert "1 of 11 rows that came do not tell 'paid'" in caplog.text


def test_a_model_that_was_trained_on_something_else_asks_where_to_begin(
    redis_server: RedisBus, topic: str, steps: None
) -> None:
    hl.run(source=pl.DataFrame(paid(60, 0)), **CONFIG)
    redis_server.add(topic, *paid(20, 100))
    with pytest.raises(UsageError, match="nothing says up to where shop:1 was trained") as caught:
        hl.update_from("shop", redis_server.source(topic))
    assert "--from-start" in str(caught.value.hint)
    position = redis_server.source(topic).position()
    redis_server.add(topic, *paid(7, 200))
    later = hl.update_from("shop", redis_server.source(topic, after=position))
    assert later is not None
    assert later.rows == 7
    everything = hl.update_from("shop:1", redis_server.source(topic), from_start=True)
    assert everything is not None
    assert everything.rows == 27


def test_a_consumer_goes_on_as_events_come(
    redis_server: RedisBus, topic: str, steps: None, capsys: pytest.CaptureFixture[str]
) -> None:
    redis_server.add(topic, *paid(60, 0))
    hl.run(source=redis_server.source(topic), **CONFIG)
    redis_server.add(topic, *paid(20, 100))
    argv = [
        "models",
        "update",
        "shop",
        *redis_server.words(topic),
        "--json",
        "--follow",
        "--every",
        "0.01",
        "--times",
        "1",
    ]
    capsys.readouterr()
    assert main(argv) == 0
    assert json.loads(capsys.readouterr().out)["rows"] == 20


def test_a_source_that_does_not_read_on_is_refused(steps: None, capsys: pytest.CaptureFixture[str]) -> None:
    hl.run(source=pl.DataFrame(paid(60, 0)), **CONFIG)
    assert main(["models", "update", "shop", "source=iris"]) == 2
    assert "cannot be read on from where it was left" in capsys.readouterr().err
    assert main(["models", "update", "shop", "rows.csv", "--follow"]) == 2
    assert "--follow is of a source" in capsys.readouterr().err
