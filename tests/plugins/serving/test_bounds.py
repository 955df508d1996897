"""What a server does to clients that keep it waiting, ask for too much, or say what is no HTTP."""

from __future__ import annotations

import asyncio
import fcntl
import json
import select
import socket
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from pathlib import Path

import httpx
import pytest
from starlette.types import ASGIApp

import hookline as hl
from hookline_serving.http import connection as connections
from hookline_serving.http.app import app_of
from hookline_serving.http.arms.desk import desk_of
from hookline_serving.http.clients import door as doors
from hookline_serving.http.clients.bounds import Bounds, Held
from hookline_serving.http.clients.door import Door
from kit.attacks import Target, request, under_attack
from kit.command_line import Told
from kit.connections import Running, running
from kit.processes import heard, started
from kit.serving import ROW, Server, serving

MIB = 1024 * 1024
BOUNDS = {
    "rows": 3_000, "bytes": 2 * MIB, "in_flight": 3 * MIB,
    "head_seconds": 0.8, "body_seconds": 0.8, "answer_seconds": 0.8, "rest_seconds": 0.5,
}  # fmt: skip
SERVE = """
import asyncio, json, sys
import hookline as hl
from hookline.live.fleet import SinglePackage
import uvicorn.protocols.websockets.auto as sockets
from hookline_serving.http.clients.bounds import Bounds
from hookline_serving.http.server import serve
class Silent(asyncio.Protocol):
    # As a library for WebSockets would be found, were one installed.
    def __init__(self, **given):
        pass
sockets.AutoWebSocketsProtocol = Silent
serve(SinglePackage(hl.load(sys.argv[1]), None), "127.0.0.1", 0, Bounds(**json.loads(sys.argv[2])))
"""
GOOD = request("/predict", json.dumps([ROW]).encode())
CHUNKED = b"POST /predict HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
FILES = 64
ROOM = 3 * MIB
LARGE = json.dumps([ROW] * 20_000).encode()
"""Of over half the room."""


@pytest.fixture(scope="module")
def target(package: Path) -> Iterator[Target]:
    """A server with narrow bounds and few descriptors."""
    command = ["sh", "-c", f'ulimit -n {FILES} && exec "$0" "$@"', sys.executable, "-c", SERVE, str(package)]
    with started([*command, json.dumps(BOUNDS)], seconds=120) as process:
        said = heard(process, "answers at ")
        assert process.stderr is not None
        fcntl.fcntl(process.stderr, fcntl.F_SETPIPE_SZ, select.PIPE_BUF)
        url = httpx.URL(said.split("answers at ")[1].split()[0])
        yield Target(url.host, url.port or 80, "churn", ROW)
        process.kill()


def taken(client: socket.socket, most: int = 10**8) -> bytes:
    """Return what a client is sent until the connection ends."""
    said = b""
    try:
        while len(said) < most and (part := client.recv(65_536)):
            said += part
    except ConnectionError:
        pass
    return said


def answered(said: bytes) -> tuple[int, str]:
    """Return the status of an answer, and what it says is wrong."""
    head, _, body = said.partition(b"\r\n\r\n")
    assert b"content-type: application/json" in head.lower()
    return int(head.split()[1]), str(json.loads(body)["error"])


def is_answered(target: Target) -> bool:
    with target.connect(10) as client:
        client.sendall(GOOD)
        return client.recv(100).startswith(b"HTTP/1.1 200")


def test_who_keeps_the_server_waiting_is_told_so_and_closed(target: Target) -> None:
    sent = [b"", b"POST /predict HT", request("/predict", b"[", length=100), request("/v2/models/churn/infer", b"[", 9)]
    with ExitStack() as opened:
        clients = [opened.enter_context(target.connect(10)) for _ in sent]
        for client, part in zip(clients, sent, strict=True):
            client.sendall(part)
        said = [taken(client) for client in clients]
    assert said[0] == b""
    assert [answered(one) for one in said[1:]] == [
        (408, "the head of the request took too long"),
        *[(408, "the body of the request took too long")] * 2,
    ]


def test_a_client_that_takes_no_answer_is_closed_and_read_no_further(target: Target) -> None:
    asked = request("/predict", json.dumps([ROW] * 100).encode())
    with socket.socket() as client:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        client.settimeout(10)
        client.connect((target.host, target.port))
        sent, until = 0, time.monotonic() + 30
        with pytest.raises(ConnectionError):
            while time.monotonic() < until:
                sent += client.send(asked * 10)
    # What the system itself holds between the two, and no more.
    assert sent < 40 * MIB
    assert is_answered(target)


def test_requests_that_come_at_once_are_all_answered_in_their_order(target: Target) -> None:
    paths = ["/health", "/example", "/v2", "/nowhere"] * 150
    with target.connect(20) as client:
        asked = "".join(f"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n" for path in paths).encode()
        client.sendall(asked + GOOD + b"GET /health HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        said = taken(client)
    statuses = [int(part[:3]) for part in said.split(b"HTTP/1.1 ")[1:]]
    assert statuses == [200, 200, 200, 404] * 150 + [200, 200]


def test_only_what_belongs_to_a_head_counts_as_one(target: Target) -> None:
    padded = b"GET /health HTTP/1.1\r\nHost: x\r\nPad: " + b"p" * 290 + b"\r\n\r\n"
    body = json.dumps([ROW] * 1_100).encode()
    last = b"GET /health HTTP/1.1\r\nConnection: close\r\nHost: x\r\n"
    with target.connect(20) as client:
        client.sendall(padded * 400 + request("/predict", body) + last)
        client.sendall(b"\r\n")
        said = taken(client)
    statuses = [int(part[:3]) for part in said.split(b"HTTP/1.1 ")[1:]]
    assert len(body) > 100_000
    assert statuses == [200] * 402


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (b"\x16\x03\x01\x00\x00", 400),
        (b"GET / HTTP/9.9\r\n\r\n", 400),
        (b"GET /health HTTP/1.1\r\n" + b"a: b\r\n" * 20_000, 431),
        (CHUNKED + b"2\r\n[]\r\n0\r\n" + b"a: b\r\n" * 20_000, 431),
        (CHUNKED + b"2;" + b"x" * 100_000, 431),
        (request("/predict", b"x", length=10**12), 413),
        (request("/predict", b"[" + b"{}," * MIB), 413),
        (request("/predict", b"[" + b"{}," * 200_000 + b"{}]"), 413),
    ],
    ids=[
        "no HTTP",
        "no version",
        "endless head",
        "endless trailers",
        "endless size",
        "declared too large",
        "too large",
        "too many rows",
    ],
)
def test_what_cannot_be_read_is_answered_as_json(target: Target, sent: bytes, status: int) -> None:
    with target.connect(10) as client:
        with suppress(ConnectionError):
            client.sendall(sent)
        assert answered(client.recv(65_536))[0] == status


def test_a_server_whose_messages_nobody_reads_goes_on(target: Target) -> None:
    # Each of these is a line of stderr where nobody counts them, of which the pipe takes a hundred.
    for _ in range(150):
        with target.connect(10) as client:
            client.sendall(b"\x16\x03\x01\x00\x00")
            assert client.recv(100).startswith(b"HTTP/1.1 400")
    assert is_answered(target)


def test_bodies_that_are_held_leave_room_for_small_requests(target: Target) -> None:
    part = b"[" + b" " * (2 * MIB - 100)
    with target.connect(10) as first, target.connect(10) as second:
        first.sendall(request("/predict", part, length=2 * MIB))
        time.sleep(0.1)
        second.sendall(request("/predict", part, length=2 * MIB))
        said = second.recv(65_536)
        assert answered(said) == (503, "too many large requests are being answered; ask again in a moment")
        assert b"retry-after: 1" in said
        assert is_answered(target)
    time.sleep(0.2)
    asked = request("/predict", json.dumps([ROW] * 2_900).encode())
    with target.connect(10) as client:
        client.sendall(asked)
        assert client.recv(100).startswith(b"HTTP/1.1 200")


def test_who_asks_for_a_websocket_is_answered_as_any_other_and_leaves(target: Target) -> None:
    asked = b"GET /health HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"
    for _ in range(FILES):
        with target.connect(5) as client:
            for one in (asked, GOOD):
                client.sendall(one)
                assert client.recv(65_536).startswith(b"HTTP/1.1 200")


def test_many_silent_clients_do_not_keep_others_out_where_descriptors_are_few(target: Target) -> None:
    silent = [target.connect(10) for _ in range(2 * FILES)]
    assert all(is_answered(target) for _ in range(20))
    for client in silent:
        client.close()


@pytest.mark.parametrize(("option", "told"), [("--max-rows", "0"), ("--max-bytes", "-1"), ("--max-rows", "many")])
def test_a_bound_that_lets_nothing_in_is_refused(hookline: Told, option: str, told: str) -> None:
    code, _, said = hookline("serve", "churn", option, told)
    assert code == 2
    assert option in said
    assert "Traceback" not in said


def test_where_no_room_can_be_made_a_client_is_told_so() -> None:
    async def ask() -> httpx.Response:
        transport = httpx.ASGITransport(Door(Bounds(connections=7)).full)
        async with httpx.AsyncClient(transport=transport, base_url="http://model") as client:
            return await client.get("/health")

    response = asyncio.run(ask())
    assert (response.status_code, response.headers["retry-after"]) == (503, "1")
    assert response.json() == {"error": "7 clients are connected, and no more are taken"}


def test_what_is_held_is_given_back_whatever_happens() -> None:
    held = Held(100)
    with pytest.raises(ValueError, match="over"), held.account() as one, held.account() as other:
        assert one.fits(60)
        assert not other.fits(41)
        assert one.fits(100)
        raise ValueError("over")
    assert held.now == 0


@pytest.fixture(scope="module")
def predictor(package: Path) -> hl.Predictor:
    return hl.load(package).predictor


@pytest.fixture
def app(predictor: hl.Predictor) -> ASGIApp:
    """A model whose server has room for little more than one large request."""
    info = {"model": "churn", "version": None, "format": "onnx"}
    return app_of(desk_of(predictor, info, None, Bounds(in_flight=ROOM)))


@pytest.fixture
def hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take a client for slow soon, so that no test waits long."""
    monkeypatch.setattr(connections, "LAG_SECONDS", 0.2)
    monkeypatch.setattr(doors, "SWEEP_SECONDS", 0.02)


def large(server: Running) -> bytes:
    """Return what a large request of a good client is answered."""
    with server.connect(None) as client:
        client.sendall(request("/predict", LARGE))
        return client.recv(65_536)


@pytest.mark.usefixtures("hurried")
def test_a_client_that_trickles_a_large_body_gives_its_room_to_others(app: ASGIApp) -> None:
    assert ROOM / 2 < len(LARGE) < ROOM
    with running(Bounds(), app) as server, server.connect(None) as slow:
        slow.sendall(request("/predict", LARGE[:-9], length=len(LARGE)))
        time.sleep(0.1)
        assert large(server).startswith(b"HTTP/1.1 503")
        for byte in LARGE[-9:-6]:
            time.sleep(0.1)
            slow.sendall(bytes([byte]))
        assert large(server).startswith(b"HTTP/1.1 200")
        assert b"came too slowly, and its room was given to others" in slow.recv(1000)


@pytest.mark.usefixtures("hurried")
def test_a_client_that_does_not_take_a_large_answer_gives_its_room_to_others(app: ASGIApp) -> None:
    with running(Bounds(), app) as server, server.connect() as deaf:
        deaf.sendall(request("/predict", LARGE))
        assert deaf.recv(1) == b"H"
        time.sleep(0.3)
        assert large(server).startswith(b"HTTP/1.1 200")


@pytest.mark.usefixtures("hurried")
def test_a_body_for_which_there_is_no_room_is_refused_before_it_is_sent(app: ASGIApp) -> None:
    with running(Bounds(), app) as server, server.connect(None) as first, server.connect(None) as second:
        first.sendall(request("/predict", LARGE[:-1], length=len(LARGE)))
        time.sleep(0.1)
        second.sendall(request("/predict", b"[", length=len(LARGE)))
        assert second.recv(1000).startswith(b"HTTP/1.1 503")


def test_a_good_client_is_answered_beside_bad_ones_of_every_sort(package: Path, tmp_path: Path) -> None:
    with serving(package, tmp_path / "home", tmp_path / "log") as server:
        load = under_attack(target_of(server), server.process.pid, seconds=2)
    assert load.good["failed"] == []
    assert load.memory < 300
    # It waits some milliseconds on a machine that does nothing else; this is for one that does.
    assert load.good["p90"] < 2_000


def target_of(server: Server) -> Target:
    url = httpx.URL(server.url)
    return Target(url.host, url.port or 80, "churn", ROW)
