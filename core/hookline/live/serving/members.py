"""A worker as the process sees it that started it: its start, what it says, and its end."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from array import array
from collections import deque
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from queue import SimpleQueue

from hookline.kinds.deployments import Share

from .beginning import begin
from .listening import NOBODY
from .work import Work

LINES = 20
"""Of what a worker said last, that are told where it is the reason why a server ends."""


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
    began: float = 0.0
    """When it came to answer, as `time.monotonic` counts."""

    def begin(self) -> None:
        """Note that it can answer; what it said up to now is written."""
        self.ready, self.began = True, time.monotonic()
        self._tell()

    def age(self) -> float:
        """Return for how many seconds it can answer."""
        return time.monotonic() - self.began

    def leave(self) -> None:
        """Have it answer what is under way, and end."""
        assert self.process.stdin is not None
        with suppress(OSError):
            self.process.stdin.close()

    def last(self) -> str:
        """Return what it said last."""
        return "".join(self.said).strip() or "it said nothing"

    def reason(self) -> str | None:
        """Return the error of hookline's own that it ended with, if it did."""
        said = "".join(self.said)
        _, found, reason = said.rpartition("error: ") if "Traceback" not in said else ("", "", "")
        return reason.strip() if found else None

    def how(self) -> str:
        """Return how it ended, once it has."""
        code = self.process.wait()
        return f"was ended by {signal.Signals(-code).name}" if code < 0 else f"ended with {code}"

    def relay(self) -> None:
        """Write what it says on stderr to that of this process, once it can answer; until it ends."""
        assert self.process.stderr is not None
        with self.process.stderr as lines:
            for line in lines:
                self.said.append(line.decode("utf-8", "replace"))
                if self.ready:
                    self._tell()

    def _tell(self) -> None:
        with suppress(IndexError):  # Two threads do this.
            while self.said:
                write(self.said.popleft())


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
        self._folder = tempfile.TemporaryDirectory(prefix="hookline-workers-", ignore_cleanup_errors=True)

    @property
    def folder(self) -> Path:
        """Where each process writes what all of them are to know."""
        return Path(self._folder.name)

    def fileno(self) -> int:
        """Return the descriptor."""
        return self._file.fileno()

    def leave(self, place: int) -> None:
        """Note that a process has ended."""
        one = array("i", [NOBODY])
        os.pwrite(self._file.fileno(), one.tobytes(), place * one.itemsize)

    def close(self) -> None:
        """Let go of the file and the folder."""
        self._file.close()
        self._folder.cleanup()


def start(work: Work, listening: int, counts: Counts, name: tuple[int, int], heard: SimpleQueue[Heard]) -> Worker:
    """Start a worker; threads of this process hear what becomes of it.

    listening: the descriptor of the socket; name: its number and its place
    """
    reads, writes = os.pipe()
    share = Share(listening, writes, counts.fileno(), name[1], counts.folder)
    try:
        own = replace(work, options=replace(work.options, workers=1, share=share))
        process = begin(own, (listening, writes, counts.fileno()), subprocess.PIPE)
    finally:
        os.close(writes)
    worker = Worker(process, *name)
    threading.Thread(target=_listen, args=(worker, reads, heard), name=f"worker {name[0]}", daemon=True).start()
    return worker


def write(text: str) -> None:
    """Write on stderr, if anybody is there."""
    with suppress(OSError, ValueError):  # Of a terminal that was closed there is nothing left to write to.
        sys.stderr.write(text)
        sys.stderr.flush()


def _listen(worker: Worker, told: int, heard: SimpleQueue[Heard]) -> None:
    """Pass on what a worker says, until it ends."""
    relaying = threading.Thread(target=worker.relay, name=f"stderr {worker.number}", daemon=True)
    relaying.start()
    with open(told, encoding="utf-8") as lines:
        text = lines.read()
    if text:
        heard.put(Heard(worker, text))
    worker.process.wait()
    relaying.join(1.0)
    heard.put(Heard(worker))
