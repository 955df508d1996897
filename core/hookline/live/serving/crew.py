"""The processes that answer at one port: started, watched, replaced, and drained together."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from array import array
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from queue import Empty, SimpleQueue
from typing import IO, Any

from hookline.errors import HooklineError
from hookline.kinds.deployments import Share
from hookline.kinds.plain import to_json
from hookline.telling.secrets import logger

from .listening import NOBODY
from .work import Work
from .worker import DRAIN_SECONDS

log = logger("hookline.live")

MOST_STARTS = 5
"""A server ends where so many workers ended within START_SECONDS before they could answer, and none can."""
START_SECONDS = 30.0
PAUSE_SECONDS = 2.0
"""Before a worker is started again that did not come to answer, while others do."""
LINES = 20
"""Of what a worker said last, that are told where it is the reason why a server ends."""
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class WorkersFailed(HooklineError):
    """Processes of a server that ended again and again before they could answer; says what the last one said."""


@dataclass(eq=False)
class Worker:
    """A process that answers, or is about to."""

    process: subprocess.Popen[bytes]
    number: int
    place: int
    """Of its count among those of all."""
    said: deque[str] = field(default_factory=lambda: deque(maxlen=LINES))
    """The last of what it wrote on stderr; held until it can answer, since it may be why a server ends."""
    ready: bool = False

    def leave(self) -> None:
        """Have it answer what is under way, and end."""
        assert self.process.stdin is not None
        with suppress(OSError):
            self.process.stdin.close()


@dataclass(frozen=True)
class Heard:
    """Something that happened: a worker can answer, and says where, or it ended; or a signal came."""

    worker: Worker | None = None
    told: str | None = None
    """What it says once it can answer; None: it ended."""
    number: int = 0
    """Of the signal."""


class Counts:
    """How many connections each process has, in a file that all of them map."""

    def __init__(self, places: int) -> None:
        self._file = tempfile.TemporaryFile()  # noqa: SIM115  it is open for as long as the workers are
        self._file.write(array("i", [NOBODY] * places).tobytes())
        self._file.flush()

    def fileno(self) -> int:
        """Return the descriptor."""
        return self._file.fileno()

    def leave(self, place: int) -> None:
        """Note that a process has ended."""
        os.pwrite(self._file.fileno(), array("i", [NOBODY]).tobytes(), place * array("i").itemsize)

    def close(self) -> None:
        """Let go of the file."""
        self._file.close()


class Crew:
    """The workers of one server."""

    def __init__(self, work: Work, listening: socket.socket) -> None:
        self._work, self._listening = work, listening
        self._heard: SimpleQueue[Heard] = SimpleQueue()
        self._workers: list[Worker] = []
        self._failed: deque[float] = deque(maxlen=MOST_STARTS)
        """When the last ones ended that had not come to answer."""
        self._due: list[float] = []
        """When further ones are to be started."""
        self._announced = False
        self._count = 0
        self._counts = Counts(work.options.workers)

    def serve(self) -> None:
        """Keep workers answering until a signal comes, and drain them; raises HooklineError where they cannot begin.

        The signal then does what it did before; a second Ctrl-C ends them at once.
        """
        with _hearing(self._heard) as before:
            try:
                number = self._watch()
                self._drain()
            finally:
                self._end()
        # Whoever began the server hears of it as if nobody had waited.
        _send(number, before)

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
        self._count += 1
        place = min({*range(self._work.options.workers)} - {worker.place for worker in self._workers})
        self._workers.append(self._started(self._count, place))

    def _started(self, number: int, place: int) -> Worker:
        """Start a worker, which gets the socket; threads of this process hear what becomes of it."""
        reads, writes = os.pipe()
        try:
            share = Share(self._listening.fileno(), writes, self._counts.fileno(), place)
            # No fork of this process, which has threads, nor its main module once more; and no signal of a terminal, which
            # this process hears for all of them.
            process = subprocess.Popen(
                [sys.executable, "-P", "-m", "hookline.live.serving.worker"],
                stdin=subprocess.PIPE,
                stderr=subprocess.PIPE,
                pass_fds=(share.listening, share.told_on, share.counts),
                start_new_session=True,
            )
        finally:
            os.close(writes)
        worker = Worker(process, number, place)
        work = replace(self._work, options=replace(self._work.options, workers=1, share=share))
        assert process.stdin is not None
        with suppress(OSError):  # One that has ended by now is heard of below.
            process.stdin.write(json.dumps({"path": sys.path, "work": to_json(work)}).encode() + b"\n")
            process.stdin.flush()
        threading.Thread(
            target=_listen, args=(worker, reads, self._heard), name=f"worker {number}", daemon=True
        ).start()
        return worker

    def _began(self, worker: Worker, told: str) -> None:
        worker.ready = True
        self._failed.clear()
        _tell(worker)
        if not self._announced:
            self._announced = True
            _write(told)

    def _ended(self, worker: Worker) -> None:
        self._workers.remove(worker)
        self._counts.leave(worker.place)
        code = worker.process.wait()
        if worker.ready:
            log.warning("worker %d %s, and another takes its place", worker.number, _how(code))
            self._start()
            return
        self._failed.append(time.monotonic())
        if not any(one.ready for one in self._workers):
            self._require_hope(worker, code)
            self._start()
            return
        log.error("worker %d %s before it could answer: %s", worker.number, _how(code), _last(worker))
        # Those that answer go on; this one may do better once what it met has been mended.
        self._due.append(time.monotonic() + PAUSE_SECONDS)

    def _require_hope(self, worker: Worker, code: int) -> None:
        """Raise where starting another one is of no use: it was told at the first start what is wrong, or it is the fifth."""
        reason = _reason(worker)
        if not self._announced and reason is not None:
            raise _refused(reason, code)
        if len(self._failed) == MOST_STARTS and self._failed[-1] - self._failed[0] < START_SECONDS:
            raise WorkersFailed(
                f"{MOST_STARTS} workers in turn ended before they could answer, the last one {_how(code)}: {_last(worker)}",
                hint="`hookline serve` with --workers 1 shows how it ends by itself",
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


def _listen(worker: Worker, told: int, heard: SimpleQueue[Heard]) -> None:
    """Pass on what a worker says, until it ends."""
    relaying = threading.Thread(target=_relay, args=(worker,), name=f"stderr {worker.number}", daemon=True)
    relaying.start()
    with open(told, encoding="utf-8") as lines:
        text = lines.read()
    if text:
        heard.put(Heard(worker, text))
    worker.process.wait()
    relaying.join(1.0)
    heard.put(Heard(worker))


def _relay(worker: Worker) -> None:
    """Write what a worker says on stderr to that of this process; what it says before it can answer, once it can."""
    stderr: IO[bytes] | None = worker.process.stderr
    assert stderr is not None
    for line in stderr:
        worker.said.append(line.decode("utf-8", "replace"))
        if worker.ready:
            _tell(worker)


def _tell(worker: Worker) -> None:
    with suppress(IndexError):  # Two threads do this.
        while worker.said:
            _write(worker.said.popleft())


def _write(text: str) -> None:
    with suppress(OSError, ValueError):  # Of a terminal that was closed there is nothing left to write to.
        sys.stderr.write(text)
        sys.stderr.flush()


def _last(worker: Worker) -> str:
    return "".join(worker.said).strip() or "it said nothing"


def _reason(worker: Worker) -> str | None:
    """Return the error of hookline's own that a worker ended with, if it did."""
    said = "".join(worker.said)
    _, found, reason = said.rpartition("error: ") if "Traceback" not in said else ("", "", "")
    return reason.strip() if found else None


def _refused(reason: str, code: int) -> HooklineError:
    message, _, hint = reason.partition("\nhint: ")
    error = WorkersFailed(message, hint=hint or None)
    error.exit_code = code
    return error


def _how(code: int) -> str:
    return f"was ended by {signal.Signals(-code).name}" if code < 0 else f"ended with {code}"


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


def _send(number: int, before: dict[int, Any]) -> None:
    if number in before:
        signal.raise_signal(number)
