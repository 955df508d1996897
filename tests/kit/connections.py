"""A server in a thread of the tests, and connections to it that take little without being read."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from threading import Thread
from typing import Any

import uvicorn
from starlette.types import ASGIApp

from hookline_serving.http.clients.bounds import Bounds
from hookline_serving.http.clients.door import Door
from hookline_serving.http.connection import Connection

SMALL_BUFFER = 4 * 1024
"""So that nearly all of an answer waits in the server, and not in the system."""


@dataclass(frozen=True)
class Running:
    """A server in a thread."""

    port: int
    uvicorn: uvicorn.Server

    def connect(self, taking: int | None = SMALL_BUFFER) -> socket.socket:
        """Return a connection that takes so many bytes without being read, None for as many as the system likes."""
        client = socket.socket()
        if taking is not None:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, taking)
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


@contextmanager
def running(
    bounds: Bounds, app: ASGIApp, connection: type[Connection] = Connection, **options: Any
) -> Iterator[Running]:
    """Run an application with connections of a sort until the block ends. options: those of uvicorn's config."""
    with socket.socket() as listening:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SMALL_BUFFER)
        listening.bind(("127.0.0.1", 0))
        listening.listen(32)
        http: Any = partial(connection, Door(bounds))
        config = uvicorn.Config(app, http=http, ws="none", log_level="critical", lifespan="off", **options)
        server = uvicorn.Server(config)
        thread = Thread(target=server.run, kwargs={"sockets": [listening]})
        thread.start()
        try:
            yield Running(listening.getsockname()[1], server)
        finally:
            server.force_exit = server.should_exit = True
            thread.join()
