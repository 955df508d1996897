"""Spans of requests: who answered how many rows, and not a word of what was asked."""

from __future__ import annotations

from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

import hookline as hl
from hookline.errors import UsageError
from hookline.kinds.deployments import Deployment, Route
from hookline.live.routing import Router
from hookline_serving.http.answers import Answerer
from hookline_serving.http.app import app_of
from hookline_serving.http.arms.arm import Arm
from hookline_serving.http.arms.desk import Desk
from hookline_serving.http.arms.traffic import Traffic
from hookline_serving.http.log import Stamp
from hookline_serving.http.service import Room, Service
from hookline_serving.http.watching.tracing import SWITCH, TracedTraffic, seen_by, span_of, spans
from kit.processes import run_python
from kit.serving import ROW, asking

sdk = pytest.importorskip(
    "opentelemetry.sdk.trace", reason="OpenTelemetry is not installed: pip install 'hookline[otel]'"
)


class Sink(BaseHTTPRequestHandler):
    """Keeps what it is sent."""

    taken: list[tuple[str, bytes]]

    def do_POST(self) -> None:
        self.taken.append((self.path, self.rfile.read(int(self.headers["content-length"]))))
        self.send_response(200)
        self.end_headers()

    def log_message(self, *told: Any) -> None:
        pass


@pytest.fixture
def sink() -> Iterator[tuple[str, list[tuple[str, bytes]]]]:
    """A collector of its own: where it is, and what it was sent."""
    taken: list[tuple[str, bytes]] = []
    with ThreadingHTTPServer(("127.0.0.1", 0), type("Own", (Sink,), {"taken": taken})) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}", taken
        server.shutdown()
        thread.join()


def desk_with_canary(predictor: hl.Predictor) -> Desk:
    """Return a desk at which version 2 is to answer the plan `gold`, as its key decides, and version 1 the others."""
    room = Room()
    info = {"model": "churn", "format": "onnx"}

    def service(version: int, arm: str) -> Service:
        return Service(
            Answerer(predictor, None, 5_000, Stamp("churn", version, arm)), {**info, "version": version}, room
        )

    routes = (Route(1, 0.5), Route(2, 0.5, arm="canary"))
    policy = Deployment("churn", 1, routes, "local", key="plan")
    arms: Any = {(2, "canary"): Arm(service(2, "canary"), None)}  # type: ignore[arg-type]
    return Desk(Traffic(policy, Router.of(policy), service(1, "live"), arms), None)


def test_a_span_says_who_answered_how_many_rows_and_whose_trace_it_is_part_of(predictor: hl.Predictor) -> None:
    from opentelemetry.sdk.trace.export import SimpleSpanProcessor
    from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

    kept, into = InMemorySpanExporter(), sdk.TracerProvider()
    into.add_span_processor(SimpleSpanProcessor(kept))
    desk = desk_with_canary(predictor)
    parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    plans = [str(number) for number in range(200)]
    by_version = {desk.traffic.router.route(plan).version for plan in plans}
    assert by_version == {1, 2}
    with asking(app_of(desk, spans=into)) as ask:
        ask("POST", "/predict", json=[ROW | {"plan": plan} for plan in plans], headers={"traceparent": parent})
        ask(
            "POST",
            "/v2/models/churn/versions/1/infer",
            json={"inputs": [{"name": n, "data": [v]} for n, v in ROW.items()]},
        )
        ask("POST", "/predict", json=[{}])
        ask("GET", "/health")
    desk.close()
    first, second, third = kept.get_finished_spans()
    assert f"{first.context.trace_id:032x}" == parent.split("-")[1]
    assert first.name == "POST /predict"
    told = {**first.attributes, "hookline.arms": sorted(first.attributes["hookline.arms"])}
    assert told.items() >= {
        "hookline.model": "churn", "hookline.rows": 200, "hookline.arms": ["canary", "live"],
        "http.response.status_code": 200, "http.request.method": "POST", "url.path": "/predict",
    }.items()  # fmt: skip
    assert sorted(first.attributes["hookline.versions"]) == ["1", "2"]
    assert second.name == "POST /v2/models/{model}/versions/{version}/infer"
    assert (second.attributes["hookline.versions"], second.attributes["hookline.rows"]) == (("1",), 1)
    assert third.attributes["http.response.status_code"] == 422
    assert "hookline.rows" not in third.attributes


def test_requests_with_a_span_share_the_threads_of_the_versions(predictor: hl.Predictor) -> None:
    desk = desk_with_canary(predictor)
    seen = [seen_by(desk.traffic)]
    held = span_of.set(sdk.TracerProvider().get_tracer("test").start_span("POST /predict"))
    try:
        seen += [seen_by(desk.traffic), seen_by(desk.traffic)]
    finally:
        span_of.reset(held)
    assert seen[0] is desk.traffic
    assert isinstance(seen[1], TracedTraffic)
    assert desk.traffic.control is not None
    assert {id(one.control) for one in seen} == {id(desk.traffic.control)}
    assert seen[1].seen is not seen[2].seen  # type: ignore[attr-defined]
    desk.close()


def test_spans_go_to_the_collector_that_the_environment_names_without_a_word_of_a_body(
    predictor: hl.Predictor, sink: tuple[str, list[tuple[str, bytes]]], monkeypatch: pytest.MonkeyPatch
) -> None:
    url, taken = sink
    pytest.importorskip("opentelemetry.exporter.otlp.proto.http", reason="pip install 'hookline[otel]'")
    from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

    monkeypatch.setenv(SWITCH, "1")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", url)
    into = spans()
    assert into is not None
    desk = desk_with_canary(predictor)
    secret = {"plan": "a plan that nobody is to read"}
    with asking(app_of(desk, spans=into)) as ask:
        assert (
            ask("POST", "/predict", json=ROW | secret, headers={"authorization": "Bearer of-a-token"}).status_code
            == 200
        )
        assert ask("POST", "/predict", json=ROW | {"visits": secret}).status_code == 422
    into.shutdown()
    desk.close()
    (path, body), *_ = taken
    sent = ExportTraceServiceRequest.FromString(body)
    made = [span for one in sent.resource_spans for scope in one.scope_spans for span in scope.spans]
    assert path == "/v1/traces"
    assert [span.name for span in made] == ["POST /predict"] * 2
    assert b"nobody is to read" not in body
    assert b"of-a-token" not in body
    assert b"hookline" in body


@pytest.mark.long
def test_nothing_of_it_is_imported_where_it_is_off(package: Path) -> None:
    code = """
import sys, hookline as hl
from hookline_serving.http.app import app_of
from hookline_serving.http.arms.desk import desk_of
from hookline_serving.http.clients.bounds import Bounds
from hookline_serving.http.watching.tracing import spans
assert spans() is None
app_of(desk_of(hl.load(sys.argv[1]).predictor, {"model": "churn", "version": 1, "format": "onnx"}, None, Bounds()))
print([name for name in sys.modules if name.startswith(("opentelemetry", "prometheus_client", "tritonclient", "mlflow"))])
"""
    assert run_python(code, package, timeout=120, check=True).stdout.strip() == "[]"


def test_a_switch_that_is_neither_on_nor_off_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(SWITCH, "maybe")
    with pytest.raises(UsageError, match="HOOKLINE_OTEL is neither on nor off"):
        spans()
