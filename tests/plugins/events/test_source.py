"""Events read as rows: which, in what order, of what types; once each; and what goes wrong."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest

import hookline as hl
from hookline.errors import DataError, HooklineError
from hookline.registry.registry import Registry
from hookline_events import EventsSource
from kit.brokers import PASSWORD, Bus, NatsBus, RedisBus
from kit.conformance import check_built_in
from kit.processes import free_port


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HOOKLINE_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


def numbers(*values: int) -> Iterator[dict[str, int]]:
    return ({"n": value} for value in values)


def read(source: EventsSource) -> pl.DataFrame:
    return source.load().frame.collect()


def letters(source: EventsSource) -> list[dict[str, Any]]:
    return [json.loads(line) for line in source.letters().path.read_text("utf-8").splitlines()]


def test_events_are_rows_with_their_ids_and_times(bus: Bus, topic: str) -> None:
    bus.add(topic, *numbers(1, 2, 3))
    rows = read(bus.source(topic))
    assert rows["n"].to_list() == [1, 2, 3]
    ids = rows["event_id"].to_list()
    wanted = {"nats": ["1", "2", "3"], "kafka": [f"{topic}-0-{n}" for n in range(3)]}
    assert ids == wanted.get(bus.kind, sorted(ids))
    assert rows.schema["event_time"] == pl.Datetime("us", "UTC")
    now = datetime.now(UTC)
    assert all(now - timedelta(minutes=5) < time <= now + timedelta(minutes=1) for time in rows["event_time"])


def test_a_source_passes_the_conformance_kit(bus: Bus, topic: str) -> None:
    bus.add(topic, *({"n": n, "word": f"w{n}"} for n in range(9)))
    check_built_in("source", "events", {"topic": topic, **bus.access})


def test_what_is_planned_is_what_is_read(bus: Bus, topic: str) -> None:
    bus.add(topic, *numbers(1, 2))
    source = bus.source(topic)
    planned = source.fingerprint()
    bus.add(topic, *numbers(3))
    assert read(source)["n"].to_list() == [1, 2]
    later = bus.source(topic)
    assert later.fingerprint() != planned
    assert read(later)["n"].to_list() == [1, 2, 3]


def test_a_span_of_positions_is_read_again_as_it_was(bus: Bus, topic: str) -> None:
    bus.add(topic, *numbers(1))
    first = bus.source(topic).position()
    bus.add(topic, *numbers(2, 3))
    second = bus.source(topic).position()
    bus.add(topic, *numbers(4))
    span = bus.source(topic, after=first, upto=second)
    assert read(span)["n"].to_list() == [2, 3]
    assert span.fingerprint() == bus.source(topic, after=first, upto=second).fingerprint()


def test_events_that_came_since_are_collected_once(bus: Bus, topic: str) -> None:
    source = bus.source(topic)
    bus.add(topic, *numbers(1, 2))
    first = hl.collect(topic, source)
    bus.add(topic, *numbers(3))
    collected = [first, hl.collect(topic, source), hl.collect(topic, source)]
    assert [one.rows for one in collected] == [2, 1, 0]
    assert pl.read_parquet(first.path / "*.parquet")["n"].to_list() == [1, 2, 3]


def test_many_events_are_read_in_order(bus: Bus, topic: str) -> None:
    bus.add(topic, *numbers(*range(3_500)))
    assert read(bus.source(topic))["n"].to_list() == list(range(3_500))


def test_what_is_no_row_is_a_dead_letter_with_its_reason(
    bus: Bus, topic: str, caplog: pytest.LogCaptureFixture
) -> None:
    bus.put(topic, b'{"n": 1}', b"{oops", b"[1]", b"\xff\xfe", b'{"n": "many"}', b'{"n": 1e999}', b'{"n": 2}')
    source = bus.source(topic)
    with caplog.at_level(logging.WARNING, "hookline.events"):
        rows = read(source)
    assert rows["n"].to_list() == [1, 2]
    found = letters(source)
    assert {one["id"] for one in found}.isdisjoint(rows["event_id"])
    assert [one["reason"].partition(":")[0] for one in sorted(found, key=lambda one: str(one["id"]))] == [
        "is no JSON",
        "is no JSON object, but a list",
        "is no UTF-8",
        "field 'n' is a text, and of most events a number",
        "field 'n' is infinite, or too large a number",
    ]
    assert "5 of 7 events" in caplog.text
    read(bus.source(topic))
    assert letters(source) == found, "each is in the file once, however often it is read"


def test_a_dead_letter_holds_the_event_as_it_came(bus: Bus, topic: str) -> None:
    bus.put(topic, b'{"n":  1 , "x": 1}', b'{"n": 2, "x": 2}', b'{"n":  true , "more": [1]}')
    source = bus.source(topic)
    read(source)
    (found,) = letters(source)
    body = found["fields"]["event"] if bus.kind == "redis" else found["event"]
    assert body == '{"n":  true , "more": [1]}'


def test_a_dead_letter_can_be_an_error(bus: Bus, topic: str) -> None:
    bus.put(topic, b'{"n": 1}', b"oops")
    with pytest.raises(DataError, match="is no row: it is no JSON"):
        bus.source(topic, errors="raise").load()


def test_plugins_are_told_of_new_dead_letters_once(
    redis_server: RedisBus, topic: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[hl.Finding] = []
    monkeypatch.setattr(Registry, "tell", lambda self, hook, **facts: told.append(facts["finding"]))
    redis_server.put(topic, b'{"n": 1}', b"oops", b"oops")
    for _ in range(2):
        read(redis_server.source(topic))
    (finding,) = told
    assert (finding.subject, finding.statistic, finding.value) == (topic, "dead_letters", 2.0)


def test_types_that_are_said_hold_for_every_batch(bus: Bus, topic: str) -> None:
    types = {"n": "number", "day": "date", "at": "datetime", "ok": "boolean", "word": "string", "left": "integer"}
    source = bus.source(topic, dtypes=types)
    bus.add(topic, {"n": 1, "at": "2026-01-02T03:04:05+02:00", "day": "2026-01-02", "ok": "yes", "word": 7})
    first = source.position()
    bus.add(topic, {"n": "2.5"}, {"n": "x"}, {"ok": "perhaps"}, {"left": 1.5})
    batches = [source.load_between(None, first), source.load_between(first, source.position())]
    frames = [batch.frame.collect() for batch in batches]
    assert frames[0].schema == frames[1].schema
    first_row = (1.0, date(2026, 1, 2), datetime(2026, 1, 2, 1, 4, 5), True, "7", None)
    assert frames[0].select(*types).row(0) == first_row
    assert frames[1]["n"].to_list() == [2.5]
    assert len(letters(source)) == 3


def test_fields_of_redis_are_columns_of_texts(redis_server: RedisBus, topic: str) -> None:
    redis_server.redis.xadd(topic, {"city": "Rome", "zip": "00118", "amount": "12.5"})
    rows = read(redis_server.source(topic, field=None, dtypes={"amount": "number"}))
    assert rows.select("city", "zip", "amount").row(0) == ("Rome", "00118", 12.5)


def test_a_subject_with_wildcards_reads_all_that_match(nats_server: NatsBus, topic: str) -> None:
    async def send(jetstream: Any) -> None:
        await jetstream.add_stream(name=topic.upper(), subjects=[f"{topic}.*"])
        for name in ("rome", "oslo", "rome"):
            await jetstream.publish(f"{topic}.{name}", b'{"city": "%s"}' % name.encode())

    nats_server.run(send)
    assert read(nats_server.source(f"{topic}.*"))["city"].to_list() == ["rome", "oslo", "rome"]
    some = nats_server.source(f"{topic}.oslo")
    assert read(some)["city"].to_list() == ["oslo"]
    assert some.load_between(some.position(), some.position()).frame.collect().is_empty()


def test_events_that_were_trimmed_unread_are_told(bus: Bus, topic: str) -> None:
    bus.add(topic, *numbers(*range(10)))
    source = bus.source(topic, columns=("n",))
    first = source.position()
    bus.add(topic, *numbers(10, 11, 12))
    bus.trim(topic, keep=1)
    with pytest.raises(DataError, match=r"(2 events|events [\d,]+ to [\d,]+) .* (trimmed or deleted|expired) before"):
        source.load_between(first, source.position())
    kept = bus.source(topic, columns=("n",), trimmed="warn")
    rows = kept.load_between(first, kept.position()).frame.collect()
    assert rows.height >= 1
    assert 10 not in rows["n"].to_list()


def test_a_topic_that_let_go_of_its_first_events_has_other_rows(bus: Bus, topic: str) -> None:
    bus.add(topic, *numbers(1, 2, 3))
    upto = bus.source(topic).position()
    before = bus.source(topic, upto=upto).fingerprint()
    bus.trim(topic, keep=1)
    assert bus.source(topic, upto=upto).fingerprint() != before
    assert bus.source(topic, upto=upto).position() == upto


def test_a_stream_that_was_made_anew_is_told(redis_server: RedisBus, topic: str) -> None:
    redis_server.add(topic, *numbers(1, 2))
    position = redis_server.source(topic).position()
    redis_server.redis.delete(topic)
    redis_server.add(topic, *numbers(3))
    source = redis_server.source(topic)
    with pytest.raises(DataError, match="deleted and made anew"):
        source.load_between(position, source.position())


def test_a_topic_that_is_not_there_is_told_with_those_that_are(bus: Bus, topic: str) -> None:
    bus.add(topic, *numbers(1))
    with pytest.raises(DataError, match=r"has no (stream|subject|topic) 'rides'") as caught:
        bus.source("rides").load()
    assert "there are: " in str(caught.value.hint)


def test_a_topic_without_rows_is_told(bus: Bus, topic: str) -> None:
    bus.put(topic, b"oops")
    with pytest.raises(DataError, match="has no events that are rows"):
        bus.source(topic).load()


def test_a_broker_that_is_away_is_told(bus: Bus, topic: str) -> None:
    url = f"{bus.url.partition(':')[0]}://127.0.0.1:{free_port()}"
    with pytest.raises(DataError, match="127.0.0.1:") as caught:
        bus.source(topic, url=url, timeout=1).load()
    assert "whether the broker runs" in str(caught.value.hint)


@pytest.mark.parametrize("system", ["redis", "nats"])
def test_a_wrong_password_is_told_and_not_shown(system: str, topic: str, request: pytest.FixtureRequest) -> None:
    bus: Bus = request.getfixturevalue(f"{system}_server")
    with pytest.raises(DataError) as caught:
        bus.source(topic, password=hl.Secret("wrong-horse-battery")).load()
    assert "source.password" in str(caught.value.hint)
    assert "horse" not in str(caught.value)


def test_a_password_is_in_no_position_and_changes_no_fingerprint(redis_server: RedisBus, topic: str) -> None:
    redis_server.add(topic, *numbers(1))
    source = redis_server.source(topic)
    position = source.position()
    assert PASSWORD not in position + repr(source)
    span = {"after": position, "upto": position}
    other = redis_server.source(topic, password=hl.Secret("another-horse-battery"), **span)
    assert other.fingerprint() == redis_server.source(topic, **span).fingerprint()


def test_a_position_of_another_topic_is_refused(bus: Bus, topic: str) -> None:
    bus.add(topic, *numbers(1))
    for text in ("7", '{"topic": "other", "end": {}}', "[]"):
        with pytest.raises(DataError, match="is no position of topic"):
            bus.source(topic).load_between(text, text)


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"url": "http://127.0.0.1"}, "url must begin with redis://"),
        ({"url": "redis://ada:secret@127.0.0.1"}, "url has credentials"),
        ({"url": "redis://127.0.0.1/first"}, "must end in the number of a database"),
        ({"user": "ada"}, "user goes with password"),
        ({"columns": ("a",), "dtypes": {"b": "number"}}, "dtypes has 'b'"),
        ({"columns": ("event_id",)}, "is the column of an event's id or time"),
    ],
    ids=["scheme", "credentials", "database", "user", "dtypes", "own"],
)
def test_fields_that_do_not_go_together_are_refused(fields: dict[str, Any], told: str) -> None:
    with pytest.raises((ValueError, HooklineError), match=told):
        EventsSource(**{"url": "redis://127.0.0.1", "topic": "t", **fields})


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"url": "redis://127.0.0.1:first"}, "a port from 1 to 65535"),
        ({"url": "redis://.broker"}, "must name a host"),
        ({"url": "nats://127.0.0.1:70000"}, "a port from 1 to 65535"),
        ({"url": "kafka://127.0.0.1:9092,:1"}, "must name a host"),
        ({"url": "redis://one,other"}, "a stream of Redis is at one"),
        ({"stream": "RIDES"}, "stream is of nats"),
        ({"token": hl.Secret("${oc.env:T}")}, "token is of nats"),
        ({"url": "nats://127.0.0.1", "field": "event"}, "field is of redis"),
        ({"mechanism": "SCRAM-SHA-256"}, "mechanism is of kafka"),
        ({"url": "nats://127.0.0.1", "password": hl.Secret("${oc.env:P}")}, "password goes with user"),
        ({"ca": Path("broker.pem")}, "ca is of an encrypted connection"),
    ],
    ids=["letters", "label", "large", "host", "hosts", "stream", "token", "field", "mechanism", "password", "ca"],
)
def test_what_another_broker_takes_is_refused_and_not_left_out(fields: dict[str, Any], told: str) -> None:
    with pytest.raises((ValueError, HooklineError), match=told):
        EventsSource(**{"url": "redis://127.0.0.1", "topic": "t", **fields})


def test_nothing_is_told_to_a_server_that_does_not_encrypt(nats_server: NatsBus, topic: str) -> None:
    nats_server.add(topic, *numbers(1))
    url = nats_server.url.replace("nats://", "tls://")
    with pytest.raises(DataError, match="does not encrypt, and nothing was told to it"):
        nats_server.source(topic, url=url).load()


def test_certificates_that_are_none_are_told(tmp_path: Path) -> None:
    source = EventsSource(url="kafka+ssl://127.0.0.1:1", topic="t", ca=tmp_path / "broker.pem", timeout=1)
    with pytest.raises(DataError, match="there is no such file"):
        source.load()
    (tmp_path / "broker.pem").write_text("none")
    with pytest.raises(DataError, match=r"ssl\.ca\.location"):
        EventsSource(url="kafka+ssl://127.0.0.1:1", topic="t", ca=tmp_path / "broker.pem", timeout=1).load()


def test_a_column_that_no_event_has_is_told_with_those_that_they_have(
    redis_server: RedisBus, topic: str, caplog: pytest.LogCaptureFixture
) -> None:
    redis_server.add(topic, {"amount": 1.5, "customer": "a"}, {"amount": 2.5, "customer": "b"})
    source = redis_server.source(topic, columns=("amout", "customer"))
    told = r"none of 2 events has the field 'amout' \(did you mean 'amount'\?\); they have amount, customer"
    with pytest.raises(DataError, match=told):
        source.load()
    # A few events that came may lack what others have.
    assert source.load_between(None, source.position()).frame.collect()["amout"].null_count() == 2
    assert "none of 2 events has the field 'amout'" in caplog.text


def test_a_column_that_some_event_has_is_missing_in_the_others(redis_server: RedisBus, topic: str) -> None:
    redis_server.add(topic, {"amount": 1.5}, {"amount": 2.5, "note": None})
    assert redis_server.source(topic, columns=("amount", "note")).load().frame.collect()["note"].null_count() == 2
