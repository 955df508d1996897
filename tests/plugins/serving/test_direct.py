"""Requests for a few rows that a connection answers itself, whichever way their bytes come."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import pytest
from starlette.types import Receive, Scope, Send

import hookline as hl
from hookline.kinds.deployments import REFUSED
from hookline_serving.http.arms.desk import Desk, desk_of
from hookline_serving.http.clients import door as doors
from hookline_serving.http.clients.bounds import Bounds
from hookline_serving.http.clients.direct import Direct
from hookline_serving.http.connection import Connection
from hookline_serving.http.many import MOST_BYTES_AT_ONCE
from hookline_serving.http.replies import Answer, send_answer
from hookline_serving.http.service import MOST_ROWS_INLINE
from hookline_serving.http.watching.snapshots import snapshot_of
from kit.attacks import request
from kit.connections import Running, running
from kit.serving import ROW

ONE = json.dumps([ROW]).encode()
INFO = {"model": "churn", "version": 1, "format": "onnx"}


async def left(scope: Scope, receive: Receive, send: Send) -> None:
    """Answer, with the size of the body, what is left to the application."""
    size, more = 0, True
    while more:
        message = await receive()
        size, more = size + len(message.get("body", b"")), message.get("more_body", False)
    await send_answer(send, Answer(418, b"%d" % size))


@pytest.fixture(scope="module")
def desk(package: Path) -> Desk:
    return desk_of(hl.load(package).predictor, INFO, None, Bounds())


@pytest.fixture(scope="module")
def server(desk: Desk) -> Iterator[Running]:
    connection: Any = partial(Connection, direct=Direct(desk))
    with running(Bounds(), left, connection) as server:
        yield server


def said(server: Running, *parts: bytes) -> bytes:
    """Return all that is said to a client that sends some parts, the last of which ends the connection."""
    with server.connect(None) as client:
        for part in parts:
            client.sendall(part)
            time.sleep(0.02 if len(parts) > 1 else 0)
        return b"".join(iter(lambda: client.recv(65_536), b""))


def closing(asked: bytes) -> bytes:
    return asked.replace(b"\r\n", b"\r\nConnection: close\r\n", 1)


def test_requests_behind_one_another_are_answered_in_their_order(server: Running) -> None:
    bodies = [json.dumps([ROW] * count).encode() for count in (1, 2, 3)]
    asked = [request("/predict", body) for body in bodies]
    got = said(server, asked[0] + asked[1] + closing(asked[2]))
    answers = [part.partition(b"\r\n\r\n")[2] for part in got.split(b"HTTP/1.1 200 OK\r\n")[1:]]
    assert [len(json.loads(answer)["predictions"]) for answer in answers] == [1, 2, 3]


def chunked(body: bytes) -> bytes:
    head = b"POST /predict HTTP/1.1\r\nHost: x\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n"
    return head + b"%x\r\n%b\r\n0\r\n\r\n" % (len(body), body)


@pytest.mark.parametrize("made", [lambda body: closing(request("/predict", body)), chunked], ids=["length", "chunks"])
@pytest.mark.parametrize(
    "cut", [None, 20, -len(ONE), -7], ids=["whole", "in its head", "before its body", "in its body"]
)
def test_a_request_in_two_segments_is_answered_as_one(
    server: Running, made: Callable[[bytes], bytes], cut: int | None
) -> None:
    whole = made(ONE)
    got = said(server, *([whole] if cut is None else [whole[:cut], whole[cut:]]))
    head, _, body = got.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200 OK")
    assert {b"content-type: application/json", b"connection: close"} <= set(head.split(b"\r\n"))
    assert json.loads(body)["predictions"][0]["prediction"] == "yes"


@pytest.mark.parametrize("first", [request("/explain", ONE), request("/predict", ONE)], ids=["application", "direct"])
def test_the_rest_of_a_request_behind_another_is_read_once_it_is_its_turn(server: Running, first: bytes) -> None:
    second = closing(request("/predict", ONE))
    with server.connect(None) as client:
        client.sendall(first + second[:-7])
        assert client.recv(65_536).startswith(b"HTTP/1.1 ")
        client.sendall(second[-7:])
        got = b"".join(iter(lambda: client.recv(65_536), b""))
    assert got.count(b"HTTP/1.1 ") == 1
    assert json.loads(got.rpartition(b"\r\n\r\n")[2])["predictions"][0]["prediction"] == "yes"


@pytest.mark.parametrize(
    "asked",
    [
        closing(request("/predict", b" " * (MOST_BYTES_AT_ONCE + 1))),
        chunked(b" " * (MOST_BYTES_AT_ONCE + 1)),
        closing(request("/explain", ONE)),
        closing(request("/predict", b"\xff stands before a stream of Arrow")),
        closing(b"GET /predict HTTP/1.1\r\nHost: x\r\n\r\n"),
    ],
    ids=["a large body", "large chunks", "another path", "another format", "another method"],
)
def test_what_is_not_a_few_rows_is_left_to_the_application_with_its_whole_body(server: Running, asked: bytes) -> None:
    size = len(asked.partition(b"\r\n\r\n")[2])
    size = MOST_BYTES_AT_ONCE + 1 if b"chunked" in asked else size
    got = said(server, asked)
    assert got.startswith(b"HTTP/1.1 418")
    assert got.endswith(b"\r\n\r\n%d" % size)


def test_who_waits_to_be_asked_for_a_body_is_asked(server: Running) -> None:
    asked = closing(request("/predict", ONE)).replace(b"\r\n", b"\r\nExpect: 100-continue\r\n", 1)
    head, _, body = asked.partition(b"\r\n\r\n")
    with server.connect(None) as client:
        client.sendall(head + b"\r\n\r\n")
        assert client.recv(100).startswith(b"HTTP/1.1 100 ")
        client.sendall(body)
        assert client.recv(100).startswith(b"HTTP/1.1 418")


@pytest.mark.parametrize(
    "body", [b"", b"[", b'[{"amount": "much"}]', b"[" * 5_000], ids=["empty", "cut", "bad", "deep"]
)
def test_what_is_wrong_is_told_and_the_next_request_answered(server: Running, body: bytes) -> None:
    with httpx.Client(base_url=f"http://127.0.0.1:{server.port}") as client:
        bad = client.post("/predict", content=body)
        assert bad.status_code in {400, 422}
        assert bad.json()["error"]
        assert client.post("/predict", content=ONE).status_code == 200


def test_an_answer_larger_than_its_question_is_sent_as_it_is_taken(server: Running, desk: Desk) -> None:
    row = {"amount": 1, "visits": 1, "plan": "new", "active": None, "joined": None}
    body = json.dumps([row] * (MOST_BYTES_AT_ONCE // 80)).encode()
    got = said(server, closing(request("/predict", body)))
    assert len(body) < MOST_BYTES_AT_ONCE < len(got)
    assert len(json.loads(got.partition(b"\r\n\r\n")[2])["predictions"]) > MOST_ROWS_INLINE
    assert desk.room.held.now == 0


def test_a_client_that_takes_nothing_is_read_no_further(server: Running) -> None:
    asked = request("/predict", json.dumps([ROW] * 40).encode()) * 8
    sent = 0
    with server.connect() as client:
        client.settimeout(0.3)
        with pytest.raises(TimeoutError):
            while sent < 64 * 1024 * 1024:
                sent += client.send(asked)
        # Of what was asked, no more was answered than fits between the two.
        (held,) = [one for one in server.uvicorn.server_state.connections if one.flow.write_paused]
        assert held.transport.get_write_buffer_size() < 256 * 1024


def test_a_connection_on_which_nothing_is_asked_is_closed(server: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doors, "SWEEP_SECONDS", 0.02)
    monkeypatch.setattr(doors, "IDLE_SECONDS", 0.2)
    time.sleep(0.6)
    with server.connect(None) as client:
        for _ in range(4):
            client.sendall(request("/predict", ONE))
            assert client.recv(65_536).startswith(b"HTTP/1.1 200")
            time.sleep(0.1)
        begun = time.monotonic()
        assert client.recv(1) == b""
    assert 0.05 < time.monotonic() - begun < 2


def test_a_request_that_is_refused_is_counted_by_its_status(server: Running, desk: Desk) -> None:
    def refused() -> int:
        return snapshot_of(desk).refused[[*REFUSED].index(422)]

    before = refused()
    got = said(server, closing(request("/predict", json.dumps([{}]).encode())))
    assert got.startswith(b"HTTP/1.1 422")
    assert refused() == before + 1
    said(server, closing(request("/predict", ONE)))
    assert refused() == before + 1
