"""Runs the application on uvicorn: binds first, says where it answers, and stops without dropping a request."""

from __future__ import annotations

import asyncio
import errno
import gc
import signal
import socket
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hookline import Fleet
from hookline.errors import UsageError

from .access.tls import Access, warn_of_access
from .access.tokens import guarded
from .app import app_of
from .arms.desk import Desk, traffic_of
from .arms.following import Follower
from .clients.bounds import Bounds
from .log import PredictionLog
from .service import Room
from .watching.tracing import spans

if TYPE_CHECKING:
    import uvicorn

DRAIN_SECONDS = 30
"""How long requests in flight may take once a stop is asked for."""
BACKLOG = 2048
SWITCH_SECONDS = 0.0005
"""How long a thread that reads many rows runs before the loop's turn, of which a small request takes several."""


def serve(fleet: Fleet, host: str, port: int, bounds: Bounds | None = None, access: Access | None = None) -> None:
    """Answer as a fleet's policy says, until interrupted or terminated."""
    import uvicorn

    bounds, access = bounds or Bounds(), access or Access()
    listening = _bind(host, port)
    folder = fleet.log()
    record = PredictionLog.open(folder) if folder else None
    desk = Desk(traffic_of(fleet, fleet.policy(), record, Room(bounds)), record, fleet)
    config = uvicorn.Config(
        guarded(app_of(desk, partial(_following, fleet, desk), spans()), access.tokens),
        http=_connections(bounds.within_files()),
        log_level="warning",
        access_log=False,
        timeout_graceful_shutdown=DRAIN_SECONDS,
        server_header=False,
        proxy_headers=False,
        lifespan="on",
        ssl_certfile=access.cert,
        ssl_keyfile=access.key,
        # Whoever asks for a WebSocket is answered as if it had not: the door would not hear when such a connection ends.
        ws="none",
    )
    _announce(desk, listening, folder, "https" if access.cert else "http")
    warn_of_access(access, listening.getsockname()[0])
    # What is loaded by now stays; looking through it again for garbage would hold up requests for tens of milliseconds.
    gc.freeze()
    sys.setswitchinterval(SWITCH_SECONDS)
    server = uvicorn.Server(config)
    desk.connections = lambda: len(server.server_state.connections)
    with _hangup_stops(server):
        server.run(sockets=[listening])


def _announce(desk: Desk, listening: socket.socket, log: Path | None, scheme: str) -> None:
    """Say on stderr who answers, and where."""
    info = desk.traffic.live.info
    host, port = listening.getsockname()[:2]
    version = f" version {info['version']}" if info.get("version") else ""
    where = f"{scheme}://{f'[{host}]' if ':' in host else host}:{port}"
    sys.stderr.write(f"{info['model']}{version} ({info['format']}) answers at {where}\n")
    sys.stderr.write(f"try: curl {where}/example | curl {where}/predict --json @-\n")
    sys.stderr.write(f"every prediction is recorded in {log}\n" if log else "predictions are not recorded\n")
    sys.stderr.flush()


@contextmanager
def _following(fleet: Fleet, desk: Desk) -> Iterator[None]:
    """Follow the fleet's policy while the loop of this thread runs."""
    follower = Follower(fleet, desk, asyncio.get_running_loop().call_soon_threadsafe)
    follower.start()
    try:
        yield
    finally:
        follower.close()


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
