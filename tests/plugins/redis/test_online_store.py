"""Stored features in a Redis: what the home's own store holds, in one step, and a clear word where it is not there."""

from __future__ import annotations

import datetime as dt
import logging
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from hookline.errors import FeaturesAway, UsageError
from hookline.kinds.features.online import Replaced
from hookline.live.featuring.online.store import OnlineStore, Stored
from kit.brokers import PASSWORD, RedisBus, redis_bus
from kit.processes import free_port, heard, started

NOW = dt.datetime(2026, 3, 1, 12, 30, tzinfo=dt.UTC)
FACTS = Stored(
    "orders",
    "last",
    "1a",
    ("customer",),
    {"spent": "plain", "seen": "datetime"},
    "2026-03-01",
    NOW,
    3,
    (None, None),
    60.0,
)
OLD, NEW = dt.datetime(2026, 1, 1), dt.datetime(2026, 2, 1)


@pytest.fixture(scope="module")
def bus(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisBus]:
    with redis_bus(tmp_path_factory.mktemp("redis")) as bus:
        yield bus


@pytest.fixture
def store(bus: RedisBus, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[OnlineStore]:
    bus.redis.flushall()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOOKLINE_ONLINE_STORE", bus.url)
    monkeypatch.setenv("HOOKLINE_ONLINE_STORE_PASSWORD", PASSWORD)
    with OnlineStore(tmp_path) as store:
        yield store


@pytest.fixture(params=["sqlite", "redis"])
def either(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[OnlineStore]:
    """A store in the home, and one in Redis."""
    if request.param == "redis":
        yield request.getfixturevalue("store")
        return
    monkeypatch.chdir(tmp_path)
    with OnlineStore(Path()) as store:
        yield store


def rows(moment: dt.datetime, count: int = 12_000) -> Iterator[tuple[tuple[str], tuple[int, dt.datetime]]]:
    return (((f"c{place}",), (place, moment)) for place in range(count))


def asked(store: OnlineStore, *keys: str) -> list[tuple[tuple[Any, ...], bool]]:
    (held,) = store.stored("orders")
    return store.values(held, [[key] for key in keys])


def test_what_is_written_is_read_back(either: OnlineStore) -> None:
    assert either.stored() == []
    either.write(FACTS, rows(OLD))
    (held,) = either.stored()
    assert (held.set, held.join, held.version, held.written) == ("orders", "last", "1a", NOW)
    assert asked(either, "c7", "nobody", "c11999") == [
        ((7, OLD), True), ((None, None), False), ((11_999, OLD), True)
    ]  # fmt: skip


def test_a_reader_sees_the_old_values_until_all_the_new_ones_are_there(either: OnlineStore, tmp_path: Path) -> None:
    either.write(FACTS, rows(OLD))
    reader = OnlineStore(tmp_path)

    def watched() -> Iterator[tuple[tuple[str], tuple[int, dt.datetime]]]:
        for row in rows(NEW):
            if row[1][0] == 11_000:
                assert asked(reader, "c1", "c11500") == [((1, OLD), True), ((11_500, OLD), True)]
            yield row

    either.write(FACTS, watched())
    assert asked(reader, "c1", "c11500") == [((1, NEW), True), ((11_500, NEW), True)]
    reader.close()


def test_who_asks_for_a_writing_that_another_took_the_place_of_is_told(store: OnlineStore) -> None:
    store.write(FACTS, rows(OLD, 10))
    (before,) = store.stored()
    store.write(FACTS, rows(NEW, 10))
    with pytest.raises(Replaced):
        store.values(before, [["c1"]])


KILLED = """
import sys
import time
from pathlib import Path
from hookline.live.featuring.online.store import OnlineStore
from test_online_store import FACTS, NEW, rows

def slow():
    for row in rows(NEW):
        if row[1][0] == 11_000:
            print("half of it", file=sys.stderr, flush=True)
            time.sleep(600)
        yield row

OnlineStore(Path()).write(FACTS, slow())
"""


def test_what_a_killed_writer_left_is_never_seen_and_goes_by_itself(either: OnlineStore, bus: RedisBus) -> None:
    either.write(FACTS, rows(OLD))
    path = os.pathsep.join([str(Path(__file__).parent), *sys.path])
    with started([sys.executable, "-c", KILLED], seconds=60, env=os.environ | {"PYTHONPATH": path}) as writer:
        heard(writer, "half of it")
        writer.send_signal(signal.SIGKILL)
        writer.wait()
    assert asked(either, "c1", "c11500") == [((1, OLD), True), ((11_500, OLD), True)]
    if either.waits:
        kept = {key: bus.redis.ttl(key) for key in bus.redis.keys("hookline:kept:*")}
        assert sorted(0 < left <= 3600 for left in kept.values()) == [False, True]
    either.write(FACTS, rows(NEW))
    assert asked(either, "c1") == [((1, NEW), True)]


@contextmanager
def losing_a_reply(port: int, word: bytes) -> Iterator[int]:
    """Give the port of what passes all on to Redis, and breaks the connection instead of the first reply to a command."""
    lost: list[bytes] = []

    def pass_on(client: socket.socket) -> None:
        with client, socket.create_connection(("127.0.0.1", port)) as server:
            while said := client.recv(1 << 20):
                server.sendall(said)
                reply = server.recv(1 << 20)
                if word in said and not lost:
                    lost.append(reply)
                    return
                client.sendall(reply)

    def listen() -> None:
        with suppress(OSError):
            while True:
                Thread(target=pass_on, args=(listening.accept()[0],), daemon=True).start()

    with socket.create_server(("127.0.0.1", 0)) as listening:
        listener = Thread(target=listen, daemon=True)
        listener.start()
        yield listening.getsockname()[1]
        listening.shutdown(socket.SHUT_RDWR)
        listener.join()
    assert lost


def test_a_writing_that_is_in_force_stays_though_the_reply_was_lost(
    store: OnlineStore, bus: RedisBus, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.write(FACTS, rows(OLD, 10))
    with losing_a_reply(int(bus.url.rpartition(":")[2].partition("/")[0]), b"EXEC") as port:
        monkeypatch.setenv("HOOKLINE_ONLINE_STORE", f"redis://127.0.0.1:{port}/0")
        with OnlineStore(tmp_path) as through:
            through.write(FACTS, rows(NEW, 10))
    assert asked(store, "c1") == [((1, NEW), True)]
    assert len(bus.redis.keys("hookline:kept:*")) == 1


def test_a_writing_whose_values_went_meanwhile_takes_no_place(store: OnlineStore, bus: RedisBus) -> None:
    store.write(FACTS, rows(OLD, 10))
    before = set(bus.redis.keys("hookline:kept:*"))

    def evicted() -> Iterator[tuple[tuple[str], tuple[int, dt.datetime]]]:
        for row in rows(NEW):
            if row[1][0] == 11_000:
                bus.redis.delete(*set(bus.redis.keys("hookline:kept:*")) - before)
            yield row

    with pytest.raises(FeaturesAway, match=r"the values of orders\.last went from Redis while they were written"):
        store.write(FACTS, evicted())
    assert asked(store, "c1") == [((1, OLD), True)]


def test_values_that_were_evicted_are_told(store: OnlineStore, bus: RedisBus) -> None:
    store.write(FACTS, rows(OLD, 10))
    bus.redis.delete(*bus.redis.keys("hookline:kept:*"))
    with pytest.raises(FeaturesAway, match=r"no longer has the values of orders\.last: they were evicted or deleted"):
        asked(store, "c1")
    store.write(FACTS, rows(NEW, 10))
    assert asked(store, "c1") == [((1, NEW), True)]


@pytest.mark.parametrize("value", [b"\xff\xfe", b"{", b"[1]", b'"c"', b'["x", "no moment"]'])
def test_a_foreign_value_is_told(store: OnlineStore, bus: RedisBus, value: bytes) -> None:
    store.write(FACTS, rows(OLD, 10))
    (kept,) = bus.redis.keys("hookline:kept:*")
    bus.redis.hset(kept, '["c1"]', value)
    with pytest.raises(FeaturesAway, match=r"holds something else than values of orders\.last"):
        asked(store, "c1")
    assert asked(store, "c2") == [((2, OLD), True)]


def test_what_others_keep_under_its_name_is_told_and_left(store: OnlineStore, bus: RedisBus) -> None:
    bus.redis.set("hookline:joins", "mine")
    with pytest.raises(FeaturesAway, match="WRONGTYPE"):
        store.stored()
    with pytest.raises(FeaturesAway, match="WRONGTYPE"):
        store.write(FACTS, rows(OLD, 10))
    assert bus.redis.get("hookline:joins") == b"mine"
    bus.redis.delete("hookline:joins")
    bus.redis.hset("hookline:joins", "theirs", "{}")
    with pytest.raises(FeaturesAway, match="holds something else than hookline wrote"):
        store.stored()


def test_a_redis_that_says_nothing_is_given_up_soon_and_read_again_once_it_does(
    store: OnlineStore, bus: RedisBus
) -> None:
    store.write(FACTS, rows(OLD, 10))
    process = bus.redis.info()["process_id"]
    os.kill(process, signal.SIGSTOP)
    try:
        since = time.monotonic()
        with pytest.raises(FeaturesAway, match="cannot be used: Timeout"):
            store.stored()
        assert time.monotonic() - since < 5
    finally:
        os.kill(process, signal.SIGCONT)
    assert asked(store, "c1") == [((1, OLD), True)]


def test_a_redis_that_is_full_keeps_what_it_had(store: OnlineStore, bus: RedisBus) -> None:
    store.write(FACTS, rows(OLD, 10))
    bus.redis.config_set("maxmemory", "1mb")
    try:
        with pytest.raises(FeaturesAway, match="cannot be used: .*maxmemory"):
            store.write(FACTS, rows(NEW))
        assert asked(store, "c1") == [((1, OLD), True)]
    finally:
        bus.redis.config_set("maxmemory", "0")


def test_no_message_tells_a_password(
    store: OnlineStore, bus: RedisBus, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    wrong = "tr0ub4dor-and-three"
    host = bus.url.partition("://")[2]
    for url in (f"redis://:{wrong}@{host}", f"redis://ada:{wrong}@127.0.0.1:1/0", f"redis://:{wrong}@{host}/x"):
        monkeypatch.setenv("HOOKLINE_ONLINE_STORE", url)
        with caplog.at_level(logging.DEBUG), pytest.raises((FeaturesAway, UsageError)) as error:
            OnlineStore(Path()).stored()
        assert wrong not in f"{error.value}{caplog.text}"
        assert "127.0.0.1" in str(error.value)


@pytest.mark.parametrize(
    "url",
    ["redis://ada:tr0ub4/dor@host:6379/0", "redis://:12/tr0ub4dor@host:6379/0", "redis://:tr0ub4#dor@host:6379/0",
     "redis://:tr0ub4[dor]@host/0", "redis://ada:12/tr0ub4dor@host:6379/0", "redis://host/0?password=tr0ub4"],
)  # fmt: skip
def test_a_password_that_breaks_the_url_is_not_told(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOOKLINE_ONLINE_STORE", url)
    with pytest.raises(UsageError) as error:
        OnlineStore(Path())
    assert "tr0ub4" not in str(error.value)
    assert "dor" not in str(error.value)


def test_an_encrypted_redis_is_read_by_the_certificates_that_are_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    openssl = [
        "openssl",
        "req",
        "-x509",
        "-days",
        "2",
        "-nodes",
        "-newkey",
        "ec",
        "-pkeyopt",
        "ec_paramgen_curve:prime256v1",
    ]
    about = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"]
    subprocess.run(
        [*openssl, *about, "-keyout", "key.pem", "-out", "cert.pem"], check=True, capture_output=True, cwd=tmp_path
    )
    port, cert = free_port(), tmp_path / "cert.pem"
    more = {"tls-port": port, "tls-cert-file": cert, "tls-key-file": tmp_path / "key.pem", "tls-auth-clients": "no"}
    with redis_bus(tmp_path, **more):
        monkeypatch.setenv("HOOKLINE_ONLINE_STORE", f"rediss://127.0.0.1:{port}/0")
        monkeypatch.setenv("HOOKLINE_ONLINE_STORE_PASSWORD", PASSWORD)
        with pytest.raises(FeaturesAway, match="certificate verify failed"):
            OnlineStore(tmp_path).stored()
        monkeypatch.setenv("HOOKLINE_ONLINE_STORE_CA", str(cert))
        with OnlineStore(tmp_path) as store:
            store.write(FACTS, rows(OLD, 10))
            assert asked(store, "c1") == [((1, OLD), True)]
        monkeypatch.setenv("HOOKLINE_ONLINE_STORE_CA", str(tmp_path / "none.pem"))
        with pytest.raises(UsageError, match="there is no such file"):
            OnlineStore(tmp_path)


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("redis:///0", "names no host"),
        ("redis://localhost/shop", "ends in no number of a database"),
        ("redis://localhost/0?db=1", "has parameters"),
        ("redis://.localhost/0", "is no URL with a host and a port"),
        ("redis://localhost:many/0", "is no URL with a host and a port"),
        ("memcached://localhost", r"begins with memcached://\nhint: there is redis:// or rediss://"),
        ("localhost:6379", "is no URL"),
    ],
)
def test_a_url_that_names_no_store_is_one_error(monkeypatch: pytest.MonkeyPatch, url: str, told: str) -> None:
    monkeypatch.setenv("HOOKLINE_ONLINE_STORE", url)
    with pytest.raises(UsageError, match=told):
        OnlineStore(Path())
