"""A real HTTP server that answers as a test tells it to: well, late, in part, or with lies."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit


@dataclass(frozen=True)
class Asked:
    """A request."""

    path: str
    query: str
    """As it was sent."""
    parameters: Mapping[str, str]
    headers: Mapping[str, str]
    """By names in small letters."""
    number: int
    """How many there were before it."""


@dataclass(frozen=True)
class Reply:
    """An answer; `cut` is after how many bytes the connection ends, `stall` how long it is silent before the body."""

    body: bytes = b""
    kind: str = "application/json"
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    cut: int | None = None
    stall: float = 0.0

    @classmethod
    def of(cls, told: Any, **more: Any) -> Reply:
        """Return an answer of JSON."""
        return cls(json.dumps(told).encode(), **more)


class Api:
    """Listens on a port of its own for the time of a block."""

    def __init__(self, answer: Callable[[Asked], Reply]) -> None:
        self.answer = answer
        self.asked: list[Asked] = []
        self._stopped = threading.Event()

    def __enter__(self) -> Api:
        api = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                at = urlsplit(self.path)
                headers = {name.lower(): value for name, value in self.headers.items()}
                asked = Asked(at.path, at.query, dict(parse_qsl(at.query)), headers, len(api.asked))
                api.asked.append(asked)
                api.send(self, api.answer(asked))

            def log_message(self, *args: Any) -> None:
                """Say nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopped.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def send(self, handler: BaseHTTPRequestHandler, reply: Reply) -> None:
        """Send an answer as far as it goes."""
        handler.send_response(reply.status)
        length = {"Content-Length": str(len(reply.body)), "Content-Type": reply.kind}
        for name, value in {**length, **reply.headers}.items():
            handler.send_header(name, value)
        handler.end_headers()
        self._stopped.wait(reply.stall)
        try:
            handler.wfile.write(reply.body[: reply.cut])
        except ConnectionError:
            return
        handler.close_connection = True
