"""One sweep from the command line, while it is under way: jobs are added, run, and told of."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hookline.kinds.given.names import require_name
from hookline.registry.registry import Registry
from hookline.workspace.workspace import open_workspace

from .definitions import Compose, define_jobs
from .execution import execute, pool_for
from .ledger import ENDED, JobRecord, Ledger, NewJob, SweepRecord
from .progress import MANY, Course, Teller
from .pruning import Referee
from .workers.interfaces import JobPool, Pools


@dataclass
class Sweep:
    """One sweep from the command line, while it is under way."""

    registry: Registry
    overrides: Sequence[str]
    teller: Teller
    id: str = ""
    jobs: list[NewJob] = field(default_factory=list)
    searched: Collection[str] = ()
    """Keys that are varied, where a sweeper says so."""
    trials: int | None = None
    """How many trials there will be, where they come batch by batch and that is known."""
    settings: dict[str, Any] = field(default_factory=dict)
    """Kept on the ledger; `metrics` are what the leaderboard ranks by."""
    keep: bool = False
    """Whether workers wait for more jobs once these have ended; whoever says so must `close`."""
    referee: Referee | None = None
    """Decides which trials are pruned; without one none is."""
    course: Course = field(init=False, repr=False)
    _pool: JobPool | None = field(default=None, init=False, repr=False)

    def __post_init__(self) -> None:
        self.course = Course(self.teller)

    def go_on(self, sweep: SweepRecord, jobs: Sequence[JobRecord]) -> None:
        """Take up a sweep that is on the ledger: jobs that are added continue its numbers."""
        self.id, self.settings = sweep.id, dict(sweep.settings)
        self.jobs = [NewJob(job.number, job.trial, job.overrides, job.config, job.fingerprints) for job in jobs]
        self.course.ended = sum(job.status in ENDED for job in jobs)
        self.course.add(jobs, self.searched)

    def check(self, jobs_overrides: Sequence[Sequence[str]], compose: Compose) -> None:
        """Raise ConfigError with the problems of every job that `add` would refuse; writes nothing down."""
        define_jobs(self.registry, self.jobs, jobs_overrides, compose)

    def add(self, folder: Path, jobs_overrides: Sequence[Sequence[str]], compose: Compose) -> list[NewJob]:
        """Compose and check jobs as a whole, and write them down.

        Raises ConfigError with the problems of every job before any of them starts.
        """
        require_name(folder.name, "a sweep's folder", "search-1")
        first, self.id = not self.jobs, folder.name
        if len(jobs_overrides) >= MANY:
            self.teller.say(f"sweep {self.id}: {len(jobs_overrides)} trials are being checked")
        new = define_jobs(self.registry, self.jobs, jobs_overrides, compose)
        stages: dict[str, Any] = {}
        for _, plan in new:
            stages |= {stage.fingerprint: stage.parts for stage in plan.stages}
        jobs = [job for job, _ in new]
        record = SweepRecord(self.id, str(folder), tuple(self.overrides), self.settings, stages)
        Ledger(open_workspace().catalog).begin(record, jobs)
        self.jobs += jobs
        self.course.add(jobs, self.searched)
        self.course.count = self._expected()
        if first:
            self.course.open(self.id)
        return jobs

    def run(self, jobs: Sequence[NewJob], pools: Pools, *, stop: bool) -> None:
        """Run jobs; raises JobFailed where one failed and `stop` is wanted, and KeyboardInterrupt once all is written down."""
        ledger, numbers = Ledger(open_workspace().catalog), [job.number for job in jobs]
        sweep = ledger.sweep(self.id)
        if self.keep and self._pool is None:
            self._pool = pool_for(sweep, pools)
        pool = self._pool or pool_for(sweep, pools, len(jobs))
        try:
            execute(ledger, sweep, numbers, pool, self.course, stop=stop, referee=self.referee)
        except KeyboardInterrupt as stopped:
            stopped.add_note(f"`hookline resume {self.id}` goes on")
            raise
        finally:
            self.teller.close()

    def close(self) -> None:
        """Stop the workers that were kept."""
        if self._pool is not None:
            self._pool.close()

    def _expected(self) -> int:
        """Return how many jobs there will be, where trials come batch by batch."""
        known = len({some.trial for some in self.jobs})
        coming = max((self.trials or 0) - known, 0) * len(self.jobs) // known
        return len(self.jobs) + coming
