"""`hookline resume`: run what is missing of a sweep."""

from __future__ import annotations

from collections.abc import Sequence

from hookline.errors import UsageError
from hookline.registry.registry import load_registry
from hookline.sweeps.definitions import check_unchanged
from hookline.sweeps.execution import execute, pool_for
from hookline.sweeps.hydra.launcher import kept_launcher
from hookline.sweeps.ledger import ENDED, Ledger
from hookline.sweeps.progress import Course
from hookline.workspace.workspace import open_workspace

from ..output import parser, say
from .progress import SweepProgress
from .sweeps import conclude


def main(argv: Sequence[str]) -> int:
    """Run the jobs of a sweep that have not finished, and show its leaderboard."""
    options = parser(
        "resume",
        "Run what is missing of a sweep by the launcher that it had, with its limits, and on Ray where it was on Ray; "
        "what is done is not run again.",
    )
    options.add_argument("sweep", nargs="?", default="last", help="`last`, an id, or its first letters")
    options.add_argument("--n-jobs", type=int, help="worker processes (default: as the sweep had)")
    options.add_argument("--failed", action="store_true", help="run failed jobs again too (those that died are anyway)")
    options.add_argument(
        "--take-over", action="store_true",
        help="run at once also what another process has, alive or not (else it is waited for, and taken once it is dead)",
    )  # fmt: skip
    given = options.parse_args(argv)
    if given.n_jobs is not None and given.n_jobs < 1 and given.n_jobs != -1:
        raise UsageError(f"--n-jobs must be at least 1, or -1 for all cores, got {given.n_jobs}")
    ledger = Ledger(open_workspace().catalog)
    sweep = ledger.sweep(given.sweep)
    jobs = ledger.jobs(sweep.id)
    kept = (*ENDED, "gated") if given.failed else (*ENDED, "gated", "failed")
    missing = [job for job in jobs if job.status not in kept]
    say(f"sweep {sweep.id}: {len(jobs) - len(missing)} of {len(jobs)} jobs are done")
    check_unchanged(load_registry(), sweep, missing)
    teller = SweepProgress()
    course = Course(teller, count=len(missing))
    course.add(jobs)
    pool = pool_for(sweep, kept_launcher(sweep.settings, given.n_jobs), len(missing))
    try:
        execute(ledger, sweep, [job.number for job in missing], pool, course, take_over=given.take_over)
    finally:
        teller.close()
    return conclude(sweep)
