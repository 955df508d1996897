"""Who may be connected: no more clients than there is room for, and none that keeps the server waiting for long."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from ..replies import UNAVAILABLE, failure, send_answer
from .bounds import Bounds
from .turns import Turns

if TYPE_CHECKING:
    from starlette.types import Receive, Scope, Send

    from ..connection import Connection, Wait

SWEEP_SECONDS = 0.5
IDLE_SECONDS = 5.0
"""How long a connection is kept on which nothing is asked."""
SURPLUS = 16
"""Connections over the bound that are told so, rather than closed at once."""
SENT_AWAY = 16
"""So many make room for one that comes, since looking for them takes a while."""
GRACE_SECONDS = 1.0
"""How long a request that has begun is not sent away."""


class Door:
    """Every connection that is open, with what it is waited for and since when."""

    def __init__(self, bounds: Bounds) -> None:
        self._bounds = bounds
        self.refused: Callable[[str, int], None] | None = None
        """Told the path and the status of a request that is refused, where somebody counts."""
        self.turns = Turns()
        self._waits: dict[Connection, tuple[Wait | None, float]] = {}
        self._sweeping: asyncio.TimerHandle | None = None

    def admit(self, connection: Connection) -> bool:
        """Take a connection in, where need be for others that keep the server waiting; tell whether there is room for it."""
        self._waits[connection] = (connection.waits(), time.monotonic())
        if self._sweeping is None:
            self._sweeping = connection.loop.call_later(SWEEP_SECONDS, self._sweep, connection.loop)
        over = len(self._waits) - self._bounds.connections
        if over <= 0:
            return True
        if self._send_away(connection, over + SENT_AWAY):
            return True
        if over > SURPLUS:
            connection.transport.abort()
        return False

    def leave(self, connection: Connection) -> None:
        """Forget a connection."""
        self._waits.pop(connection, None)
        self.turns.leave(connection)

    def waited(self, connection: Connection, wait: Wait) -> float:
        """Return for how many seconds, as far as is known, a connection has been waited for as it is now."""
        known, since = self._waits.get(connection, (None, 0.0))
        return time.monotonic() - since if _is_same(known, wait) else 0.0

    async def full(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request for which there is no room, as an ASGI application."""
        if self.refused is not None:
            self.refused(scope["path"], UNAVAILABLE)
        answer = failure(UNAVAILABLE, f"{self._bounds.connections} clients are connected, and no more are taken")
        await send_answer(send, answer, close=True)

    def _send_away(self, newcomer: Connection, count: int) -> bool:
        """Close those that keep the server waiting the longest; returns whether there is one."""
        now = time.monotonic()
        waiting = sorted(
            (since, number)
            for number, (connection, (wait, since)) in enumerate(self._waits.items())
            if connection is not newcomer
            and wait is not None
            and _is_same(wait, connection.waits())
            and (wait.kind in ("idle", "head") or now - since > GRACE_SECONDS)
        )
        connections = list(self._waits)
        for _, number in waiting[:count]:
            self.leave(connections[number])
            connections[number].transport.abort()
        return bool(waiting)

    def _sweep(self, loop: asyncio.AbstractEventLoop) -> None:
        """Note what each client is waited for, and end waits that took too long."""
        now = time.monotonic()
        for connection, (known, since) in list(self._waits.items()):
            wait = connection.waits()
            if not _is_same(known, wait):
                self._waits[connection] = (wait, now)
            elif wait is not None and now - since > self._longest(wait):
                connection.expire(wait.kind)
        self._sweeping = loop.call_later(SWEEP_SECONDS, self._sweep, loop) if self._waits else None

    def _longest(self, wait: Wait) -> float:
        bounds = self._bounds
        limits = {
            "head": bounds.head_seconds,
            "body": bounds.body_seconds,
            "answer": bounds.answer_seconds,
            "rest": bounds.rest_seconds,
            "idle": IDLE_SECONDS,
        }
        return limits[wait.kind]


def _is_same(one: Wait | None, other: Wait | None) -> bool:
    if one is None or other is None:
        return one is other
    return one.kind == other.kind and one.since is other.since and one.left == other.left
