"""What Prometheus reads of a server: counts that only grow, by version and arm."""

from __future__ import annotations

import asyncio
import json
import re
import sys
import time
from pathlib import Path
from threading import Event, Thread
from typing import Any

import httpx
import polars as pl
import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families as open_metrics
from prometheus_client.parser import text_string_to_metric_families

import hookline as hl
from hookline import Prediction, Predictor
from hookline.kinds.deployments import LATENCY_BOUNDS, Deployment, Route
from hookline.live.routing import Router
from hookline.live.seen import AnswerCounts, ArmCounts
from hookline.live.watching.export import dashboard_of, rules_of
from hookline_serving.http.answers import Answerer
from hookline_serving.http.app import app_of
from hookline_serving.http.arms.arm import Arm
from hookline_serving.http.arms.aside import MOST_WAITING
from hookline_serving.http.arms.desk import Desk
from hookline_serving.http.arms.traffic import Traffic
from hookline_serving.http.log import PredictionLog, Stamp
from hookline_serving.http.reading.faults import Overdue
from hookline_serving.http.service import Room, Service
from hookline_serving.http.watching.snapshots import snapshot_of
from kit.prometheus import checked
from kit.serving import ROW, asking, serving

Samples = dict[tuple[str, tuple[tuple[str, str], ...]], float]


def read(text: str) -> Samples:
    """Return the samples of an exposition, as Prometheus's own parser has them."""
    families = text_string_to_metric_families(text)
    return {(one.name, tuple(sorted(one.labels.items()))): one.value for family in families for one in family.samples}


def of(name: str, version: int, arm: str, **more: str) -> tuple[str, tuple[tuple[str, str], ...]]:
    return name, tuple(sorted({"version": str(version), "arm": arm, **more}.items()))


class Failing:
    """A predictor with a fault in its code; one that is held does not answer before it is let go."""

    def __init__(self, whole: Predictor, held: Event | None = None) -> None:
        self.schema, self.roles, self.target, self.held = whole.schema, whole.roles, whole.target, held

    def predict(self, frame: pl.DataFrame | pl.LazyFrame) -> Prediction:
        if self.held is not None:
            self.held.wait(20)
        raise RuntimeError("a fault in the model")


def counts(predictor: Predictor) -> ArmCounts:
    return ArmCounts(AnswerCounts.of(predictor.target, None))


def service(predictor: Any, version: int, arm: str, room: Room, record: PredictionLog | None = None) -> Service:
    info = {"model": "churn", "version": version, "format": "onnx"}
    return Service(Answerer(predictor, record, 100, Stamp("churn", version, arm)), info, room, counts(predictor))


def traffic(
    number: int, room: Room, live: Predictor, beside: Any = None, record: PredictionLog | None = None
) -> Traffic:
    """Return the traffic of a policy: version 1 answers, and version 2 is asked for its share where there is one."""
    routes = (Route(1, 0.0 if beside else 1.0), *([Route(2, 1.0, arm="canary")] if beside else []))
    policy = Deployment("churn", 1, routes, "local", number=number, step=number - 1)
    arms = {}
    if beside:
        made = service(beside, 2, "canary", room)
        arms[2, "canary"] = Arm(made, made.counts or counts(live))
    return Traffic(policy, Router.of(policy), service(live, 1, "live", room, record), arms)


def test_requests_errors_and_latency_stand_by_version_and_arm(predictor: hl.Predictor, tmp_path: Path) -> None:
    room, record = Room(), PredictionLog.open(tmp_path)
    desk = Desk(traffic(1, room, predictor, Failing(predictor), record), record)
    with asking(app_of(desk)) as ask:
        for rows in (1, 3, 60):
            assert ask("POST", "/predict", json=[ROW] * rows).status_code == 200
        assert ask("POST", "/predict", json=[{}]).status_code == 422
        told = ask("GET", "/metrics")
    desk.close()
    seen = read(told.text)
    assert told.headers["content-type"].startswith("text/plain; version=")
    assert seen[of("hookline_requests_total", 1, "live")] == 3
    assert seen[of("hookline_errors_total", 1, "live")] == 0
    assert seen[of("hookline_requests_total", 2, "canary")] == 3
    assert seen[of("hookline_errors_total", 2, "canary")] == 3
    assert seen[of("hookline_request_seconds_count", 1, "live")] == 3
    assert seen[of("hookline_request_seconds_bucket", 1, "live", le="+Inf")] == 3
    assert seen[of("hookline_request_seconds_count", 2, "canary")] == 0
    assert seen["hookline_log_records_total", ()] == 64
    assert seen["hookline_policy_number", ()] == 1
    assert seen["hookline_log_failures_total", ()] == 0


def test_rules_and_dashboards_name_only_what_a_server_counts(predictor: hl.Predictor, tmp_path: Path) -> None:
    room, record = Room(), PredictionLog.open(tmp_path)
    desk = Desk(traffic(1, room, predictor, Failing(predictor), record), record)
    with asking(app_of(desk)) as ask:
        ask("POST", "/predict", json=ROW)
        told = {name for name, _ in read(ask("GET", "/metrics").text)}
    desk.close()
    named = set(
        re.findall(r"hookline_[a-z_]+", json.dumps([rules_of("churn")["groups"][0]["rules"], dashboard_of("churn")]))
    )
    assert len(named) >= 9
    assert named <= told


def test_a_counter_never_falls_when_the_policy_changes(predictor: hl.Predictor) -> None:
    room = Room()
    desk = Desk(traffic(1, room, predictor), None)
    before, keys = [0.0, 0.0, 0.0], [of("hookline_requests_total", 1, "live"), of("hookline_errors_total", 2, "canary")]
    keys.append(of("hookline_request_seconds_count", 1, "live"))
    with asking(app_of(desk)) as ask:
        for number in range(1, 7):
            ask("POST", "/predict", json=ROW)
            seen = read(ask("GET", "/metrics").text)
            now = [seen.get(key, 0.0) for key in keys]
            assert seen["hookline_policy_step", ()] == number - 1
            assert all(new >= old for new, old in zip(now, before, strict=True)), (number, now, before)
            before = now
            desk.take(traffic(number + 1, room, predictor, Failing(predictor) if number % 2 else None))
        seen = read(ask("GET", "/metrics").text)
    desk.close()
    assert [seen[key] for key in keys] == [6, 3, 6]


def test_what_is_added_up_in_a_thread_neither_fails_nor_falls_while_policies_change(predictor: hl.Predictor) -> None:
    room, ended = Room(), Event()
    desk = Desk(traffic(1, room, predictor), None)
    seen, faults = list[int](), list[Exception]()

    def look() -> None:
        while not ended.is_set():
            try:
                seen.append(sum(one.requests for one in snapshot_of(desk).seen))
            except Exception as error:  # noqa: BLE001  it is what this is about
                faults.append(error)

    looking, before = Thread(target=look), sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    looking.start()
    try:
        for number in range(2, 400):
            live = desk.traffic.live.counts
            assert live is not None
            live.failed()
            made = traffic(number, room, predictor)
            made.arms[number, "canary"] = Arm(None, counts(predictor))  # type: ignore[index]
            desk.take(made)
    finally:
        ended.set()
        looking.join()
        sys.setswitchinterval(before)
    desk.close()
    assert faults == []
    assert seen == sorted(seen)
    assert max(seen) <= 398


def test_what_waits_and_what_was_dropped_is_told_of_a_version_that_is_too_slow(predictor: hl.Predictor) -> None:
    held, room = Event(), Room()
    desk = Desk(traffic(1, room, predictor, Failing(predictor, held)), None)
    aside = desk.traffic.arms[2, "canary"].aside
    question = desk.traffic.live.answerer.reader.read([ROW])

    async def ask_all() -> int:
        refused = 0
        for _ in range(MOST_WAITING + 5):
            try:
                aside.ask_soon(question, lambda _: None)
            except Overdue:
                refused += 1
        await asyncio.sleep(0)
        return refused

    with asking(app_of(desk)) as ask:
        refused = asyncio.run(ask_all())
        seen = read(ask("GET", "/metrics").text)
        held.set()
        while aside.waiting:
            time.sleep(0.001)
        for number in (2, 3, 4):
            desk.take(traffic(number, room, predictor))
        later = read(ask("GET", "/metrics").text)
    desk.close()
    assert refused == 5
    assert seen[of("hookline_requests_waiting", 2, "canary")] == MOST_WAITING
    assert seen[of("hookline_dropped_total", 2, "canary")] == later[of("hookline_dropped_total", 2, "canary")] == 5


def test_a_bucket_holds_exactly_what_took_no_longer_than_it_says(predictor: hl.Predictor) -> None:
    desk = Desk(traffic(1, Room(), predictor), None)
    live = desk.traffic.live.counts
    assert live is not None
    took = [0.00005, *(bound * 1.01 for bound in LATENCY_BOUNDS), 200.0]
    for seconds in took:
        live.answered(seconds, "yes", {"no": 0.5, "yes": 0.5})
    with asking(app_of(desk)) as ask:
        seen = read(ask("GET", "/metrics").text)
    desk.close()
    ends = [
        (float(dict(labels)["le"]), value)
        for (name, labels), value in seen.items()
        if name == "hookline_request_seconds_bucket"
    ]
    assert 10 < len(ends) < 25
    # The bound is told to five digits.
    assert [value for _, value in ends] == [sum(seconds <= end * 1.0001 for seconds in took) for end, _ in ends]
    assert seen[of("hookline_request_seconds_sum", 1, "live")] == pytest.approx(
        sum(took[:-1]) + LATENCY_BOUNDS[-1], rel=0.1
    )


def test_open_metrics_is_told_to_whoever_asks_for_it(predictor: hl.Predictor) -> None:
    desk = Desk(traffic(1, Room(), predictor), None)
    with asking(app_of(desk)) as ask:
        told = ask("GET", "/metrics", headers={"accept": "application/openmetrics-text; version=1.0.0"})
    desk.close()
    assert told.headers["content-type"].startswith("application/openmetrics-text")
    names = {family.name for family in open_metrics(told.text)}
    assert {"hookline_requests", "hookline_held_bytes", "hookline_serving", "hookline_route_weight"} <= names


def test_prometheus_own_tool_finds_nothing_to_object_to_in_what_a_server_says(package: Path, tmp_path: Path) -> None:
    with serving(package, log=tmp_path / "log") as server:
        server.predict(ROW)
        assert server.post({"rows": [{}]}).status_code == 422
        said = httpx.get(f"{server.url}/metrics").text
    done = checked("metrics", told=said)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", ""), done
