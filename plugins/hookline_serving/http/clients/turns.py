"""Who may send on: of clients that send much, one in each turn of the loop, so that others wait for one part at most."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ..connection import Connection

MUCH = 16 * 1024
"""Bytes that came at once, after which a client waits for its turn."""


class Turns:
    """Clients in the order in which they go on."""

    def __init__(self) -> None:
        # Dictionaries, of which any client can be taken out as quickly as the first.
        self._bodies: dict[Connection, None] = {}
        self._rests: dict[Connection, None] = {}
        self._going = False

    def queue(self, connection: Connection, rest: bool) -> None:
        """Let a client wait for its turn. rest: whether it sends what nobody wants, for which others do not wait."""
        line = self._rests if rest else self._bodies
        line[connection] = None
        if not self._going:
            self._going = True
            connection.loop.call_soon(self._next)

    def leave(self, connection: Connection) -> None:
        """Forget a client."""
        self._bodies.pop(connection, None)
        self._rests.pop(connection, None)

    def _next(self) -> None:
        line = self._bodies or self._rests
        if not line:
            self._going = False
            return
        connection = next(iter(line))
        del line[connection]
        connection.loop.call_soon(self._next)
        connection.go_on()
