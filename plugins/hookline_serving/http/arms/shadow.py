"""A version in the shadow as the server sees it: a process of its own, which is handed what was answered, or does without."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Sequence
from contextlib import suppress
from fcntl import fcntl
from threading import Event, Lock, Thread, Timer
from typing import TYPE_CHECKING

import msgspec

from hookline.kinds.deployments import Beside, Route
from hookline.telling.secrets import logger

from ..exchange import Question
from .handing import Edges, Report, framed, handed

if TYPE_CHECKING:
    import subprocess

    from hookline.kinds.serving.fleet import Fleet
    from hookline.live.seen import ArmCounts

log = logger("hookline.serving")

MOST_BYTES = 1024 * 1024
"""Of requests that wait for the process: what the pipe holds, where the system gives one that large."""
TURN_SECONDS = 0.01
"""For which requests are gathered before they are handed over: each hand-over takes as long as a small answer does."""
MOST_GATHERED = 256
"""Requests; with so many they are handed over at once."""
MOST_STARTS = 5
"""So many processes in turn may end soon after they began; then the version counts as one that cannot be asked."""
EARLY_SECONDS = 30.0
"""A process that lived longer than so does not count among them."""
PAUSE_SECONDS = 2.0
"""Before another takes the place of one that ended."""
END_SECONDS = 30.0
"""How long a process may take for what it was handed once nobody asks any more."""
SET_PIPE_SIZE = 1031
"""`F_SETPIPE_SZ` of Linux, which `fcntl` names there alone."""

_report = msgspec.json.Decoder(Report)


class Failed(Exception):
    """No process asks the version any more."""


class Shadow:
    """Hands requests over to the process, never waiting for it: what it does not take is dropped, and counted."""

    def __init__(self, fleet: Fleet, route: Route, counts: ArmCounts) -> None:
        self._fleet, self._route, self._counts = fleet, route, counts
        self.dropped = 0
        """Requests that it was not asked, or that a process took with it."""
        self.waiting = 0
        """Requests that were handed over and not gone through yet."""
        self._turn: list[tuple[Question, Sequence[str]]] = []
        """What was answered in the loop, and is to be handed over in a moment."""
        self._rest = memoryview(b"")
        """What the pipe has not taken of what was handed over last."""
        self._asked: int | None = None
        """The descriptor of the pipe that requests are written to."""
        self._process: subprocess.Popen[bytes] | None = None
        self._failed = ""
        self._lock = Lock()
        self._closed = Event()
        self._thread = Thread(target=self._keep, name=f"shadow {route.version}", daemon=True)

    def start(self) -> None:
        """Begin the process, and others in its place where it ends."""
        self._thread.start()

    def ask_soon(self, question: Question, of: Sequence[str]) -> None:
        """Hand a request over together with what else the loop that runs answers in a moment; raises Failed."""
        self._require()
        self._turn.append((question, of))
        if len(self._turn) == 1:
            asyncio.get_running_loop().call_later(TURN_SECONDS, self._end_turn)
        elif len(self._turn) >= MOST_GATHERED:
            self._end_turn()

    def ask(self, question: Question, of: Sequence[str]) -> None:
        """Hand a request over, from any thread; raises Failed. of: the ids of its answers"""
        self._require()
        self._hand_over([(question, of)])

    def close(self) -> None:
        """Have the process end once it has gone through what it was handed; nothing is handed over after that."""
        self._end_turn()
        self._closed.set()
        self._let_go()
        if self._process is not None:
            self._end_in_time(self._process)

    def join(self, seconds: float) -> None:
        """Wait for that, but no longer than so."""
        if self._thread.is_alive():
            self._thread.join(seconds)

    @staticmethod
    def _end_in_time(process: subprocess.Popen[bytes]) -> None:
        """End a process that takes too long to end, such as one that hangs."""
        late = Timer(END_SECONDS, process.kill)
        # It keeps nothing from ending: the process ends soon after its server anyway.
        late.daemon = True
        late.start()

    def _require(self) -> None:
        if self._failed:
            raise Failed(self._failed)

    def _end_turn(self) -> None:
        turn, self._turn = self._turn, []
        if turn:
            self._hand_over(turn)

    def _hand_over(self, asked: Sequence[tuple[Question, Sequence[str]]]) -> None:
        with self._lock:
            # Nothing is encoded for a pipe that is full.
            if not self._flush():
                self.dropped += len(asked)
                return
            self._rest = memoryview(framed(handed(*one) for one in asked))
            self.waiting += len(asked)
            self._flush()

    def _flush(self) -> bool:
        """Write what is left as far as the pipe takes it, and tell whether nothing is left. Under the lock."""
        if self._asked is None:
            return False
        # Of a process that has ended, its end is heard elsewhere.
        with suppress(BlockingIOError, BrokenPipeError):
            while self._rest:
                self._rest = self._rest[os.write(self._asked, self._rest) :]
        return not self._rest

    def _let_go(self) -> None:
        with self._lock:
            asked, self._asked = self._asked, None
            self._rest = memoryview(b"")
            if asked is not None:
                os.close(asked)

    def _keep(self) -> None:
        """Keep a process at work until nobody asks any more, or several in turn ended soon."""
        early = 0
        while not self._closed.is_set():
            since = time.monotonic()
            how = self._live()
            if self._closed.is_set():
                return
            early = early + 1 if time.monotonic() - since < EARLY_SECONDS else 0
            # It may have ended by what it was asked.
            self._counts.failed()
            who = f"the process of version {self._route.version} ({self._route.arm})"
            if early >= MOST_STARTS:
                self._failed = f"{MOST_STARTS} processes of it in turn ended soon, the last one {how}"
                log.error("%s %s, as %d before; it is asked no more under this policy", who, how, MOST_STARTS - 1)
                return
            log.warning("%s %s, and another takes its place", who, how)
            self._closed.wait(PAUSE_SECONDS)

    def _live(self) -> str:
        """Begin a process, hear what it tells until it ends, and return how it did."""
        try:
            process, told = self._begin()
        except OSError as error:
            return f"cannot be begun: {error}"
        with os.fdopen(told, "rb") as lines:
            for line in lines:
                # The last may be cut short by a kill; what it would have told counts as dropped.
                with suppress(msgspec.DecodeError):
                    self._hear(_report.decode(line))
        self._let_go()
        with process:  # Lets go of its input, and waits for its end.
            self._end_in_time(process)
        code = process.returncode
        with self._lock:
            self.dropped, self.waiting = self.dropped + self.waiting, 0
        return f"ended with {code}"

    def _begin(self) -> tuple[subprocess.Popen[bytes], int]:
        """Begin a process, and return it with the descriptor of the pipe where it tells what becomes of requests."""
        theirs, asked = os.pipe()
        told, tells = os.pipe()
        try:
            with suppress(OSError):  # Of another system, or of one that gives no more.
                fcntl(asked, SET_PIPE_SIZE, MOST_BYTES)
            os.set_blocking(asked, False)
            process = self._fleet.begin(Beside(self._route.version, self._route.arm, theirs, tells))
        except OSError:
            os.close(asked)
            os.close(told)
            raise
        finally:
            os.close(theirs)
            os.close(tells)
        counted = self._counts.answers
        first = memoryview(framed([Edges(counted.edges, counted.labels)]))
        with self._lock:
            self._process, self._asked, self._rest = process, asked, first
            self._flush()
        if self._closed.is_set():
            self._let_go()
        return process, told

    def _hear(self, report: Report) -> None:
        self._counts.add(report.requests, report.errors, report.latency, report.answers)
        with self._lock:
            self.waiting -= report.taken
            self.dropped += report.taken - report.requests
            # What the pipe did not take before, it may take now.
            self._flush()
