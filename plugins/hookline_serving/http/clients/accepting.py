"""How several processes share the connections that come in at one port: whoever has the fewest takes the next."""

from __future__ import annotations

import asyncio
import mmap
import socket
from collections.abc import Callable

from hookline.kinds.deployments import Share
from hookline.live.serving.listening import NOBODY
from hookline.telling.secrets import logger

log = logger("hookline.serving")

WAIT_SECONDS = 0.002
"""How long one that has more connections than another leaves a new one to that other."""
MOST_WAITS = 3
"""After which it takes the connection all the same: the other may be busy for long."""
FULL_SECONDS = 1.0
"""After how long a process that had no descriptor left tries again."""


class Acceptor:
    """Accepts connections for one of several processes; uvicorn closes it as it does servers of the loop.

    held: how many connections this process has
    """

    def __init__(
        self,
        listening: socket.socket,
        share: Share,
        held: Callable[[], int],
        make: Callable[[socket.socket], asyncio.Task[object]],
    ) -> None:
        self._listening, self._place, self._held, self._make = listening, share.place, held, make
        self._counts = memoryview(mmap.mmap(share.counts, 0)).cast("i")
        self._loop = asyncio.get_running_loop()
        self._opening: set[asyncio.Task[object]] = set()
        self._waits = 0
        self._is_open = True

    def begin(self) -> None:
        """Begin to accept."""
        self._listening.setblocking(False)
        self.note()
        self._loop.add_reader(self._listening, self._take)

    def note(self) -> None:
        """Let the others see how many connections this process has."""
        self._counts[self._place] = self._held() + len(self._opening)

    def close(self) -> None:
        """Accept no more."""
        self._is_open = False
        self._loop.remove_reader(self._listening)
        self._counts[self._place] = NOBODY

    async def wait_closed(self) -> None:
        """Return at once."""

    def _take(self) -> None:
        self.note()
        if self._is_ahead() and self._waits < MOST_WAITS:
            self._waits += 1
            self._pause(WAIT_SECONDS)
            return
        self._waits = 0
        try:
            client, _ = self._listening.accept()
        except (BlockingIOError, InterruptedError, ConnectionAbortedError):
            return  # Another process has it, or the client has left.
        except OSError as error:
            log.error("a connection cannot be accepted: %s", error)
            self._pause(FULL_SECONDS)
            return
        client.setblocking(False)
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        opening = self._make(client)
        self._opening.add(opening)
        opening.add_done_callback(self._opened)
        self.note()

    def _is_ahead(self) -> bool:
        others = [count for place, count in enumerate(self._counts) if count != NOBODY and place != self._place]
        return bool(others) and self._counts[self._place] > min(others)

    def _pause(self, seconds: float) -> None:
        self._loop.remove_reader(self._listening)
        self._loop.call_later(seconds, self._resume)

    def _resume(self) -> None:
        if self._is_open:
            self._loop.add_reader(self._listening, self._take)

    def _opened(self, opening: asyncio.Task[object]) -> None:
        self._opening.discard(opening)
        # A client may have left, or have spoken no TLS; nobody else is to hear of it.
        if not opening.cancelled():
            opening.exception()
