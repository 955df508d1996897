"""What came to a topic held against what a model was trained on, each event once."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

import hookline as hl
from hookline.cli import main
from hookline.errors import UsageError
from hookline.workspace.workspace import open_workspace
from kit.brokers import Bus, RedisBus


def sizes(count: int, mean: float) -> list[dict[str, float]]:
    return [{"size": float(one)} for one in np.random.default_rng(count).normal(mean, size=count)]


@pytest.fixture
def shop() -> None:
    """A model that was trained on sizes around 0."""
    rows = pl.DataFrame(sizes(300, 0.0)).with_columns(paid=2 * pl.col("size"))
    hl.run(
        source=rows,
        target="paid",
        name="shop",
        trainer="sgd_regressor",
        packager=["skops"],
        deployer="local",
        evaluator=[],
    )


def test_each_batch_of_events_is_looked_at_once(bus: Bus, topic: str, shop: None) -> None:
    bus.add(topic, *sizes(200, 0.0))
    first = hl.monitor_from("shop", bus.source(topic))
    assert first is not None
    assert not first["data_drift"].findings
    assert hl.monitor_from("shop", bus.source(topic)) is None
    bus.add(topic, *sizes(150, 4.0))
    second = hl.monitor_from("shop", bus.source(topic))
    assert second is not None
    assert [finding.subject for finding in second["data_drift"].findings] == ["size"]


def test_what_was_looked_at_goes_by_a_rule_and_what_was_not_stays(
    redis_server: RedisBus, topic: str, shop: None, capsys: pytest.CaptureFixture[str]
) -> None:
    for _ in range(2):
        redis_server.add(topic, *sizes(150, 0.0))
        assert hl.monitor_from("shop", redis_server.source(topic)) is not None
    redis_server.add(topic, *sizes(150, 4.0))
    with pytest.raises(UsageError):
        hl.monitor_from("shop", redis_server.source(topic), "service")
    assert main(["gc", "--keep-batches", "0", "--older-than", "0", "--yes"]) == 0
    assert "batches of streams that were made use of" in capsys.readouterr().out
    assert len([*(open_workspace().home / "streams" / "shop" / "watched").glob("*.parquet")]) == 1
    found = hl.monitor_from("shop", redis_server.source(topic))
    assert found is not None
    assert found["data_drift"].findings


def test_what_failed_to_be_looked_at_is_looked_at_by_the_next(redis_server: RedisBus, topic: str, shop: None) -> None:
    redis_server.add(topic, *sizes(150, 4.0))
    with pytest.raises(UsageError):
        hl.monitor_from("shop", redis_server.source(topic), "service")
    found = hl.monitor_from("shop", redis_server.source(topic))
    assert found is not None
    assert found["data_drift"].findings


def test_the_command_looks_at_a_topic_or_at_what_is_new(
    redis_server: RedisBus, topic: str, shop: None, capsys: pytest.CaptureFixture[str]
) -> None:
    redis_server.add(topic, *sizes(150, 4.0))
    argv = ["monitor", "run", "shop", *redis_server.words(topic)]
    for more, told in (((), "has moved"), (("--new",), "has moved"), (("--new",), "nothing new for shop")):
        capsys.readouterr()
        assert main([*argv, *more]) == 0
        said = capsys.readouterr()
        assert told in said.out + said.err
    assert main(["monitor", "run", "shop", "--new"]) == 2
    assert "--new is of a source" in capsys.readouterr().err
