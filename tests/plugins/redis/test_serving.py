"""Rows that come with a key alone, filled from a Redis that may stop, or lose what it held."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator

import httpx
import pytest

from kit.brokers import PASSWORD, RedisBus, redis_bus
from kit.serving import Server, serving
from kit.shop import ROW, WHOLE, known_of, open_shop, store_orders


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Server, RedisBus]]:
    folder = tmp_path_factory.mktemp("shop")
    with pytest.MonkeyPatch.context() as patch, redis_bus(tmp_path_factory.mktemp("redis")) as bus:
        patch.chdir(folder)
        patch.setenv("HOOKLINE_HOME", str(folder / "home"))
        patch.setenv("HOOKLINE_ONLINE_STORE", bus.url)
        patch.setenv("HOOKLINE_ONLINE_STORE_PASSWORD", PASSWORD)
        open_shop(folder)
        store_orders()
        with serving("churn", folder / "home", folder / "log") as running:
            yield running, bus


def test_a_row_with_its_key_alone_is_filled_from_redis(shop: tuple[Server, RedisBus]) -> None:
    server, _ = shop
    (alone,) = server.predict(ROW)
    spent, orders = known_of(3)
    (whole,) = server.predict({**ROW, "spent": spent, "orders": orders})
    assert alone["probabilities"] == whole["probabilities"]
    assert any("older than orders allows" in told for told in alone["warnings"])
    assert server.log is not None
    assert not (server.log.parent / "home" / "features.sqlite").exists()


def test_a_redis_that_stops_fails_only_rows_that_lack_something(shop: tuple[Server, RedisBus]) -> None:
    server, bus = shop
    process = bus.redis.info()["process_id"]
    os.kill(process, signal.SIGSTOP)
    try:
        refused = server.post({"rows": [ROW]})
        assert (refused.status_code, refused.headers["retry-after"]) == (503, "1")
        assert (
            "lacks stored features, which cannot be read now: the online store redis://127" in refused.json()["error"]
        )
        assert PASSWORD not in refused.text
        assert server.post({"rows": [WHOLE]}).status_code == 200
        # Within the pause nobody waits for it once more.
        since = time.monotonic()
        assert server.post({"rows": [ROW]}).status_code == 503
        assert time.monotonic() - since < 0.5
        assert server.post({"rows": [{**ROW, "customer": None}]}).status_code == 503
        told = httpx.get(f"{server.url}/metrics").text
        assert 'hookline_refused_total{status="503"} 3.0' in told
        assert "hookline_unfilled_total 3.0" in told
    finally:
        os.kill(process, signal.SIGCONT)
    due = time.monotonic() + 10
    while server.post({"rows": [ROW]}).status_code != 200:
        assert time.monotonic() < due
        time.sleep(0.2)


def test_a_redis_that_lost_everything_knows_nothing_until_it_is_told_again(
    shop: tuple[Server, RedisBus], monkeypatch: pytest.MonkeyPatch
) -> None:
    server, bus = shop
    monkeypatch.setenv("HOOKLINE_ONLINE_STORE", bus.url)
    monkeypatch.setenv("HOOKLINE_ONLINE_STORE_PASSWORD", PASSWORD)
    bus.redis.delete(*bus.redis.keys("hookline:kept:*"))
    assert "were evicted or deleted" in server.post({"rows": [ROW]}).json()["error"]
    bus.redis.flushall()
    time.sleep(1.1)
    lacking = server.post({"rows": [ROW]})
    assert lacking.status_code == 422
    assert "spent" in lacking.text
    store_orders()
    again = server.post({"rows": [ROW]})
    assert again.status_code == 200, again.text
