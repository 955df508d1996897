"""The processes that answer at one port: started, watched, replaced, and drained together."""

from __future__ import annotations

import signal
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from queue import Empty, SimpleQueue
from typing import Any

from hookline.errors import HooklineError
from hookline.telling.secrets import logger

from .members import Counts, Heard, Worker, start, write
from .work import Work
from .worker import DRAIN_SECONDS

log = logger("hookline.live")

MOST_STARTS = 5
"""A server ends where so many workers in turn ended before they could answer, and none can."""
START_SECONDS = 30.0
"""A worker that ends sooner than so after it could answer may do so again."""
PAUSE_SECONDS = 2.0
"""Before a worker is started again that may end soon again."""
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class WorkersFailed(HooklineError):
    """Processes of a server that ended before they could answer; says what the last one said."""


class Crew:
    """The workers of one server."""

    def __init__(self, work: Work, listening: socket.socket) -> None:
        self._work, self._listening = work, listening
        self._heard: SimpleQueue[Heard] = SimpleQueue()
        self._workers: list[Worker] = []
        self._failed = 0
        """How many ended in turn that had not come to answer."""
        self._early = 0
        """How many ended in turn soon after they could."""
        self._due: list[float] = []
        """When further ones are to be started."""
        self._announced = False
        self._started = 0
        self._counts = Counts(work.options.workers)

    def serve(self) -> None:
        """Keep workers answering until a signal comes, and drain them; raises WorkersFailed where they cannot begin.

        The signal then does what it did before; a second Ctrl-C ends them at once.
        """
        with _hearing(self._heard) as before:
            try:
                number = self._watch()
                self._drain()
            finally:
                self._end()
        # Whoever began the server hears of it as if nobody had waited.
        if number in before:
            signal.raise_signal(number)

    def _watch(self) -> int:
        """Start workers, and others in the place of those that end; returns the number of the signal that comes."""
        for _ in range(self._work.options.workers):
            self._start()
        while True:
            heard = self._next()
            if heard is None:
                self._due.pop(0)
                self._start()
            elif heard.worker is None:
                return heard.number
            elif heard.told is not None:
                self._began(heard.worker, heard.told)
            else:
                self._ended(heard.worker)

    def _next(self) -> Heard | None:
        """Return what happens next; None where a worker is due before that."""
        try:
            return self._heard.get(timeout=max(self._due[0] - time.monotonic(), 0.0) if self._due else None)
        except Empty:
            return None

    def _start(self) -> None:
        self._started += 1
        place = min({*range(self._work.options.workers)} - {worker.place for worker in self._workers})
        name = (self._started, place)
        self._workers.append(start(self._work, self._listening.fileno(), self._counts, name, self._heard))

    def _began(self, worker: Worker, told: str) -> None:
        worker.begin()
        self._failed = 0
        if not self._announced:
            self._announced = True
            write(told)

    def _ended(self, worker: Worker) -> None:
        self._workers.remove(worker)
        worker.leave()
        self._counts.leave(worker.place)
        if worker.ready:
            log.warning("worker %d %s, and another takes its place", worker.number, worker.how())
            self._early = self._early + 1 if worker.age() < START_SECONDS else 0
            if self._early > len(self._workers) + 1:
                self._due.append(time.monotonic() + PAUSE_SECONDS)
            else:
                self._start()
            return
        self._failed += 1
        if not any(one.ready for one in self._workers):
            self._require_hope(worker)
            self._start()
            return
        log.error("worker %d %s before it could answer: %s", worker.number, worker.how(), worker.last())
        # Those that answer go on; this one may do better once what it met has been mended.
        self._due.append(time.monotonic() + PAUSE_SECONDS)

    def _require_hope(self, worker: Worker) -> None:
        """Raise where another one is of no use: the first says what is wrong, or it is the fifth in turn."""
        reason = worker.reason()
        if not self._announced and reason is not None:
            message, _, hint = reason.partition("\nhint: ")
            refused = WorkersFailed(message, hint=hint or None)
            refused.exit_code = worker.process.wait()
            raise refused
        if self._failed >= MOST_STARTS:
            raise WorkersFailed(
                f"{MOST_STARTS} workers in turn ended before they could answer; "
                f"the last one {worker.how()}: {worker.last()}",
                hint="`hookline serve` without --workers shows how it ends by itself",
            )

    def _drain(self) -> None:
        """Have every worker answer what is under way; returns once all have ended, or with a second Ctrl-C."""
        # Nobody accepts what comes now.
        self._listening.close()
        until = time.monotonic() + DRAIN_SECONDS
        for worker in self._workers:
            worker.leave()
        left = set(self._workers)
        while left and (seconds := until - time.monotonic()) > 0:
            with suppress(Empty):
                heard = self._heard.get(timeout=seconds)
                if heard.number == signal.SIGINT:
                    return
                if heard.worker is not None and heard.told is None:
                    left.discard(heard.worker)

    def _end(self) -> None:
        for worker in self._workers:
            worker.process.kill()
        for worker in self._workers:
            worker.process.wait()
            worker.leave()
        self._counts.close()


@contextmanager
def _hearing(heard: SimpleQueue[Heard]) -> Iterator[dict[int, Any]]:
    """Hear signals in a queue for the time of a block; gives what they did before. In the main thread alone."""
    before: dict[int, Any] = {}
    if threading.current_thread() is threading.main_thread():
        # What `nohup` lets a command ignore, it goes on ignoring.
        before = {one: how for one in SIGNALS if (how := signal.getsignal(one)) not in (signal.SIG_IGN, None)}
    for one in before:
        signal.signal(one, lambda number, frame: heard.put(Heard(number=number)))
    try:
        yield before
    finally:
        for one, how in before.items():
            signal.signal(one, how)
