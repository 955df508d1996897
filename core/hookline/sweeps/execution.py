"""Jobs of a sweep carried out: claimed, given to a pool, and what became of each written down."""

from __future__ import annotations

import platform
from collections.abc import Sequence

from hookline.errors import GateFailed, JobFailed
from hookline.registry.registry import load_registry
from hookline.workspace.workspace import open_workspace

from .job import CHECK, FUNCTION
from .ledger import ENDED, JobRecord, Ledger, SweepRecord
from .progress import Course
from .pruning import Pruning, Referee
from .workers.interfaces import JobPool, Outcome, Pools


def execute(
    ledger: Ledger,
    sweep: SweepRecord,
    numbers: Sequence[int],
    pool: JobPool,
    course: Course,
    *,
    stop: bool = False,
    referee: Referee | None = None,
) -> None:
    """Run jobs of a sweep that nobody else has taken, and write down what became of each.

    referee: told of the steps that the first job of each trial reports, and stops every job of the trials that it gives up
    """
    known, wanted = ledger.jobs(sweep.id), set(numbers)
    by_number = {job.number: job for job in known if job.number in wanted}
    facts = {"folder": sweep.path, "judged": referee is not None}
    payloads = [(job.number, {"config": job.config, "number": job.number, **facts}) for job in by_number.values()]
    pruning = Pruning(known, referee)

    def note(outcome: Outcome) -> JobRecord:
        ledger.finish(sweep.id, outcome.job, outcome)
        record = ledger.job(sweep.id, outcome.job)
        course.end(record)
        return record

    def start(number: int) -> bool:
        if not ledger.claim(sweep.id, number):
            return False
        if given_up := pruning.refusal(number):
            note(given_up)
        else:
            course.start(by_number[number])
        return given_up is None

    running = pool.run(payloads, on_start=start, on_ask=pruning.judge)
    try:
        for outcome in running:
            record = note(outcome)
            if stop and record.status not in ENDED:
                stopped = GateFailed if record.status == "gated" else JobFailed
                raise stopped(
                    f"job {record.number} is {record.status}: {record.error}",
                    hint=f"on_error=stop: the others wait; `hookline resume {sweep.id}` goes on",
                )
    finally:
        running.close()
        ledger.release(sweep.id)


def pool_for(sweep: SweepRecord, pools: Pools, jobs: int | None = None) -> JobPool:
    """Return a pool that runs jobs of a sweep: so many, or as many as come until it is closed."""
    home, signature = str(open_workspace().home), load_registry().plugins.signature()
    setup = {"home": home, "signature": signature, "sweep": sweep.path, "host": platform.node()}
    return pools.pool(FUNCTION, setup, jobs, CHECK)
