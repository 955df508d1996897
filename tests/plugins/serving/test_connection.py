"""What a connection does with a client that takes its answer slowly, or not at all."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from threading import Thread
from typing import Any

import pytest
import uvicorn
from starlette.types import Receive, Scope, Send

from hookline_serving.http.clients import door as doors
from hookline_serving.http.clients.bounds import Bounds
from hookline_serving.http.clients.door import Door
from hookline_serving.http.connection import Connection
from hookline_serving.http.replies import Answer, send_answer

KIB = 1024
SMALL_BUFFER = 4 * KIB
"""So that nearly all of an answer waits in the server, and not in the system."""
LEFT = b"GET /50000 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
"""Its answer is written at once and the connection closed, with most of it left to be taken."""


@dataclass(frozen=True)
class Running:
    """A server in a thread."""

    port: int
    uvicorn: uvicorn.Server

    def connect(self) -> socket.socket:
        """Return a connection that takes little without being read."""
        client = socket.socket()
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, SMALL_BUFFER)
        client.settimeout(5)
        client.connect(("127.0.0.1", self.port))
        return client

    def answers(self) -> bool:
        """Tell, after a moment, whether another client is answered."""
        time.sleep(0.1)
        with self.connect() as client:
            client.sendall(b"GET /5 HTTP/1.1\r\nHost: x\r\n\r\n")
            return client.recv(1000).startswith(b"HTTP/1.1 200")

    def is_left(self, seconds: float) -> bool:
        """Tell whether every connection ends within so many seconds."""
        until = time.monotonic() + seconds
        while self.uvicorn.server_state.connections and time.monotonic() < until:
            time.sleep(0.01)
        return not self.uvicorn.server_state.connections


async def sized(scope: Scope, receive: Receive, send: Send) -> None:
    """Answer with as many bytes as the path says."""
    await send_answer(send, Answer(200, b"x" * int(scope["path"][1:])))


@contextmanager
def running(bounds: Bounds, **options: Any) -> Iterator[Running]:
    with socket.socket() as listening:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SMALL_BUFFER)
        listening.bind(("127.0.0.1", 0))
        listening.listen(32)
        http: Any = partial(Connection, Door(bounds))
        server = uvicorn.Server(
            uvicorn.Config(sized, http=http, ws="none", log_level="critical", lifespan="off", **options)
        )
        thread = Thread(target=server.run, kwargs={"sockets": [listening]})
        thread.start()
        try:
            yield Running(listening.getsockname()[1], server)
        finally:
            server.force_exit = server.should_exit = True
            thread.join()


@pytest.fixture(autouse=True)
def often(monkeypatch: pytest.MonkeyPatch) -> None:
    """Look often, so that no test waits long."""
    monkeypatch.setattr(doors, "SWEEP_SECONDS", 0.02)
    monkeypatch.setattr(doors, "GRACE_SECONDS", 0.1)


def test_who_is_closed_and_takes_nothing_more_does_not_keep_others_out() -> None:
    with running(Bounds(connections=2)) as server, ExitStack() as opened:
        for _ in range(2):
            opened.enter_context(server.connect()).sendall(LEFT)
        assert any(server.answers() for _ in range(20))


def test_a_closed_connection_ends_where_the_client_takes_nothing_more() -> None:
    with running(Bounds(answer_seconds=0.2)) as server, server.connect() as client:
        client.sendall(LEFT)
        assert client.recv(1).startswith(b"H")
        assert server.is_left(4)


def test_an_idle_connection_whose_answer_is_not_taken_is_no_idle_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doors, "GRACE_SECONDS", 10)
    with running(Bounds(connections=1)) as server, server.connect() as slow:
        slow.sendall(LEFT.replace(b"close", b"keep-alive"))
        assert slow.recv(1) == b"H"
        assert not server.answers()


def test_an_answer_that_is_taken_slowly_and_steadily_arrives_whole() -> None:
    size, got = 240 * KIB, 0
    with running(Bounds(answer_seconds=0.5)) as server, server.connect() as client:
        client.sendall(LEFT.replace(b"50000", b"%d" % size))
        begun = time.monotonic()
        while part := client.recv(12 * KIB):
            got += len(part)
            time.sleep(0.02)
        assert time.monotonic() - begun > 0.8
    assert got > size
