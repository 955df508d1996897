"""Runs the application on uvicorn: binds first, says where it answers, and stops without dropping a request."""

from __future__ import annotations

import asyncio
import gc
import os
import signal
import socket
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from hookline import Fleet
from hookline.kinds.deployments import Share
from hookline.live.serving.listening import bind

from .access.tls import Access, warn_of_access
from .access.tokens import guarded
from .app import app_of
from .arms.desk import Desk
from .arms.following import Follower
from .arms.loading import traffic_of
from .clients.accepting import Acceptor
from .clients.bounds import Bounds
from .clients.direct import Direct
from .clients.telling import log_config
from .log import PredictionLog
from .service import Room
from .watching.snapshots import written_down
from .watching.tracing import spans

if TYPE_CHECKING:
    import uvicorn

DRAIN_SECONDS = 30
"""How long requests in flight may take once a stop is asked for."""
TAKEN_AT_ONCE = 4
"""New connections of one turn of the loop."""
SWITCH_SECONDS = 0.00005
"""How long a thread that reads many rows runs before the loop's turn, of which a small request takes several."""
GARBAGE = (10_000, 20, 20)
"""After how many new objects garbage is looked for; large requests make so many that each look would hold up all others."""


def serve(
    fleet: Fleet,
    host: str,
    port: int,
    bounds: Bounds | None = None,
    access: Access | None = None,
    *,
    share: Share | None = None,
) -> None:
    """Answer as a fleet's policy says, until interrupted or terminated.

    share: of one of several processes, what it is given
    """
    import uvicorn

    bounds, access = bounds or Bounds(), access or Access()
    listening = bind(host, port) if share is None else socket.socket(fileno=share.listening)
    folder = fleet.log()
    record = PredictionLog.open(folder) if folder else None
    # Nobody answers yet, so nobody waits for more than the version in charge.
    desk = Desk(traffic_of(fleet, fleet.policy(), record, Room(bounds), patience=0.0), record, fleet)
    into = spans()
    config = uvicorn.Config(
        guarded(app_of(desk, partial(_following, fleet, desk), into), access.tokens),
        # With spans, every request goes through what makes them.
        http=_connections(bounds.within_files(), desk, Direct(desk, access.tokens) if into is None else None),
        log_config=log_config(),
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
    desk.asks_token = access.tokens is not None
    desk.shared = None if share is None else share.folder
    if share is None or share.place == 0:
        warn_of_access(access, listening.getsockname()[0])
    # What is loaded by now stays; looking through it again for garbage would hold up requests for tens of milliseconds.
    gc.freeze()
    gc.set_threshold(*GARBAGE)
    sys.setswitchinterval(SWITCH_SECONDS)
    scheme = "https" if access.cert else "http"
    server = _server(config, share, lambda: _announce(desk, listening, folder, scheme, share))
    desk.connections = lambda: len(server.server_state.connections)
    with _hangup_stops(server):
        # The loop takes one connection a turn of each socket, and a turn may be long where others send much.
        more = TAKEN_AT_ONCE - 1 if share is None else 0
        server.run(sockets=[listening, *(listening.dup() for _ in range(more))])


def _server(config: uvicorn.Config, share: Share | None, begun: Callable[[], None]) -> uvicorn.Server:
    """Return uvicorn's server, which says when it has begun to accept connections: all, or its share of them."""
    import uvicorn

    from .connection import Connection

    class Server(uvicorn.Server):
        acceptor: Acceptor | None = None

        async def startup(self, sockets: list[socket.socket] | None = None) -> None:
            await super().startup(sockets if share is None else [])
            if share is not None and sockets:
                held = self.server_state.connections
                self.acceptor = Acceptor(sockets[0], share, lambda: len(held), self._connect, self._let_go)
                self.acceptor.begin()
                self.servers.append(cast("asyncio.base_events.Server", self.acceptor))  # It is closed as they are.
            begun()

        async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
            if self.acceptor is not None:
                self.acceptor.close()
                # One that is opened later would not hear that the server ends, and be asked when the record is closed.
                await self.acceptor.opened()
            await super().shutdown(sockets)

        async def on_tick(self, counter: int) -> bool:
            if self.acceptor is not None:
                self.acceptor.even_out()
            return await super().on_tick(counter)

        def _connect(self, client: socket.socket) -> asyncio.Task[object]:
            loop = asyncio.get_running_loop()
            return loop.create_task(loop.connect_accepted_socket(self._protocol, client, ssl=config.ssl))

        def _let_go(self, most: int) -> None:
            """Have one more client come back on a new connection, where more than so many have not been asked to."""
            stay = [one for one in self.server_state.connections if isinstance(one, Connection) and not one.leaves]
            if len(stay) > most:
                stay[0].leaves = True

        def _protocol(self) -> asyncio.Protocol:
            # As uvicorn calls it, which gives it other arguments than a protocol of the standard library takes.
            make = cast("Callable[..., asyncio.Protocol]", config.http_protocol_class)
            return make(config=config, server_state=self.server_state, app_state=self.lifespan.state)

    return Server(config)


def _announce(desk: Desk, listening: socket.socket, log: Path | None, scheme: str, share: Share | None) -> None:
    """Say who answers, and where, on stderr or a descriptor."""
    info = desk.traffic.live.info
    host, port = listening.getsockname()[:2]
    version = f" version {info['version']}" if info.get("version") else ""
    where = f"{scheme}://{f'[{host}]' if ':' in host else host}:{port}"
    told = (
        f"{info['model']}{version} ({info['format']}) answers at {where}\n"
        f"try: curl {where}/example | curl {where}/predict --json @-\n"
        + (f"every prediction is recorded in {log}\n" if log else "predictions are not recorded\n")
    )
    if share is None:
        sys.stderr.write(told)
        sys.stderr.flush()
        return
    with os.fdopen(share.told_on, "w") as parent:
        parent.write(told)


@contextmanager
def _following(fleet: Fleet, desk: Desk) -> Iterator[None]:
    """Follow the fleet's policy while the loop of this thread runs."""
    follower = Follower(fleet, desk, asyncio.get_running_loop().call_soon_threadsafe)
    follower.start()
    try:
        with written_down(desk):
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


def _connections(bounds: Bounds, desk: Desk, direct: Direct | None) -> Any:
    """Return what makes the protocol of each connection, as uvicorn calls it."""
    from .clients.door import Door
    from .connection import Connection

    door = Door(bounds)
    door.refused = desk.refuse
    return partial(Connection, door, direct)
