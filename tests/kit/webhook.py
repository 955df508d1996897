"""A real HTTP server that takes what is posted to it, and fails as often as it is told to."""

from __future__ import annotations

import json
import threading
import time
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass
class Webhook:
    """Listens on a port of its own for the time of a block."""

    failures: int = 0
    """Requests that are answered with 500 before one is taken; -1: all of them."""
    delay: float = 0.0
    """Seconds before anything is answered."""
    bodies: list[dict[str, Any]] = field(default_factory=list)
    asked: int = 0

    def __enter__(self) -> Webhook:
        hook = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                time.sleep(hook.delay)
                self.send_response(hook.take(json.loads(body)))
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *args: Any) -> None:
                """Say nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    @property
    def url(self) -> str:
        """The URL that Apprise posts JSON to."""
        return f"json://127.0.0.1:{self._server.server_address[1]}/alerts"

    def take(self, body: dict[str, Any]) -> int:
        """Return the status of a request."""
        self.asked += 1
        if self.failures:
            self.failures -= 1
            return 500
        self.bodies.append(body)
        return 204
