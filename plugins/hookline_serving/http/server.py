"""Runs the application on uvicorn: binds first, says where it answers, and stops without dropping a request."""

from __future__ import annotations

import errno
import gc
import signal
import socket
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hookline import Predictor
from hookline.errors import UsageError

from .app import make_app
from .clients.bounds import Bounds
from .clients.telling import log_config
from .log import PredictionLog

if TYPE_CHECKING:
    import uvicorn

DRAIN_SECONDS = 30
"""How long requests in flight may take once a stop is asked for."""
BACKLOG = 2048
TAKEN_AT_ONCE = 4
"""New connections of one turn of the loop."""
SWITCH_SECONDS = 0.00005
"""How long a thread that reads many rows runs before the loop's turn, of which a small request takes several."""
GARBAGE = (10_000, 20, 20)
"""After how many new objects garbage is looked for; large requests make so many that each look would hold up all others."""


def serve(
    predictor: Predictor,
    info: Mapping[str, Any],
    host: str,
    port: int,
    log: Path | None,
    bounds: Bounds | None = None,
) -> None:
    """Answer until interrupted or terminated."""
    import uvicorn

    bounds = bounds or Bounds()
    listening = _bind(host, port)
    record = PredictionLog.open(log, info) if log else None
    config = uvicorn.Config(
        make_app(predictor, info, record, bounds),
        http=_connections(bounds.within_files()),
        log_config=log_config(),
        log_level="warning",
        access_log=False,
        timeout_graceful_shutdown=DRAIN_SECONDS,
        server_header=False,
        proxy_headers=False,
        lifespan="on",
        # Whoever asks for a WebSocket is answered as if it had not: the door would not hear when such a connection ends.
        ws="none",
    )
    version = f" version {info['version']}" if info.get("version") else ""
    shown = f"[{host}]" if ":" in host else host
    where = f"http://{shown}:{listening.getsockname()[1]}"
    sys.stderr.write(f"{info['model']}{version} ({info['format']}) answers at {where}\n")
    sys.stderr.write(f"try: curl {where}/example | curl {where}/predict --json @-\n")
    sys.stderr.write(f"every prediction is recorded in {log}\n" if log else "predictions are not recorded\n")
    sys.stderr.flush()
    # What is loaded by now stays; looking through it again for garbage would hold up requests for tens of milliseconds.
    gc.freeze()
    gc.set_threshold(*GARBAGE)
    sys.setswitchinterval(SWITCH_SECONDS)
    server = uvicorn.Server(config)
    with _hangup_stops(server):
        # The loop takes one connection a turn of each socket, and a turn may be long where others send much.
        server.run(sockets=[listening, *(listening.dup() for _ in range(TAKEN_AT_ONCE - 1))])


@contextmanager
def _hangup_stops(server: uvicorn.Server) -> Iterator[None]:
    """Let a terminal that is closed stop a server as SIGTERM does: what a handler raised, the loop would let fall."""
    before = signal.getsignal(signal.SIGHUP)
    if before == signal.SIG_IGN or threading.current_thread() is not threading.main_thread():
        yield
        return
    heard: list[int] = []

    def stop(number: int, frame: object) -> None:
        heard.append(number)
        server.should_exit = True

    signal.signal(signal.SIGHUP, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGHUP, before)
    if heard:
        signal.raise_signal(signal.SIGHUP)


def _connections(bounds: Bounds) -> Any:
    """Return what makes the protocol of each connection, as uvicorn calls it."""
    from .clients.door import Door
    from .connection import Connection

    return partial(Connection, Door(bounds))


def _bind(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listening = socket.socket(family, socket.SOCK_STREAM)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((host, port))
        # Listening at once, so that a client that comes before the server is up waits rather than being refused.
        listening.listen(BACKLOG)
    except (OSError, OverflowError) as error:
        listening.close()
        raise _unbindable(host, port, error) from None
    return listening


def _unbindable(host: str, port: int, error: OSError | OverflowError) -> UsageError:
    if getattr(error, "errno", None) == errno.EADDRINUSE:
        return UsageError(
            f"port {port} of {host} is taken", hint="choose another with --port, or --port 0 for a free one"
        )
    if getattr(error, "errno", None) == errno.EACCES:
        return UsageError(f"port {port} needs more rights", hint="choose one above 1023 with --port")
    return UsageError(f"cannot answer at {host}:{port}: {error}", hint="see --host and --port")
