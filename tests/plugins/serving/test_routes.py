"""Every route: described in the OpenAPI document, and answered with JSON whatever is asked of it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import hookline as hl
from hookline_serving.http.app import _routes, app_of
from hookline_serving.http.arms.desk import Desk, desk_of
from hookline_serving.http.clients.bounds import Bounds
from kit.serving import ROW, asking

INFO = {"model": "churn", "version": 3, "format": "onnx"}
INFER = "/v2/models/churn/infer"
Ask = Callable[..., httpx.Response]


@pytest.fixture(scope="module")
def desk(package: Path) -> Desk:
    return desk_of(hl.load(package).predictor, INFO, None, Bounds(rows=400, bytes=500_000))


@pytest.fixture(scope="module")
def ask(desk: Desk) -> Iterator[Ask]:
    """Ask the application in this process: method, path and what else httpx takes."""
    with asking(app_of(desk)) as asked:
        yield asked


@pytest.fixture(scope="module")
def document(ask: Ask) -> dict[str, Any]:
    described: dict[str, Any] = ask("GET", "/openapi.json").json()
    return described


def test_the_openapi_document_names_every_route_and_its_method(document: dict[str, Any], desk: Desk) -> None:
    routes = {(route.path, method.lower()) for route in _routes(desk) for method in route.methods or ()}
    described = {(path, method) for path, acts in document["paths"].items() for method in acts}
    assert described == {one for one in routes if one[1] != "head"}


ELSEWHERE = {"/labels", "/explain"}
"""Asked in tests of their own, with what they need beside a package."""


def test_every_route_answers_as_it_is_described(document: dict[str, Any], ask: Ask) -> None:
    for path, acts in document["paths"].items():
        if path in ELSEWHERE:
            continue
        filled = path.replace("{model}", "churn").replace("{version}", "3")
        for method, act in acts.items():
            body = act.get("requestBody", {}).get("content", {}).get("application/json", {}).get("example")
            response = ask(method.upper(), filled, json=body)
            content = act["responses"]["200"]["content"]
            media = response.headers["content-type"].partition(";")[0]
            if media != "application/json":
                assert (response.status_code, media in content) == (200, True), (path, media)
                continue
            described = content["application/json"]["schema"]
            described = document["components"]["schemas"].get(described.get("$ref", "").rpartition("/")[2], described)
            assert response.status_code == 200, (path, response.text)
            assert set(described.get("required", ())) <= set(response.json())


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "DELETE", "PATCH", "OPTIONS"])
def test_an_error_is_json_on_every_route(document: dict[str, Any], ask: Ask, method: str) -> None:
    paths = [path.replace("{model}", "churn").replace("{version}", "4") for path in document["paths"]]
    for path in [*paths, "/nowhere", "/v2/models/%ff%00", "/predict/x", "/%7Bmodel%7D"]:
        response = ask(method, path, content=b"\xff")
        if response.status_code >= 400:
            assert set(response.json()) >= {"error"}, (path, response.text)
        assert response.status_code in (200, 400, 404, 405)


def test_a_path_with_a_slash_too_many_is_no_route_and_sends_nobody_elsewhere(ask: Ask) -> None:
    for path in ("/ready/", "/predict/", "/health//", "/v2/"):
        response = ask("GET", path, headers={"host": "elsewhere.example"})
        assert (response.status_code, response.json()) == (404, {"error": "Not Found"}), path
        assert "location" not in response.headers


FUZZED = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5)
ODD = SCALARS | st.sampled_from(["", "9999-12-31T23:59:59.999999", "0001-01-01T00:00:00+14:00", 10**400, -0.0, 1e308])
JSON = st.recursive(
    ODD, lambda one: st.lists(one, max_size=3) | st.dictionaries(st.text(max_size=3), one, max_size=3), max_leaves=5
)
NAMES = st.sampled_from([*ROW, "customer", "ammount", ""])
ROWS = st.lists(st.dictionaries(NAMES, JSON, max_size=3).map(lambda change: ROW | change), max_size=3)
BODIES = st.one_of(ROWS, ROWS.map(lambda rows: {"rows": rows}), JSON, ROWS.map(lambda rows: {"rows": rows * 150}))
TENSOR = st.fixed_dictionaries(
    {"name": NAMES | JSON, "data": st.lists(JSON, max_size=3) | JSON},
    optional={"shape": JSON | st.just([1]), "datatype": st.sampled_from(["FP64", "BYTES", 1]) | JSON},
)
TENSORS = st.lists(TENSOR, max_size=6).map(lambda tensors: {"inputs": tensors})


@FUZZED
@given(BODIES)
def test_whatever_is_asked_of_predict_is_answered_or_told(ask: Ask, body: Any) -> None:
    check(ask("POST", "/predict", content=json.dumps(body)))


@FUZZED
@given(TENSORS | JSON)
def test_whatever_is_asked_of_infer_is_answered_or_told(ask: Ask, body: Any) -> None:
    check(ask("POST", INFER, content=json.dumps(body)))


@FUZZED
@given(st.binary(max_size=40), st.integers(0, 60_000), st.integers(0, 200))
def test_a_body_that_is_broken_anywhere_is_answered_or_told(ask: Ask, odd: bytes, place: int, length: int) -> None:
    for path, body in (("/predict", json.dumps([ROW] * 300).encode()), (INFER, json.dumps(tensors_of(300)).encode())):
        at = place % len(body)
        check(ask("POST", path, content=body[:at] + odd + body[at + length :]))


def tensors_of(rows: int) -> dict[str, Any]:
    return {"inputs": [{"name": name, "data": [value] * rows} for name, value in ROW.items()]}


def check(response: httpx.Response) -> None:
    assert response.status_code in (200, 400, 413, 422), response.text
    assert response.headers["content-type"] == "application/json"
    assert ("error" in response.json()) == (response.status_code != 200)


def test_a_request_of_too_many_rows_is_refused_on_every_way(ask: Ask) -> None:
    for path, body in (("/predict", [ROW] * 401), (INFER, tensors_of(401)), ("/predict", [{}] * 401)):
        response = ask("POST", path, json=body)
        assert response.status_code == 413
        assert response.json() == {"error": "the body holds more than 400 rows; send fewer at a time"}


def test_large_and_small_bodies_of_tensors_come_to_the_same(ask: Ask) -> None:
    few, many = (ask("POST", INFER, json=tensors_of(rows)).json() for rows in (1, 400))
    named = {output["name"]: output for output in many["outputs"]}
    assert named["prediction"]["shape"] == [400]
    assert named["prediction"]["data"] == few["outputs"][0]["data"] * 400
    assert len(set(many["parameters"]["prediction_ids"])) == 400


def test_problems_of_a_large_body_are_told_by_their_rows_in_all_of_it(package: Path) -> None:
    predictor = hl.load(package).predictor
    rows = [ROW] * 3_000 + [ROW | {"amount": "much"}] + [ROW] * 10 + [{**ROW, "plan": 5}]
    with asyncio.Runner() as runner:
        app = app_of(desk_of(predictor, INFO, None, Bounds()))
        client = httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://model")
        told = runner.run(client.post("/predict", json=rows)).json()
        broken = json.dumps([ROW] * 3_000).replace('"visits": 3', '"visits" 3').encode()
        refused = runner.run(client.post("/predict", content=broken)).json()
        runner.run(client.aclose())
    assert [(one["row"], one["column"]) for one in told["problems"]] == [(3_000, "amount"), (3_011, "plan")]
    place = broken.index(b'"visits" 3') + len('"visits" ')
    assert refused == {"error": f"JSON is malformed: expected ':' (byte {place})"}


def test_refused_requests_for_predictions_are_counted_by_status_as_the_metrics_tell(ask: Ask) -> None:
    def counted() -> dict[str, float]:
        lines = ask("GET", "/metrics").text.splitlines()
        pairs = (line.split() for line in lines if line.startswith("hookline_refused_total"))
        return {name.split('"')[1]: float(value) for name, value in pairs}

    before = counted()
    ask("POST", "/predict", json=[ROW] * 401)
    ask("POST", "/invocations", content=b"<x/>", headers={"content-type": "text/xml"})
    ask("POST", INFER, json=5)
    ask("POST", "/predict", content=b"x" * 500_001)
    # One of a version by its number, of another route, and what no route is there for are counted as nothing.
    ask("POST", "/v2/models/churn/versions/3/infer", json=5)
    ask("POST", "/labels", json=5)
    ask("POST", "/nowhere", json=5)
    assert {status: count - before[status] for status, count in counted().items()} == {
        "400": 1, "413": 2, "415": 1, "422": 0, "503": 0,
    }  # fmt: skip
