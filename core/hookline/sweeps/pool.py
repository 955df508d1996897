"""Worker processes that are reused, watched and replaced: a job that dies takes nobody with it, and is named."""

from __future__ import annotations

import importlib
import multiprocessing
import os
import signal
import sys
import threading
import time
import traceback
from collections import deque
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from dataclasses import dataclass, field
from multiprocessing.connection import Connection, wait
from typing import Any, Literal, Protocol, TypeAlias

from hookline.runs.memory import forget_peak, peak

Answer: TypeAlias = Callable[[int, Any], Any]
"""Answers what a job asks while it runs: its number and the question -> the answer."""
Status = Literal["done", "failed", "crashed", "timed out", "out of memory"]
LOOK_SECONDS = 0.2
"""How often time-outs and memory are looked at, and how soon a worker notices that its parent is gone."""
ASKS = "asks"
"""What a worker says instead of a status while its job goes on."""
THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "POLARS_MAX_THREADS", "NUMEXPR_MAX_THREADS")


_parent: ContextVar[Callable[[Any], Any] | None] = ContextVar("hookline_parent", default=None)


def ask(question: Any) -> Any:
    """Ask, within a job, the process that runs the pool; None where it does not answer. Both must pickle."""
    parent = _parent.get()
    return None if parent is None else parent(question)


@contextmanager
def asking(parent: Callable[[Any], Any]) -> Iterator[None]:
    """Let `ask` go to `parent` within this block, as each kind of worker does."""
    token = _parent.set(parent)
    try:
        yield
    finally:
        _parent.reset(token)


@dataclass(frozen=True)
class Limits:
    """What a job may use."""

    cores: int = 1
    """Cores that each worker leases for itself."""
    memory: int | None = None
    """Bytes of resident memory above which a worker is stopped."""
    timeout: float | None = None
    """Seconds after which a job is stopped."""
    retries: int = 0
    """How often a job is tried again whose worker died; one that raised is not."""
    fresh: bool = False
    """Whether each job gets a process of its own."""


@dataclass(frozen=True)
class Outcome:
    """What became of a job."""

    job: int
    status: Status
    value: Any = None
    error: str | None = None
    trace: str = ""
    seconds: float = 0.0
    peak_memory: int = 0
    """Largest resident memory of the worker while it had the job, in bytes."""
    attempts: int = 1

    @property
    def ok(self) -> bool:
        """Whether the job returned."""
        return self.status == "done"


class JobPool(Protocol):
    """What runs jobs: worker processes of this machine (`Pool`), or of others."""

    def run(
        self,
        jobs: Sequence[tuple[int, Any]],
        on_start: Callable[[int], bool] | None = None,
        on_ask: Answer | None = None,
    ) -> Generator[Outcome, None, None]:
        """Yield outcomes as jobs end; `on_start` may refuse a job. Leaving early stops every job.

        on_ask: answers what jobs ask by `ask`; a pool whose launcher is not `answering` never calls it
        """
        ...

    def close(self) -> None:
        """Stop every worker at once."""
        ...


class Pools(Protocol):
    """What makes pools: a launcher."""

    def pool(self, function: str, setup: Any, jobs: int | None = None, check: str = "") -> JobPool:
        """Return a pool for jobs by a function named `module:function`, which gets `setup` and a job's payload.

        jobs: how many there will be; None for as many as come, and then the pool must be closed
        check: another function, given `setup` on each machine that is to run jobs; raises where it cannot
        """
        ...


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
        lease = tuple(core for core in _cores() if core not in taken)[: self.limits.cores]
        ours, theirs = multiprocessing.get_context("spawn").Pipe()
        process = multiprocessing.get_context("spawn").Process(
            target=_work, args=(theirs, self.function, self.setup, lease, os.getpid())
        )
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
                status, value, error, trace, peak = worker.connection.recv()
            except (EOFError, OSError):
                worker.process.join()
                return Outcome(worker.job, "crashed", error=_death(worker.process.exitcode), **facts)
            if status != ASKS:
                facts["peak_memory"] = max(worker.peak_memory, peak)
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


def _work(connection: Connection, function: str, setup: Any, lease: Sequence[int], parent: int) -> None:
    """Be a worker: take payloads, return outcomes, and leave when the parent does."""
    # Ctrl-C is the parent's to handle, who then stops the workers.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_leave_with, args=(parent,), daemon=True).start()
    _lease(lease)
    module, _, name = function.partition(":")
    act = getattr(importlib.import_module(module), name)
    while True:
        try:
            payload = connection.recv()
        except EOFError:
            return
        forget_peak()
        try:
            with asking(lambda question: _ask(connection, question)):
                answer: tuple[str, Any, str | None, str] = ("done", act(setup, payload), None, "")
        except SystemExit as error:
            answer = ("failed", None, f"the job called sys.exit({error.code!r})", "")
        except BaseException as error:  # noqa: BLE001  whatever a job raises is its outcome, and must reach the parent
            answer = ("failed", None, f"{type(error).__name__}: {error}", traceback.format_exc())
        sys.stdout.flush()
        sys.stderr.flush()
        connection.send((*answer, peak()))


def _ask(connection: Connection, question: Any) -> Any:
    try:
        connection.send((ASKS, question, None, "", 0))
        return connection.recv()
    except (EOFError, OSError):
        # Nobody is left to answer, and the job must not end as one that failed.
        os._exit(1)


def _leave_with(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(LOOK_SECONDS)
    # A job whose sweep is gone would be run twice once the sweep is resumed.
    os._exit(1)


def _lease(cores: Sequence[int]) -> None:
    if not cores:
        return
    for name in THREADS:
        os.environ[name] = str(len(cores))
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, cores)


def _cores() -> list[int]:
    if hasattr(os, "sched_getaffinity"):
        return sorted(os.sched_getaffinity(0))
    return list(range(os.cpu_count() or 1))


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
