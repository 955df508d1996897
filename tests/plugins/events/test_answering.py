"""What comes to a topic answered to another: each event once, on record, wherever it is killed."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from typing import Any

import numpy as np
import polars as pl
import pytest

import hookline as hl
from hookline.cli import main
from hookline.errors import UsageError
from hookline.workspace.workspace import open_workspace
from hookline_events import EventsSource
from kit.brokers import Bus, RedisBus
from kit.strikes import Moment, strike


@pytest.fixture
def shop() -> None:
    """A model that says what is paid."""
    size = np.random.default_rng(0).normal(size=80).round(3)
    rows = pl.DataFrame({"size": size, "paid": 2 * size})
    hl.run(
        source=rows,
        target="paid",
        name="shop",
        trainer="sgd_regressor",
        packager=["skops"],
        deployer="local",
        evaluator=[],
    )


def asked(*sizes: float) -> list[dict[str, float]]:
    return [{"size": size} for size in sizes]


def answers(bus: Bus, topic: str) -> list[dict[str, Any]]:
    """Return what was sent to a topic."""
    return bus.source(topic).load().frame.collect().to_dicts()


def recorded() -> dict[str, Mapping[str, Any]]:
    """Return the records of the model's log by their ids; fails where one is there twice."""
    found: dict[str, Mapping[str, Any]] = {}
    for path in sorted((open_workspace().home / "predictions" / "shop").glob("*.ndjson")):
        for line in path.read_text("utf-8").splitlines():
            record = json.loads(line)
            assert record["id"] not in found
            found[record["id"]] = record
    return found


def words(bus: Bus, topic: str) -> list[str]:
    ends = ((topic, "from"), (f"{topic}a", "to"))
    said = [f"{word}" for name, end in ends for word in bus.words(name, end)[1:]]
    return ["predict", "shop", "--from", "events", "--to", "events", *said, "--batch", "4"]


def require_each_once(bus: Bus, topic: str, rows: list[dict[str, float]]) -> None:
    """See that each event was answered and recorded once, alike, and in order."""
    sent, records = answers(bus, f"{topic}a"), recorded()
    events = bus.source(topic).load().frame.collect()
    assert events["size"].to_list() == [row["size"] for row in rows]
    named = {one["row_id"]: one for one in sent}
    assert len(sent) == len(named) == len(records) == events.height
    for event_id, size in events.select("event_id", "size").iter_rows():
        record = records[named[event_id]["prediction_id"]]
        assert record["row"]["size"] == size
        assert record["prediction"] == named[event_id]["prediction"]
    expected = hl.predict("shop", events)["prediction"].to_list()
    assert [named[one]["prediction"] for one in events["event_id"]] == pytest.approx(expected)


def test_each_event_is_answered_to_a_topic_and_put_on_record(bus: Bus, topic: str, shop: None) -> None:
    rows = asked(0.5, 1.0, -1.5, 2.0, 0.25)
    bus.add(topic, *rows)
    bus.put(f"{topic}a")
    source, to = bus.source(topic), bus.source(f"{topic}a")
    assert hl.answer_from("shop", source, to, batch=2).rows == 5
    assert hl.answer_from("shop", bus.source(topic), to).rows == 0
    more = asked(3.0)
    bus.add(topic, *more)
    assert hl.answer_from("shop", bus.source(topic), to).rows == 1
    require_each_once(bus, topic, rows + more)


STRIKES: tuple[tuple[str, Moment], ...] = (
    ("answered/pending", "after"),
    ("/predictions/shop/", "before"),
    ("answered/mark.json", "before"),
)
"""Answers are written down and not sent; they are sent and not on record; they are on record and the mark stands."""
MORE: tuple[tuple[str, Moment], ...] = (
    ("answered/pending", "before"),
    ("/predictions/shop/", "after"),
    ("answered/mark.json", "after"),
)


@pytest.mark.parametrize("strikes", [STRIKES, pytest.param(MORE, marks=pytest.mark.long)], ids=["few", "more"])
def test_who_is_killed_while_it_answers_answers_each_event_once(
    strikes: tuple[tuple[str, Moment], ...], redis_server: RedisBus, topic: str, shop: None
) -> None:
    rows = asked(*np.arange(10.0))
    redis_server.add(topic, *rows)
    for number, (pattern, moment) in enumerate(strikes, 1):
        strike(pattern, moment, words(redis_server, topic), env=dict(os.environ))
        more = asked(*(number * 100 + np.arange(3.0)))
        redis_server.add(topic, *more)
        rows += more
    assert main(words(redis_server, topic)) == 0
    require_each_once(redis_server, topic, rows)


@pytest.mark.parametrize("system", ["nats", "kafka"])
def test_answers_of_which_some_were_sent_before_a_kill_are_sent_once(
    system: str, topic: str, shop: None, request: pytest.FixtureRequest
) -> None:
    bus: Bus = request.getfixturevalue(f"{system}_server")
    rows = asked(*np.arange(6.0))
    bus.add(topic, *rows)
    bus.put(f"{topic}a")
    strike("answered/pending", "after", words(bus, topic), env=dict(os.environ))
    ready = json.loads((open_workspace().home / "streams/shop/answered/pending/answers.json").read_text("utf-8"))
    bus.source(f"{topic}a").send(ready[:2])
    assert main(words(bus, topic)) == 0
    require_each_once(bus, topic, rows)


def test_a_row_that_the_model_refuses_is_answered_with_why(redis_server: RedisBus, topic: str, shop: None) -> None:
    redis_server.add(topic, {"size": 1.0}, {"size": "tall"}, {"size": 2.0})
    source, to = redis_server.source(topic, dtypes={"size": "string"}), redis_server.source(f"{topic}a")
    assert hl.answer_from("shop", source, to).rows == 3
    found = answers(redis_server, f"{topic}a")
    assert [one["prediction"] is None for one in found] == [False, True, False]
    assert "size" in found[1]["error"]
    assert len(recorded()) == 2


def test_the_words_that_lack_are_told(shop: None, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["predict", "shop", "--from", "events"]) == 2
    assert "--to" in capsys.readouterr().err
    assert main(["predict", "shop", "--from", "events", "from.fild=x", "--to", "events"]) == 2
    assert "from.fild: unknown field; did you mean 'field'?" in capsys.readouterr().err
    url = "to.url=redis://127.0.0.1"
    assert main(["predict", "shop", "--from", "iris", "--to", "events", url, "to.topic=t"]) == 2
    assert "cannot be read on from where it was left" in capsys.readouterr().err
    said = ["from.url=redis://127.0.0.1", "from.topic=t"]
    assert main(["predict", "shop", "--from", "events", *said, "--to", "iris"]) == 2
    assert "takes no rows" in capsys.readouterr().err


def test_answers_do_not_go_where_the_rows_come_from(
    redis_server: RedisBus, topic: str, shop: None, capsys: pytest.CaptureFixture[str]
) -> None:
    redis_server.add(topic, *asked(1.0))
    assert main([word.replace(f"{topic}a", topic) for word in words(redis_server, topic)]) == 2
    assert "be answered in turn" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["learned", "watched"])
def test_what_was_answered_is_not_kept_in_the_place_of_what_was_learned_or_watched(name: str, shop: None) -> None:
    source, to = (EventsSource(url="redis://127.0.0.1", topic=one) for one in ("a", "b"))
    with pytest.raises(UsageError, match=f"'{name}' is where it is kept what of a stream was {name}"):
        hl.answer_from("shop", source, to, name=name)


def test_a_batch_has_one_row_at_least(capsys: pytest.CaptureFixture[str]) -> None:
    for option, value in (("--batch", "0"), ("--times", "-1"), ("--every", "0"), ("--every", "inf")):
        assert main(["predict", "shop", "--from", "events", "--to", "events", option, value]) == 2
        assert f"argument {option}: must be" in capsys.readouterr().err
