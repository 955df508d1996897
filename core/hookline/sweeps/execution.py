"""Jobs of a sweep carried out: claimed, given to a pool, what became of each written down, and those of others waited for."""

from __future__ import annotations

import platform
import time
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field

from hookline.errors import GateFailed, JobFailed
from hookline.registry.registry import load_registry
from hookline.workspace.processes.interrupts import interruptible_in
from hookline.workspace.processes.owners import Owner, Watch
from hookline.workspace.workspace import open_workspace

from .job import CHECK, FUNCTION
from .ledger import ENDED, WAITING, Hold, Holder, JobRecord, Ledger, SweepRecord
from .progress import Course
from .pruning import Pruning, Referee
from .workers.interfaces import JobPool, Outcome, Pools

LOOK_SECONDS = 0.5
"""How often one looks at jobs that others have."""


def execute(
    ledger: Ledger,
    sweep: SweepRecord,
    numbers: Sequence[int],
    pool: JobPool,
    course: Course,
    *,
    stop: bool = False,
    referee: Referee | None = None,
    take_over: bool = False,
) -> None:
    """Run jobs of a sweep that nobody else has, write down what became of each, and wait for those that others have.

    referee: told of the steps that the first job of each trial reports, and stops every job of the trials that it gives up
    take_over: run also the jobs that others have at this moment, without finding out whether they are alive
    """
    there = ledger.held(sweep.id, numbers) if take_over else {}
    over = {(holder.owner, number) for number, holder in there.items()}
    with ledger.leases.held() as owner:
        share = Share(ledger, sweep, owner, course, stop, referee, over)
        waiting: Sequence[int] = numbers
        while waiting:
            share.run(waiting, pool)
            waiting = share.wait(waiting)


@dataclass
class Share:
    """What one process does of a sweep that others may be at as well."""

    ledger: Ledger
    sweep: SweepRecord
    owner: Owner
    course: Course
    stop: bool
    referee: Referee | None
    over: set[Hold]
    """What is taken from its owner."""
    told: set[int] = field(default_factory=set)
    """Jobs of which it was said how they ended."""

    def run(self, numbers: Collection[int], pool: JobPool) -> None:
        """Run jobs that nobody else has."""
        by_number = {job.number: job for job in self.ledger.jobs(self.sweep.id, numbers=numbers)}
        facts = {"folder": self.sweep.path, "judged": self.referee is not None}
        payloads = [(job.number, {"config": job.config, "number": job.number, **facts}) for job in by_number.values()]
        pruning = Pruning(self.ledger.states(self.sweep.id), self.referee)

        def start(number: int) -> bool:
            if not self.ledger.claim(self.sweep.id, by_number[number], self.owner, self.over):
                return False
            if given_up := pruning.refusal(number):
                self._note(given_up)
            else:
                self.course.start(by_number[number])
            return given_up is None

        def following() -> Outcome | None:
            return next(running, None)

        running = pool.run(payloads, on_start=start, on_ask=pruning.judge)
        # What a worker has done is written down before a signal ends the sweep.
        with interruptible_in(following):
            try:
                while outcome := following():
                    self._note(outcome)
            finally:
                running.close()
                self.ledger.release(self.sweep.id, self.owner)

    def wait(self, numbers: Collection[int]) -> list[int]:
        """Wait while others have all that is left of some jobs; return those that are to be run after all."""
        watch, said = Watch(), False
        while True:
            held = self.ledger.held(self.sweep.id, numbers)
            states = [job for job in self.ledger.states(self.sweep.id) if job.number in numbers]
            left = {job.number for job in states if job.status in (*WAITING, "running")}
            self._tell_ended(set(numbers) - left - held.keys() - self.told)
            self.over |= self.ledger.lost(self.sweep.id, watch)
            kept = {number: holder for number, holder in held.items() if (holder.owner, number) not in self.over}
            waiting = left - kept.keys()
            if waiting or not kept:
                return sorted(waiting)
            if not said:
                self._say(kept)
                said = True
            time.sleep(LOOK_SECONDS)

    def _note(self, outcome: Outcome) -> None:
        if not self.ledger.finish(self.sweep.id, outcome.job, outcome, self.owner):
            self.course.teller.say(f"job {outcome.job} was taken over meanwhile, and its outcome here does not count")
            return
        self._ended(self.ledger.job(self.sweep.id, outcome.job))

    def _tell_ended(self, numbers: Collection[int]) -> None:
        """Tell of jobs that others have ended."""
        for job in self.ledger.jobs(self.sweep.id, numbers=numbers) if numbers else ():
            self._ended(job)

    def _ended(self, job: JobRecord) -> None:
        self.told.add(job.number)
        self.course.end(job)
        if self.stop and job.status not in ENDED:
            stopped = GateFailed if job.status == "gated" else JobFailed
            raise stopped(
                f"job {job.number} is {job.status}: {job.error}",
                hint=f"on_error=stop: the others wait; `hookline resume {self.sweep.id}` goes on",
            )

    def _say(self, held: dict[int, Holder]) -> None:
        jobs = f"job{'s' * (len(held) != 1)} {', '.join(map(str, sorted(held)))}"
        hosts = ", ".join(sorted({holder.host for holder in held.values()}))
        self.course.teller.say(
            f"waiting for {jobs}, at work on {hosts}; should nobody be left there, "
            f"`hookline resume {self.sweep.id} --take-over` runs them at once"
        )


def pool_for(sweep: SweepRecord, pools: Pools, jobs: int | None = None) -> JobPool:
    """Return a pool that runs jobs of a sweep: so many, or as many as come until it is closed."""
    home, signature = str(open_workspace().home), load_registry().plugins.signature()
    setup = {"home": home, "signature": signature, "sweep": sweep.path, "host": platform.node()}
    return pools.pool(FUNCTION, setup, jobs, CHECK)
