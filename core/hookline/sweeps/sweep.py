"""One sweep from the command line, while it is under way: jobs are added, run, and told of."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hookline.registry.registry import Registry
from hookline.workspace.workspace import open_workspace

from .definitions import Compose, define_jobs
from .execution import execute, pool_for
from .ledger import ENDED, JobRecord, Ledger, NewJob, SweepRecord
from .pruning import Referee
from .workers.interfaces import JobPool, Pools


@dataclass
class Sweep:
    """One sweep from the command line, while it is under way."""

    registry: Registry
    overrides: Sequence[str]
    tell: Callable[[JobRecord, int, int], None]
    """Told of each job that has ended: the job, how many have, and of how many."""
    id: str = ""
    ended: int = 0
    jobs: list[NewJob] = field(default_factory=list)
    trials: int | None = None
    """How many trials there will be, where they come batch by batch and that is known."""
    settings: dict[str, Any] = field(default_factory=dict)
    """Kept on the ledger; `metrics` are what the leaderboard ranks by."""
    keep: bool = False
    """Whether workers wait for more jobs once these have ended; whoever says so must `close`."""
    referee: Referee | None = None
    """Decides which trials are pruned; without one none is."""
    _pool: JobPool | None = field(default=None, init=False, repr=False)

    def go_on(self, sweep: SweepRecord, jobs: Sequence[JobRecord]) -> None:
        """Take up a sweep that is on the ledger: jobs that are added continue its numbers."""
        self.id, self.settings = sweep.id, dict(sweep.settings)
        self.jobs = [NewJob(job.number, job.trial, job.overrides, job.config, job.fingerprints) for job in jobs]
        self.ended = sum(job.status in ENDED for job in jobs)

    def check(self, jobs_overrides: Sequence[Sequence[str]], compose: Compose) -> None:
        """Raise ConfigError with the problems of every job that `add` would refuse; writes nothing down."""
        define_jobs(self.registry, self.jobs, jobs_overrides, compose)

    def add(self, folder: Path, jobs_overrides: Sequence[Sequence[str]], compose: Compose) -> list[NewJob]:
        """Compose and check jobs as a whole, and write them down.

        Raises ConfigError with the problems of every job before any of them starts.
        """
        self.id = folder.name
        new = define_jobs(self.registry, self.jobs, jobs_overrides, compose)
        stages: dict[str, Any] = {}
        for _, plan in new:
            stages |= {stage.fingerprint: stage.parts for stage in plan.stages}
        jobs = [job for job, _ in new]
        record = SweepRecord(self.id, str(folder), tuple(self.overrides), self.settings, stages)
        Ledger(open_workspace().catalog).begin(record, jobs)
        self.jobs += jobs
        return jobs

    def run(self, jobs: Sequence[NewJob], pools: Pools, *, stop: bool) -> None:
        """Run jobs; raises JobFailed where one failed and `stop` is wanted, and KeyboardInterrupt once all is written down."""
        ledger, numbers = Ledger(open_workspace().catalog), [job.number for job in jobs]
        sweep = ledger.sweep(self.id)
        if self.keep and self._pool is None:
            self._pool = pool_for(sweep, pools)
        pool = self._pool or pool_for(sweep, pools, len(jobs))
        try:
            execute(ledger, sweep, numbers, pool, self._told, stop=stop, referee=self.referee)
        except KeyboardInterrupt as stopped:
            stopped.add_note(f"`hookline resume {self.id}` goes on")
            raise

    def close(self) -> None:
        """Stop the workers that were kept."""
        if self._pool is not None:
            self._pool.close()

    def _told(self, job: JobRecord) -> None:
        self.ended += 1
        known = len({some.trial for some in self.jobs})
        coming = max((self.trials or 0) - known, 0) * len(self.jobs) // known
        self.tell(job, self.ended, len(self.jobs) + coming)
