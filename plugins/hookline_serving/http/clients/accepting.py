"""How several processes share the connections that come in at one port: whoever has the fewest takes the next.

Clients that all came while one process was busy would stay with another for as long as they keep their connections. Where a
process has clearly more of them, it therefore asks a client now and then to come back on a new one.
"""

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
MANY_MORE = 4
"""So many connections more than another process, and more than twice as many, are clearly more."""
LET_GO_SECONDS = 0.2
"""How often a process that has clearly more lets one of them go."""
OPENING_SECONDS = 1.0
"""How long a server that ends waits for connections that are being opened."""
FULL_SECONDS = 1.0
"""After how long a process that had no descriptor left tries again."""


class Acceptor:
    """Accepts connections for one of several processes; uvicorn closes it as it does servers of the loop.

    held: how many connections this process has; let_go: lets one go where more stay than so many
    """

    def __init__(
        self,
        listening: socket.socket,
        share: Share,
        held: Callable[[], int],
        make: Callable[[socket.socket], asyncio.Task[object]],
        let_go: Callable[[int], None],
    ) -> None:
        self._listening, self._place, self._held, self._make = listening, share.place, held, make
        self._let_go, self._let_go_at = let_go, 0.0
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

    def even_out(self) -> None:
        """Have a client come back that another process may take, where this one has clearly more of them."""
        self.note()
        least = self._least()
        if least is None or self._counts[self._place] < self._clearly_more(least):
            return
        now = self._loop.time()
        if now - self._let_go_at >= LET_GO_SECONDS:
            self._let_go_at = now
            self._let_go(self._clearly_more(least) - 1)

    def close(self) -> None:
        """Accept no more."""
        self._is_open = False
        self._loop.remove_reader(self._listening)
        self._counts[self._place] = NOBODY

    async def opened(self) -> None:
        """Wait for connections that are being opened, so that a server that ends knows of them; not long for one that is slow."""
        if self._opening:
            await asyncio.wait(self._opening, timeout=OPENING_SECONDS)

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
        least = self._least()
        return least is not None and self._counts[self._place] > least

    def _least(self) -> int | None:
        """Return how many connections that other process has which has the fewest; None where there is no other."""
        others = (count for place, count in enumerate(self._counts) if count != NOBODY and place != self._place)
        return min(others, default=None)

    def _clearly_more(self, than: int) -> int:
        return max(2 * than + 1, than + MANY_MORE)

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
