"""Runs jobs on the machines of a Ray cluster as the local pool runs them in processes: reused, watched and replaced."""

from __future__ import annotations

import sys
import time
from collections import deque
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any

from hookline.errors import UsageError
from hookline.registry.backends.clusters import first_line
from hookline.sweeps.workers.interfaces import Answer, Limits, Outcome

from .cluster import Cluster
from .station import Station, Surroundings

PATIENCE = 20.0
"""Seconds without a worker or an outcome after which we say what is waited for."""
Waiting = deque[tuple[int, Any, int]]
"""Jobs to be run: number, payload, and which attempt it will be."""


@dataclass
class Seat:
    """An actor and the job that it has; none before it has said that it can work, and between two jobs."""

    actor: Any
    job: int | None = None
    payload: Any = None
    attempts: int = 0
    started: float = 0.0


@dataclass
class RayPool:
    """Runs jobs by a function named `module:function` in workers of a cluster.

    jobs: how many there will be; None for as many as come, and then whoever made the pool must `close` it
    check: a function that is given `setup` in each worker, and raises where that cannot run jobs
    """

    function: str
    setup: Any
    cluster: Cluster
    limits: Limits
    jobs: int | None = None
    check: str = ""
    _free: list[Seat] = field(default_factory=list, init=False, repr=False)
    _answers: dict[Any, Seat] = field(default_factory=dict, init=False, repr=False)
    """What was asked of Ray and is not answered yet: whether a worker can work, or what became of a job."""

    def run(
        self,
        jobs: Sequence[tuple[int, Any]],
        on_start: Callable[[int], bool] | None = None,
        on_ask: Answer | None = None,
    ) -> Generator[Outcome, None, None]:
        """Yield outcomes as jobs end; `on_start` may refuse a job that somebody else has taken by now.

        on_ask: never called, since a worker of another machine has no line to this process; what jobs `ask` is answered None
        Leaving early, by an exception or by closing the iterator, stops every worker. Raises UsageError where a machine of
        the cluster cannot run jobs.
        """
        waiting, ended = Waiting((job, payload, 1) for job, payload in jobs), False
        try:
            self.cluster.open()
            while waiting or self._busy():
                self._give(waiting, on_start)
                self._hire(len(waiting))
                if self._answers:
                    yield from self._collect(waiting)
            ended = True
        finally:
            if not (ended and self.jobs is None):
                self.close()

    def close(self) -> None:
        """Stop every worker at once, and leave the cluster."""
        import ray
        from ray.exceptions import RayError

        for seat in self._held():
            with suppress(RayError):
                ray.kill(seat.actor)
        self._free.clear()
        self._answers.clear()
        self.cluster.close()

    def _held(self) -> list[Seat]:
        return [*self._free, *self._answers.values()]

    def _busy(self) -> bool:
        return any(seat.job is not None for seat in self._answers.values())

    def _hire(self, jobs: int) -> None:
        """Ask for workers as far as there are jobs for them."""
        coming = sum(seat.job is None for seat in self._answers.values())
        room = (self.cluster.workers or self.cluster.room()) - len(self._held())
        for _ in range(min(room, jobs - coming)):
            actor = self._actor()
            self._answers[actor.check.remote(self.check)] = Seat(actor)

    def _actor(self) -> Any:
        import ray

        place: Any = ray.remote(num_cpus=self.limits.cores, num_gpus=self.cluster.num_gpus)(Station)
        return place.remote(self.function, self.setup, self.limits, Surroundings.here())

    def _give(self, waiting: Waiting, on_start: Callable[[int], bool] | None) -> None:
        while waiting and self._free:
            job, payload, attempts = waiting.popleft()
            if attempts == 1 and on_start is not None and not on_start(job):
                continue
            seat = self._free.pop()
            seat.job, seat.payload, seat.attempts, seat.started = job, payload, attempts, time.monotonic()
            self._answers[seat.actor.run.remote(job, payload)] = seat

    def _collect(self, waiting: Waiting) -> Iterator[Outcome]:
        import ray

        ready, _ = ray.wait(list(self._answers), num_returns=1, timeout=PATIENCE)
        if not ready and not self._busy():
            sys.stderr.write(f"waiting for Ray to give a worker {self.limits.cores} cores\n")
        for answer in ready:
            seat = self._answers.pop(answer)
            if seat.job is None:
                self._admit(seat, answer)
                continue
            outcome = self._outcome(seat, answer)
            if outcome.status == "crashed" and seat.attempts <= self.limits.retries:
                waiting.appendleft((outcome.job, seat.payload, seat.attempts + 1))
            else:
                yield replace(outcome, attempts=seat.attempts)

    def _admit(self, seat: Seat, answer: Any) -> None:
        """Take a worker in; raises UsageError where it says that it cannot work, or could not be started."""
        import ray
        from ray.exceptions import RayError

        try:
            refused = ray.get(answer)
        except RayError as error:
            self._free.append(seat)
            raise UsageError(
                f"a worker of the Ray cluster cannot start: {_said(error)}",
                hint="every machine needs this hookline with the same plugins, at the same Python",
            ) from error
        self._free.append(seat)
        if refused:
            raise UsageError(f"a machine of the Ray cluster cannot run jobs of this sweep\n  {refused}")

    def _outcome(self, seat: Seat, answer: Any) -> Outcome:
        import ray
        from ray.exceptions import RayError

        assert seat.job is not None
        job, seat.job = seat.job, None
        try:
            outcome: Outcome = ray.get(answer)
        except RayError as error:
            with suppress(RayError):
                ray.kill(seat.actor)
            return Outcome(job, "crashed", error=_said(error), seconds=time.monotonic() - seat.started)
        self._free.append(seat)
        return outcome


def _said(error: Exception) -> str:
    """Return the line of one of Ray's errors that says what happened."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    told = [line for line in lines if "exit detail" in line or "Error" in line.partition(":")[0]]
    return told[-1] if told else first_line(error)
