"""What a connection does with a client that takes its answer slowly, or not at all."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from typing import ClassVar

import pytest
from starlette.types import ASGIApp, Receive, Scope, Send

from hookline_serving.http.clients import door as doors
from hookline_serving.http.clients.bounds import MIB, Bounds
from hookline_serving.http.clients.turns import MUCH
from hookline_serving.http.connection import Connection
from hookline_serving.http.replies import Answer, send_answer
from kit.attacks import request
from kit.connections import Running, running

KIB = 1024
LEFT = b"GET /50000 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
"""Its answer is written at once and the connection closed, with most of it left to be taken."""


async def sized(scope: Scope, receive: Receive, send: Send) -> None:
    """Answer with as many bytes as the path says."""
    await send_answer(send, Answer(200, b"x" * int(scope["path"][1:])))


@pytest.fixture(autouse=True)
def often(monkeypatch: pytest.MonkeyPatch) -> None:
    """Look often, so that no test waits long."""
    monkeypatch.setattr(doors, "SWEEP_SECONDS", 0.02)
    monkeypatch.setattr(doors, "GRACE_SECONDS", 0.1)


def test_who_is_closed_and_takes_nothing_more_does_not_keep_others_out() -> None:
    with running(Bounds(connections=2), sized) as server, ExitStack() as opened:
        for _ in range(2):
            opened.enter_context(server.connect()).sendall(LEFT)
        assert any(server.answers() for _ in range(20))


def test_a_closed_connection_ends_where_the_client_takes_nothing_more() -> None:
    with running(Bounds(answer_seconds=0.2), sized) as server, server.connect() as client:
        client.sendall(LEFT)
        assert client.recv(1).startswith(b"H")
        assert server.is_left(4)


def test_an_idle_connection_whose_answer_is_not_taken_is_no_idle_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doors, "GRACE_SECONDS", 10)
    with running(Bounds(connections=1), sized) as server, server.connect() as slow:
        slow.sendall(LEFT.replace(b"close", b"keep-alive"))
        assert slow.recv(1) == b"H"
        assert not server.answers()


def test_an_answer_that_is_taken_slowly_and_steadily_arrives_whole() -> None:
    size, got = 240 * KIB, 0
    with running(Bounds(answer_seconds=0.5), sized) as server, server.connect() as client:
        client.sendall(LEFT.replace(b"50000", b"%d" % size))
        begun = time.monotonic()
        while part := client.recv(12 * KIB):
            got += len(part)
            time.sleep(0.02)
        assert time.monotonic() - begun > 0.8
    assert got > size


async def refusing(scope: Scope, receive: Receive, send: Send) -> None:
    """Answer before any of the body is taken."""
    await send_answer(send, Answer(503, b"{}"))


class Counting(Connection):
    """A connection that notes in which turn of the loop much of it was read."""

    turn = 0
    much: ClassVar[list[int]] = []

    def data_received(self, data: bytes) -> None:
        """Take what came, and note it unless it is the first of a connection."""
        if len(data) > MUCH and self.cycle is not None:
            self.much.append(Counting.turn)
        super().data_received(data)


async def count_turns() -> None:
    """Count the turns of the loop."""
    while True:
        Counting.turn += 1
        await asyncio.sleep(0)


@pytest.mark.parametrize("app", [refusing, sized], ids=["refused", "taken"])
def test_of_many_clients_that_send_much_one_is_read_at_a_time(app: ASGIApp, monkeypatch: pytest.MonkeyPatch) -> None:
    counting: list[asyncio.Task[None]] = []

    async def counted(scope: Scope, receive: Receive, send: Send) -> None:
        if not counting:
            counting.append(asyncio.create_task(count_turns()))
        if app is sized:
            while (await receive()).get("more_body"):
                pass
        await app(scope, receive, send)

    monkeypatch.setattr(Counting, "much", [])
    asked = request("/5", b" " * 2 * MIB)
    with running(Bounds(), counted, Counting) as server, ExitStack() as opened:
        clients = [opened.enter_context(server.connect(None)) for _ in range(12)]
        with ThreadPoolExecutor(len(clients)) as pool:
            list(pool.map(lambda client: client.sendall(asked), clients))
        assert all(client.recv(100).startswith(b"HTTP/1.1 ") for client in clients)
        # What was refused is read on, too.
        time.sleep(0.2)
    together = Counter(Counting.much)
    assert len(together) > 20
    assert max(together.values()) <= 2


def test_a_head_of_thousands_of_fields_is_refused_at_the_first_hundreds() -> None:
    with running(Bounds(), sized) as server, server.connect() as client:
        client.sendall(b"GET /5 HTTP/1.1\r\n" + b"a: b\r\n" * 5_000)
        assert b"more than 256 fields" in client.recv(1000)


async def echoing(scope: Scope, receive: Receive, send: Send) -> None:
    """Answer with the path and the body."""
    body, more = b"", True
    while more:
        message = await receive()
        body, more = body + message.get("body", b""), message.get("more_body", False)
    await send_answer(send, Answer(200, scope["path"].encode() + b" " + body))


SMUGGLED = b"GET /hidden HTTP/1.1\r\nHost: x\r\n\r\n"
UPGRADES = {
    "h2c": b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA\r\n",
    "websocket": b"Connection: keep-alive, upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n",
}


@pytest.fixture(scope="module")
def echo() -> Iterator[Running]:
    """A server that answers with what it was asked."""
    with running(Bounds(), echoing) as server:
        yield server


@pytest.mark.parametrize("asks", UPGRADES)
@pytest.mark.parametrize("framing", ["length", "chunked"])
@pytest.mark.parametrize("is_apart", [False, True], ids=["together", "apart"])
def test_who_asks_for_another_protocol_is_answered_with_its_body(
    echo: Running, asks: str, framing: str, is_apart: bool
) -> None:
    head, body = b"Content-Length: %d" % len(SMUGGLED), SMUGGLED
    if framing == "chunked":
        head, body = b"Transfer-Encoding: chunked", b"%x\r\n%b\r\n0\r\n\r\n" % (len(SMUGGLED), SMUGGLED)
    asked = b"POST /seen HTTP/1.1\r\nHost: x\r\n" + UPGRADES[asks] + head + b"\r\n\r\n"
    last = b"GET /last HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
    with echo.connect(None) as client:
        # One segment, or the body in one of its own; after it comes what ends the connection.
        for part in [asked, body + asked + body + last] if is_apart else [(asked + body) * 2 + last]:
            client.sendall(part)
            time.sleep(0.03 if is_apart else 0)
        got = b"".join(iter(lambda: client.recv(65_536), b""))
    assert got.count(b"HTTP/1.1 200") == 3
    assert got.count(b"/seen " + SMUGGLED) == 2
    assert got.count(b"/last ") == 1
    assert got.count(b"/hidden") == 2


def test_a_head_that_ends_in_another_segment_may_ask_for_another_protocol(echo: Running) -> None:
    asked = (
        b"POST /seen HTTP/1.1\r\nHost: x\r\n" + UPGRADES["h2c"] + b"Content-Length: 4\r\nConnection: close\r\n\r\nbody"
    )
    with echo.connect(None) as client:
        for at in range(0, len(asked), 40):
            client.sendall(asked[at : at + 40])
            time.sleep(0.002)
        got = b"".join(iter(lambda: client.recv(65_536), b""))
    assert got.startswith(b"HTTP/1.1 200")
    assert got.endswith(b"/seen body")


def test_who_takes_the_server_for_a_proxy_is_refused_and_closed(echo: Running) -> None:
    with echo.connect(None) as client:
        client.sendall(b"CONNECT x:443 HTTP/1.1\r\nHost: x:443\r\n\r\n" + SMUGGLED)
        got = b"".join(iter(lambda: client.recv(65_536), b""))
    assert got.startswith(b"HTTP/1.1 400")
    assert got.count(b"HTTP/1.1") == 1
