"""Worker processes of this machine that are reused, watched and replaced: a job that dies takes nobody with it, and is named."""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
import time
from collections import deque
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from multiprocessing.connection import Connection, wait
from types import ModuleType
from typing import Any

from .cores import available_cores
from .interfaces import Answer, Limits, Outcome
from .worker import ASKS, LOOK_SECONDS, work


@dataclass
class Worker:
    """One process and the job that it has."""

    process: Any
    connection: Connection
    lease: tuple[int, ...]
    job: int | None = None
    payload: Any = None
    attempts: int = 0
    started: float = 0.0
    peak_memory: int = 0


@dataclass
class Pool:
    """Runs jobs by a function named `module:function` in `workers` processes.

    setup: given to the function with each payload; sent once a worker
    """

    function: str
    setup: Any
    workers: int
    limits: Limits = field(default_factory=Limits)
    keep: bool = False
    """Whether workers wait for the next `run`; whoever says so must `close`."""
    _held: list[Worker] = field(default_factory=list, repr=False)

    def run(
        self,
        jobs: Sequence[tuple[int, Any]],
        on_start: Callable[[int], bool] | None = None,
        on_ask: Answer | None = None,
    ) -> Generator[Outcome, None, None]:
        """Yield outcomes as jobs end; `on_start` may refuse a job that somebody else has taken by now.

        on_ask: answers what jobs ask by `ask`; without it they are told None
        Leaving early, by an exception or by closing the iterator, stops every worker.
        """
        waiting, ended = deque((job, payload, 1) for job, payload in jobs), False
        self._held = [worker for worker in self._held if worker.process.is_alive()]
        try:
            while waiting or any(worker.job is not None for worker in self._held):
                self._give(waiting, on_start)
                yield from self._collect(waiting, on_ask)
            ended = True
        finally:
            if not (ended and self.keep):
                self.close()

    def close(self) -> None:
        """Stop every worker at once."""
        for worker in self._held:
            _stop(worker)
        self._held.clear()

    def _give(self, waiting: deque[tuple[int, Any, int]], on_start: Callable[[int], bool] | None) -> None:
        while waiting:
            worker = next((held for held in self._held if held.job is None), None)
            if worker is None and len(self._held) >= self.workers:
                return
            job, payload, attempts = waiting.popleft()
            if attempts == 1 and on_start is not None and not on_start(job):
                continue
            worker = worker or self._start()
            worker.job, worker.payload, worker.attempts = job, payload, attempts
            worker.started, worker.peak_memory = time.monotonic(), 0
            # A worker that died while it had nothing to do is found when its outcome is looked for.
            with suppress(OSError):
                worker.connection.send(payload)

    def _start(self) -> Worker:
        taken = {core for worker in self._held for core in worker.lease}
        lease = tuple(core for core in available_cores() if core not in taken)[: self.limits.cores]
        ours, theirs = multiprocessing.get_context("spawn").Pipe()
        process = multiprocessing.get_context("spawn").Process(
            target=work, args=(theirs, self.function, self.setup, lease, os.getpid())
        )
        with _no_program():
            process.start()
        theirs.close()
        worker = Worker(process, ours, lease)
        self._held.append(worker)
        return worker

    def _collect(self, waiting: deque[tuple[int, Any, int]], on_ask: Answer | None) -> Iterator[Outcome]:
        busy = [worker for worker in self._held if worker.job is not None]
        ready = wait(
            [worker.connection for worker in busy] + [worker.process.sentinel for worker in busy], LOOK_SECONDS
        )
        for worker in busy:
            outcome = self._look(worker, ready, on_ask)
            if outcome is None:
                continue
            if outcome.status in ("crashed", "timed out", "out of memory") or self.limits.fresh:
                _stop(worker)
                self._held.remove(worker)
            if outcome.status == "crashed" and worker.attempts <= self.limits.retries:
                waiting.appendleft((outcome.job, worker.payload, worker.attempts + 1))
            else:
                yield outcome
            worker.job = None

    def _look(self, worker: Worker, ready: Sequence[Any], on_ask: Answer | None) -> Outcome | None:
        """Return what became of a worker's job, or None while it goes on."""
        assert worker.job is not None
        worker.peak_memory = max(worker.peak_memory, _resident(worker.process.pid))
        seconds = time.monotonic() - worker.started
        facts: dict[str, Any] = {"seconds": seconds, "peak_memory": worker.peak_memory, "attempts": worker.attempts}
        if worker.connection in ready:
            try:
                status, value, error, trace, peak, own = worker.connection.recv()
            except (EOFError, OSError):
                worker.process.join()
                return Outcome(worker.job, "crashed", error=_death(worker.process.exitcode), **facts)
            if status != ASKS:
                facts |= {"peak_memory": max(worker.peak_memory, peak), "seconds": own}
                return Outcome(worker.job, status, value, error, trace, **facts)
            answer = on_ask(worker.job, value) if on_ask else None
            # A worker that has died since is found when it is looked at again.
            with suppress(OSError):
                worker.connection.send(answer)
        if worker.process.sentinel in ready:
            worker.process.join()
            return Outcome(worker.job, "crashed", error=_death(worker.process.exitcode), **facts)
        if self.limits.timeout is not None and seconds > self.limits.timeout:
            return Outcome(worker.job, "timed out", error=f"took longer than {self.limits.timeout:g} s", **facts)
        if self.limits.memory is not None and worker.peak_memory > self.limits.memory:
            used, most = (f"{size / 1024**2:,.0f} MiB" for size in (worker.peak_memory, self.limits.memory))
            return Outcome(worker.job, "out of memory", error=f"used {used} of memory, and may use {most}", **facts)
        return None


@contextmanager
def _no_program() -> Iterator[None]:
    """Let a process that is spawned not read the program again that is running: a script would begin a sweep of its own."""
    program = sys.modules["__main__"]
    sys.modules["__main__"] = ModuleType("__main__")
    try:
        yield
    finally:
        sys.modules["__main__"] = program


def _stop(worker: Worker) -> None:
    worker.process.kill()
    worker.process.join()
    worker.connection.close()


def _death(code: int | None) -> str:
    if code is not None and code < 0:
        try:
            name = signal.Signals(-code).name
        except ValueError:
            name = f"signal {-code}"
        more = ", perhaps by the system for want of memory" if name == "SIGKILL" else ""
        return f"its process was killed by {name}{more}"
    return f"its process ended with code {code}"


def _resident(pid: int) -> int:
    import psutil

    try:
        return int(psutil.Process(pid).memory_info().rss)
    except psutil.Error:
        return 0
