"""What a sweep knows of a launcher, whichever machines it uses: pools that run jobs within limits, and tell outcomes."""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol, TypeAlias

Answer: TypeAlias = Callable[[int, Any], Any]
"""Answers what a job asks while it runs: its number and the question -> the answer."""

Status = Literal["done", "failed", "crashed", "timed out", "out of memory"]


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
    """What it took, without what its worker imported or waited for first; of one that was stopped, until then."""
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
