"""What a real `hookline serve` process answers over HTTP."""

from __future__ import annotations

import asyncio
import json
import resource
import signal
import socket
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import msgspec
import numpy as np
import polars as pl
import pytest
from starlette.types import ASGIApp, Message, Send

import hookline as hl
from hookline import Prediction, Predictor
from hookline_serving.http.app import app_of
from hookline_serving.http.arms.desk import desk_of
from hookline_serving.http.clients.bounds import Bounds
from hookline_serving.http.log import PredictionLog
from hookline_serving.http.many import MOST_BYTES_AT_ONCE, predict
from hookline_serving.http.replies import answered
from hookline_serving.http.service import THREADS
from kit.places import at
from kit.processes import run_hookline
from kit.serving import ROW, Server, serving

INFO = {"model": "churn", "version": 1, "format": "onnx"}


@pytest.fixture(scope="module")
def server(package: Path, home: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with serving(package, home, tmp_path_factory.mktemp("log")) as running:
        yield running


@pytest.mark.parametrize("body", [{"rows": [ROW]}, [ROW], ROW], ids=["rows", "list", "one row"])
def test_rows_may_come_in_three_shapes(server: Server, body: Any) -> None:
    answer = server.post(body).json()
    assert answer["model"] == "churn"
    assert [item["prediction"] for item in answer["predictions"]] == ["yes"]


@pytest.mark.usefixtures("at_home")
def test_an_answer_equals_the_package_own(server: Server, package: Path) -> None:
    rows = [ROW | {"amount": float(amount), "plan": plan} for amount in range(5, 20) for plan in ("basic", "silver")]
    own = hl.load(package).predict(pl.DataFrame(rows))
    answered = server.predict(*rows)
    assert [item["prediction"] for item in answered] == own.values.tolist()
    chances = [[item["probabilities"][label] for label in own.classes] for item in answered]
    np.testing.assert_allclose(chances, own.probabilities, rtol=0, atol=1e-12)
    np.testing.assert_allclose(np.sum(chances, axis=1), 1, atol=1e-6)


def test_many_rows_are_answered_in_order(server: Server) -> None:
    rows = [ROW | {"amount": 5.0 + 10 * (i % 2)} for i in range(500)]
    answered = server.predict(*rows)
    assert [item["prediction"] for item in answered] == ["no", "yes"] * 250


def test_rows_asked_for_at_the_same_moment_each_get_their_own_answer(server: Server) -> None:
    rows = [ROW | {"amount": float(amount)} for amount in range(5, 21)]
    alone = [server.predict(row)[0]["probabilities"] for row in rows]
    with ThreadPoolExecutor(16) as pool:
        together = list(pool.map(lambda row: server.predict(row)[0]["probabilities"], rows * 10))
    assert [chances["yes"] for chances in together] == pytest.approx(
        [chances["yes"] for chances in alone * 10], rel=1e-4
    )


class Breaking:
    """A predictor with a fault in its code."""

    def __init__(self, whole: Predictor) -> None:
        self.schema, self.roles, self.target = whole.schema, whole.roles, whole.target

    def predict(self, frame: pl.DataFrame | pl.LazyFrame) -> Prediction:
        raise RuntimeError("a fault in the model")


@pytest.mark.usefixtures("at_home")
@pytest.mark.parametrize("rows", [1, MOST_BYTES_AT_ONCE // 50], ids=["short way", "long way"])
def test_a_fault_in_the_model_is_told_as_json_and_logged_with_its_traceback(
    package: Path, rows: int, caplog: pytest.LogCaptureFixture
) -> None:
    app = app_of(
        desk_of(
            Breaking(hl.load(package).predictor), {"model": "churn", "version": 1, "format": "onnx"}, None, Bounds()
        )
    )

    async def ask() -> httpx.Response:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://model") as client:
            return await client.post("/predict", json={"rows": [ROW] * rows})

    response = asyncio.run(ask())
    assert response.status_code == 500
    assert response.json() == {"error": "the model could not answer: RuntimeError"}
    assert "RuntimeError: a fault in the model" in caplog.text


class Watched:
    """A predictor that notes which threads it is asked in. pattern: of the plan, by the contract."""

    def __init__(self, whole: Predictor, pattern: str | None = None) -> None:
        columns = [replace(c, pattern=pattern if c.name == "plan" else None) for c in whole.schema.columns]
        self.schema = replace(whole.schema, columns=tuple(columns))
        self.roles, self.target = whole.roles, whole.target
        self._whole = whole
        self.threads: set[str] = set()

    def predict(self, frame: pl.DataFrame | pl.LazyFrame) -> Prediction:
        self.threads.add(threading.current_thread().name)
        return self._whole.predict(frame)


async def posted(app: ASGIApp, *bodies: Any) -> list[httpx.Response]:
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://model") as client:
        return await asyncio.gather(*(client.post("/predict", json=body) for body in bodies))


async def asked_at_once(app: ASGIApp, body: bytes, send: Send) -> None:
    """Ask with a body that comes in one part, as the short way takes it."""

    async def receive() -> Message:
        return {"type": "http.request", "body": body}

    await app({"type": "http", "path": "/predict", "method": "POST", "headers": []}, receive, send)


@pytest.mark.usefixtures("at_home")
def test_requests_of_some_rows_share_a_few_threads(package: Path) -> None:
    predictor = Watched(hl.load(package).predictor)
    answers = asyncio.run(posted(app_of(desk_of(predictor, INFO, None, Bounds())), *[[ROW] * 60] * 12))
    assert [answer.status_code for answer in answers] == [200] * 12
    assert 0 < len(predictor.threads) <= THREADS


@pytest.mark.usefixtures("at_home")
def test_a_contract_with_a_pattern_keeps_only_one_row_on_the_loop(package: Path) -> None:
    for count, is_on_loop in ((1, True), (20, False)):
        predictor = Watched(hl.load(package).predictor, "[a-z]+")
        (answer,) = asyncio.run(posted(app_of(desk_of(predictor, INFO, None, Bounds())), [ROW] * count))
        assert len(answer.json()["predictions"]) == count
        assert (threading.main_thread().name in predictor.threads) is is_on_loop


@pytest.mark.usefixtures("at_home")
def test_a_bound_of_bytes_holds_for_small_bodies_too(package: Path) -> None:
    app = app_of(desk_of(hl.load(package).predictor, INFO, None, Bounds(bytes=500)))
    statuses: list[int] = []

    async def send(message: Message) -> None:
        statuses.extend([message["status"]] if "status" in message else [])

    for count in (1, 10):
        asyncio.run(asked_at_once(app, msgspec.json.encode([ROW] * count), send))
    assert statuses == [200, 413]


@pytest.mark.usefixtures("at_home")
def test_an_answer_to_a_small_body_is_held_while_it_is_taken(package: Path) -> None:
    row = {"amount": 1, "visits": 1, "plan": "new", "active": None, "joined": None}
    body = msgspec.json.encode([row] * 230)
    app = app_of(desk_of(hl.load(package).predictor, INFO, None, Bounds(in_flight=64 * 1024)))
    beside: list[int] = []

    async def send(message: Message) -> None:
        if message["type"] == "http.response.start":
            beside.extend(answer.status_code for answer in await posted(app, [ROW], [ROW] * 400))

    async def ask() -> list[httpx.Response]:
        await asked_at_once(app, body, send)
        return await posted(app, [ROW] * 400)

    afterwards = asyncio.run(ask())
    assert len(body) < MOST_BYTES_AT_ONCE
    assert beside == [200, 503]
    assert [answer.status_code for answer in afterwards] == [200]


def test_every_prediction_has_an_id_of_its_own(server: Server) -> None:
    ids = [item["id"] for _ in range(3) for item in server.predict(*[ROW] * 60)]
    assert len(set(ids)) == 180


def test_a_missing_column_is_named_with_the_one_that_was_meant(server: Server) -> None:
    row = {("ammount" if name == "amount" else name): value for name, value in ROW.items()}
    response = server.post({"rows": [row]})
    assert response.status_code == 422
    problem = response.json()["problems"][0]
    assert (problem["row"], problem["column"]) == (0, "amount")
    assert "did you mean 'ammount'?" in problem["message"]


def test_every_problem_of_every_row_is_told_at_once(server: Server) -> None:
    rows = [
        ROW,
        ROW | {"amount": "much", "active": 1},
        {k: v for k, v in ROW.items() if k != "plan"} | {"joined": "soon"},
    ]
    response = server.post({"rows": rows})
    assert response.status_code == 422
    told = response.json()
    found = {(problem["row"], problem["column"]) for problem in told["problems"]}
    assert found == {(1, "amount"), (1, "active"), (2, "plan"), (2, "joined")}
    assert told["error"].startswith("4 values")
    assert 'must be a number, got "much"' in {problem["message"] for problem in told["problems"]}


def test_a_client_that_got_everything_wrong_is_told_of_a_hundred_problems(server: Server) -> None:
    told = server.post({"rows": [ROW | {"amount": "much"}] * 300}).json()
    assert told["error"].startswith("300 values")
    assert len(told["problems"]) == 100


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"amount=3",
        b'{"rows": []}',
        b"[]",
        b"3",
        b'{"rows": [1, 2]}',
        b'{"rows": [{"amount": NaN}]}',
        b'{"rows": [{"amount": Infinity}]}',
        b'{"rows": [{"amount": 1e999}]}',
        b'{"rows": [{"plan": "\xff"}]}',
        b"[" * 100_000,
    ],
    ids=["empty", "form", "no rows", "empty list", "number", "numbers", "nan", "infinity", "huge", "not utf-8", "deep"],
)
def test_a_body_that_holds_no_rows_is_a_bad_request(server: Server, body: bytes) -> None:
    response = httpx.post(f"{server.url}/predict", content=body)
    assert response.status_code == 400
    assert response.json()["error"]


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"amount": "5"}, 'must be a number, got "5"'),
        ({"amount": [1]}, "must be a number, got [1]"),
        ({"plan": {"a": 1}}, 'must be a string, got {"a":1}'),
        ({"plan": 5}, "must be a string, got 5"),
        ({"joined": 5}, "must be an ISO 8601 date or time"),
        ({"joined": " "}, "must be an ISO 8601 date or time"),
        ({"joined": "99999-01-01"}, "must be an ISO 8601 date or time"),
        ({"joined": "0001-01-01T00:00:00+14:00"}, "must be a moment of the years 1 to 9999"),
    ],
)
def test_a_value_of_another_type_is_told_as_it_was_sent(server: Server, change: dict[str, Any], told: str) -> None:
    response = server.post([ROW, ROW | change])
    assert response.status_code == 422
    (problem,) = response.json()["problems"]
    assert problem["row"] == 1
    assert told in problem["message"]


def test_rows_with_different_keys_are_told_apart(server: Server) -> None:
    problems = server.post([ROW, {k: v for k, v in ROW.items() if k != "plan"}, ROW | {"more": 1}]).json()["problems"]
    assert [(problem["row"], problem["column"]) for problem in problems] == [(1, "plan")]


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "nonsense"])
def test_the_content_decides_not_what_its_type_is_called(server: Server, kind: str) -> None:
    response = httpx.post(f"{server.url}/predict", content=json.dumps([ROW]), headers={"content-type": kind})
    assert response.status_code == 200


def test_a_body_over_the_limit_is_refused(server: Server) -> None:
    response = httpx.post(f"{server.url}/predict", content=b" " * (33 * 1024**2), timeout=30)
    assert response.status_code == 413
    assert "32 MiB" in response.json()["error"]


def test_a_whole_number_too_large_for_a_float_is_told(server: Server) -> None:
    body = json.dumps({"rows": [ROW]}).replace("12.5", "1" + "0" * 400)
    response = httpx.post(f"{server.url}/predict", content=body)
    assert response.status_code in (400, 422)


def test_a_head_that_no_body_follows_is_sent(server: Server) -> None:
    with httpx.Client(base_url=server.url, timeout=10) as client:
        found = [client.head("/health"), client.get("/health")]
    assert [(response.status_code, len(response.content) > 0) for response in found] == [(200, False), (200, True)]


def test_an_answer_arrives_in_one_piece(server: Server) -> None:
    url, body = httpx.URL(server.url), json.dumps({"rows": [ROW]}).encode()
    with socket.create_connection((url.host, url.port or 80), timeout=20) as client:
        client.sendall(f"POST /predict HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body)
        head, _, answer = client.recv(65_536).partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200")
    assert json.loads(answer)["model"] == "churn"


def test_requests_of_following_turns_of_the_loop_are_predicted_together(package: Path, tmp_path: Path) -> None:
    info = {"model": "churn", "version": None}
    log = PredictionLog.open(tmp_path)
    desk = desk_of(hl.load(package).predictor, info, log, Bounds())  # type: ignore[union-attr]

    async def ask(turn: int) -> None:
        for _ in range(turn):
            await asyncio.sleep(0)
        assert (await answered(predict(desk.traffic, json.dumps({"rows": [ROW]}).encode()))).status == 200

    async def twice() -> None:
        # The first of several is answered alone, since nothing tells yet that there are others.
        for turns in ([0, 0], range(4)):
            await asyncio.gather(*map(ask, turns))

    asyncio.run(twice())
    log.close()
    (path,) = tmp_path.glob("*.ndjson")
    moments = [json.loads(line)["time"] for line in path.read_text().splitlines()]
    assert len(moments) == 6
    assert len(set(moments[2:])) == 1


def test_an_unknown_path_is_answered_as_json(server: Server) -> None:
    response = httpx.get(f"{server.url}/nowhere")
    assert (response.status_code, response.json()) == (404, {"error": "Not Found"})


def test_a_wrong_method_is_answered_as_json_and_says_which_is_right(server: Server) -> None:
    response = httpx.get(f"{server.url}/predict")
    assert (response.status_code, response.json()) == (405, {"error": "Method Not Allowed"})
    assert response.headers["allow"] == "POST"


def test_a_value_never_seen_is_answered_with_a_warning(server: Server) -> None:
    plain, strange = server.predict(ROW, ROW | {"plan": "platinum"})
    assert plain["warnings"] == []
    assert strange["warnings"] == ["plan: 'platinum' was never seen in training"]


def test_null_stands_for_a_value_that_is_not_known(server: Server) -> None:
    for name in ROW:
        (answer,) = server.predict(ROW | {name: None})
        assert answer["prediction"] in ("yes", "no")


def test_a_gap_that_the_model_cannot_take_is_refused_not_answered_with_nothing(tmp_path: Path) -> None:
    rows = pl.DataFrame({"x": [float(i % 9) for i in range(90)], "y": ["a" if i % 9 < 4 else "b" for i in range(90)]})
    run = hl.run(source=rows, target="y", trainer="logistic_regression", packager=["onnx"])
    with serving(run.package(), tmp_path / "home", tmp_path / "log") as server:
        response = server.post({"rows": [{"x": None}]})
    assert response.status_code == 422
    assert "has no answer for 1 of 1 rows" in response.json()["error"]


def test_a_date_and_a_time_with_a_zone_are_the_moment_that_they_mean(server: Server) -> None:
    moments = ["2024-01-03T10:00:00", "2024-01-03T12:00:00+02:00", "2024-01-03T10:00:00Z", "2024-01-03 10:00"]
    answers = server.predict(*[ROW | {"joined": moment} for moment in moments])
    assert len({item["probabilities"]["yes"] for item in answers}) == 1
    assert server.predict(ROW | {"joined": "2024-01-03"})[0]["warnings"] == []


def test_a_boolean_is_no_number_and_a_number_no_boolean(server: Server) -> None:
    problems = server.post([ROW | {"amount": True, "active": 0}]).json()["problems"]
    assert {problem["column"] for problem in problems} == {"amount", "active"}


def test_health_and_metadata_say_what_is_served(server: Server) -> None:
    health = httpx.get(f"{server.url}/health").json()
    assert health == {"status": "ok", "model": "churn", "version": None, "format": "onnx"}
    metadata = httpx.get(f"{server.url}/metadata").json()
    assert metadata["target"]["classes"] == ["no", "yes"]
    assert [column["name"] for column in metadata["schema"]["columns"]] == list(ROW)


def test_the_example_is_a_row_that_the_model_takes_without_a_warning(server: Server) -> None:
    example = httpx.get(f"{server.url}/example").json()
    (answer,) = server.predict(*example["rows"])
    assert answer["warnings"] == []


def test_the_openapi_document_holds_together(server: Server) -> None:
    document = httpx.get(f"{server.url}/openapi.json").json()
    assert document["openapi"].startswith("3.1.")
    assert set(document["info"]) >= {"title", "version"}
    references = list(_references(document))
    assert references
    for reference in references:
        found: Any = document
        for part in reference.removeprefix("#/").split("/"):
            found = found[part]
        assert isinstance(found, dict)
    operations = [act for path in document["paths"].values() for act in path.values()]
    assert len({act["operationId"] for act in operations}) == len(operations)
    assert all(answer["description"] for act in operations for answer in act["responses"].values())


def test_the_openapi_document_knows_the_columns_and_its_example_is_answered(server: Server) -> None:
    document = httpx.get(f"{server.url}/openapi.json").json()
    row = document["components"]["schemas"]["Row"]
    assert row["required"] == list(ROW)
    missing = {"$ref": "#/components/schemas/Missing"}
    assert row["properties"]["joined"]["anyOf"] == [{"type": "string", "format": "date-time"}, missing]
    assert document["components"]["schemas"]["Missing"]["enum"] == [None, ""]
    assert row["properties"]["plan"]["examples"] == ["basic", "gold", "silver"]
    example = document["paths"]["/predict"]["post"]["requestBody"]["content"]["application/json"]["example"]
    assert server.post(example).status_code == 200


def test_the_inference_protocol_tells_inputs_and_outputs(server: Server) -> None:
    metadata = httpx.get(f"{server.url}/v2/models/churn").json()
    inputs = {tensor["name"]: tensor["datatype"] for tensor in metadata["inputs"]}
    assert inputs == {"amount": "FP64", "visits": "FP64", "plan": "BYTES", "active": "BOOL", "joined": "BYTES"}
    assert {"name": "probabilities", "datatype": "FP64", "shape": [-1, 2]} in metadata["outputs"]
    assert httpx.get(f"{server.url}/v2/health/ready").json() == {"ready": True}


def test_the_inference_protocol_answers_as_predict_does(server: Server) -> None:
    rows = [ROW, ROW | {"amount": 4.0, "plan": "platinum"}]
    response = server.post(_tensors(rows) | {"id": "mine"}, "/v2/models/churn/infer")
    assert response.status_code == 200, response.text
    reply = response.json()
    outputs = {tensor["name"]: tensor for tensor in reply["outputs"]}
    plain = server.predict(*rows)
    assert reply["id"] == "mine"
    assert outputs["prediction"]["data"] == [item["prediction"] for item in plain]
    assert outputs["probabilities"]["shape"] == [2, 2]
    assert outputs["probabilities"]["data"] == [chance for item in plain for chance in item["probabilities"].values()]
    assert reply["parameters"]["warnings"] == {"1": plain[1]["warnings"]}
    assert len(set(reply["parameters"]["prediction_ids"])) == 2


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"inputs": []},
        {"inputs": [{"name": "amount", "datatype": "FP64", "shape": [2], "data": [1.0]}]},
        {"inputs": [{"name": "amount", "data": [1.0]}, {"name": "visits", "data": [1, 2]}]},
        {"inputs": [{"name": "amount", "data": []}]},
        {"inputs": {"name": "amount", "data": [1.0]}},
        {"inputs": ["amount"]},
        {"inputs": [{"data": [1.0]}]},
        {"inputs": [{"name": "amount", "data": None}]},
        {"inputs": [{"name": "amount", "shape": [-1], "data": [1.0]}]},
        {"inputs": [{"name": "amount", "shape": "x", "data": [1.0]}]},
        {"inputs": [{"name": "amount", "shape": [10**30], "data": [1.0]}]},
        {"inputs": [{"name": "amount", "datatype": "FP8", "data": [1.0]}]},
        {"inputs": [{"name": "amount", "data": [1.0]}] * 2},
        [1],
    ],
    ids=[
        "nothing",
        "no inputs",
        "shape",
        "lengths",
        "no rows",
        "an object",
        "a name only",
        "no name",
        "no data",
        "a negative shape",
        "a text for a shape",
        "a huge shape",
        "no such datatype",
        "one input twice",
        "a list",
    ],
)
def test_tensors_that_do_not_fit_each_other_are_a_bad_request(server: Server, body: Any) -> None:
    response = server.post(body, "/v2/models/churn/infer")
    assert response.status_code == 400
    assert response.json()["error"]


@pytest.mark.parametrize("path", ["/v2/models/other", "/v2/models/churn/versions/7", "/v2/models/other/ready"])
def test_a_model_or_version_that_is_not_served_is_not_found(server: Server, path: str) -> None:
    response = httpx.get(server.url + path)
    assert response.status_code == 404
    assert "is not served here" in response.json()["error"]


def test_the_record_holds_every_answer_with_its_row_and_id(server: Server) -> None:
    row = ROW | {"customer": "c-77", "note": "travels along"}
    (answer,) = server.predict(row)
    (record,) = [record for record in server.records() if record["id"] == answer["id"]]
    assert record["row"] == row
    assert record["row_id"] == "c-77"
    assert (record["model"], record["prediction"]) == ("churn", answer["prediction"])
    assert record["probabilities"] == list(answer["probabilities"].values())


def test_a_refused_request_leaves_no_record(server: Server) -> None:
    before = len(server.records())
    server.post({"rows": [ROW, ROW | {"amount": "much"}]})
    assert len(server.records()) == before


def test_what_cannot_be_recorded_is_not_answered(server: Server) -> None:
    server.predict(ROW)
    before = server.records()
    (path,) = server.log.glob("*.ndjson")
    held = resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE)
    # Room for a part of a record, as on a disk that is nearly full.
    resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE, (path.stat().st_size + 50, held[1]))
    try:
        response = server.post({"rows": [ROW]})
    finally:
        resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE, held)
    assert response.status_code == 503
    assert set(response.json()) == {"error"}
    assert server.records() == before
    (answer,) = server.predict(ROW)
    assert server.records()[-1]["id"] == answer["id"]


def test_a_killed_server_has_recorded_every_answer_that_it_gave(package: Path, home: Path, tmp_path: Path) -> None:
    answered: list[str] = []
    started = threading.Event()

    def ask(url: str) -> None:
        with httpx.Client(base_url=url) as client:
            while True:
                try:
                    predictions = client.post("/predict", json=[ROW, ROW]).json()["predictions"]
                except httpx.TransportError:
                    return
                answered.extend(item["id"] for item in predictions)
                if len(answered) > 100:
                    started.set()

    with serving(package, home, tmp_path) as server, ThreadPoolExecutor(6) as pool:
        for _ in range(6):
            pool.submit(ask, server.url)
        assert started.wait(20)
        server.process.kill()
        pool.shutdown()
        assert set(answered) <= {record["id"] for record in server.records()}


@pytest.mark.parametrize("sent", [signal.SIGTERM, signal.SIGHUP])
def test_a_stopped_server_answers_every_request_that_it_has_accepted(
    package: Path, home: Path, tmp_path: Path, sent: signal.Signals
) -> None:
    body = json.dumps([ROW] * 100).encode()
    head = (
        f"POST /predict HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\n"
        "Expect: 100-continue\r\nConnection: close\r\n\r\n"
    )
    with serving(package, home, tmp_path) as server:
        url = httpx.URL(server.url)
        clients = [socket.create_connection((url.host, url.port or 80), timeout=20) for _ in range(5)]
        for client in clients:
            client.sendall(head.encode())
        # Only the application asks for a body, so that this is the proof that a request is under way.
        assert [client.recv(100)[:12] for client in clients] == [b"HTTP/1.1 100"] * 5
        server.process.send_signal(sent)
        replies = []
        for client in clients:
            client.sendall(body)
            replies.append(b"".join(iter(lambda client=client: client.recv(65_536), b"")))
            client.close()
        assert server.process.wait(20) == 128 + sent
        assert [reply[:12] for reply in replies] == [b"HTTP/1.1 200"] * 5
        assert len(server.records()) == 500
        assert server.process.stderr is not None
        assert "Traceback" not in server.process.stderr.read()


def test_a_port_that_is_taken_is_one_clear_line(server: Server, package: Path, home: Path) -> None:
    port = str(httpx.URL(server.url).port)
    done = run_hookline("serve", package, "--port", port, "--no-log", env=at(home), timeout=30)
    assert done.returncode == 2
    assert done.stderr.splitlines()[0] == f"error: port {port} of 127.0.0.1 is taken"
    assert "Traceback" not in done.stderr
    assert done.stdout == ""


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (["--port", "99999"], "port must be 0-65535"),
        (["--port", "x"], "invalid int value: 'x'"),
        (["--host", "no.such.host.invalid"], "no.such.host.invalid"),
    ],
)
def test_an_address_that_cannot_be_is_one_clear_line(package: Path, home: Path, options: list[str], told: str) -> None:
    done = run_hookline("serve", package, "--no-log", *options, env=at(home), timeout=60)
    assert (done.returncode, done.stdout) == (2, "")
    assert told in done.stderr.splitlines()[0]
    assert "Traceback" not in done.stderr


def _tensors(rows: list[dict[str, Any]]) -> dict[str, Any]:
    datatypes = {"amount": "FP64", "visits": "FP64", "plan": "BYTES", "active": "BOOL", "joined": "BYTES"}
    inputs = [
        {"name": name, "datatype": datatype, "shape": [len(rows)], "data": [row[name] for row in rows]}
        for name, datatype in datatypes.items()
    ]
    return {"inputs": inputs}


def _references(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        if "$ref" in node:
            yield node["$ref"]
        for item in node.values():
            yield from _references(item)
    elif isinstance(node, list):
        for item in node:
            yield from _references(item)
