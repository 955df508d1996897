"""`hookline sweeps`: what was swept, and how it ranks."""

from __future__ import annotations

from collections.abc import Sequence

from hookline.errors import UnknownName
from hookline.registry.registry import load_registry
from hookline.sweeps.leaderboard import Leaderboard, leaderboard, write
from hookline.sweeps.ledger import ENDED, JobRecord, Ledger, SweepRecord
from hookline.workspace.workspace import open_workspace

from ..output import add_json, parser, print_json, print_rows, say


def main(argv: Sequence[str]) -> int:
    """List sweeps, or show one's leaderboard."""
    options = parser(
        "sweeps",
        "List sweeps, on this machine or on Ray, or show the leaderboard of one; each is kept with its launcher.",
    )
    actions = options.add_subparsers(dest="action", required=False)
    listing = actions.add_parser("list", help="list sweeps, the newest first")
    showing = actions.add_parser("show", help="show a leaderboard")
    showing.add_argument("sweep", nargs="?", default="last", help="`last`, an id, or its first letters")
    showing.add_argument("--metric", help="rank by this metric")
    for made in (listing, showing):
        add_json(made)
    given = options.parse_args(list(argv) or ["list"])
    ledger = Ledger(open_workspace().catalog)
    if given.action != "show":
        return _list(ledger, as_json=given.json)
    sweep = ledger.sweep(given.sweep)
    jobs = ledger.jobs(sweep.id)
    known = {name for job in jobs for name in job.metrics}
    if given.metric and given.metric not in known:
        raise UnknownName("metric", given.metric, known)
    board = leaderboard(sweep, jobs, given.metric)
    if given.json:
        print_json([dict(row) for row in board.rows])
    else:
        print_rows(board.rows, board.columns(), empty="no jobs")
    return 0


def conclude(ledger: Ledger, sweep: SweepRecord) -> int:
    """Print and write a sweep's leaderboard; returns 1 if a job failed, 3 if gates said no to all that did not finish."""
    from pathlib import Path

    jobs = ledger.jobs(sweep.id)
    board = leaderboard(sweep, jobs)
    write(board, Path(sweep.path), load_registry())
    print_rows(board.rows, board.columns(), empty="no jobs")
    failed = [job for job in jobs if job.status not in ENDED]
    best = board.rows[0] if board.rows and board.rows[0]["path"] else None
    if best:
        say(f"best: {best['path']}")
    say(f"leaderboard: {sweep.path}/leaderboard.csv, .parquet{_page(sweep)}")
    if failed:
        say(f"{len(failed)} of {len(jobs)} jobs did not finish{_again(sweep, failed)}")
    # A gate that says no is an answer, not a failure.
    return 0 if not failed else 3 if all(job.status == "gated" for job in failed) else 1


def _again(sweep: SweepRecord, failed: Sequence[JobRecord]) -> str:
    """Say what runs jobs again that did not finish; a gate says no the second time too."""
    statuses = {job.status for job in failed} - {"gated"}
    if not statuses:
        return ""
    return f"; `hookline resume {sweep.id}{' --failed' if 'failed' in statuses else ''}` runs them again"


def _page(sweep: SweepRecord) -> str:
    from pathlib import Path

    return ", .html" if (Path(sweep.path) / "leaderboard.html").is_file() else ""


def _list(ledger: Ledger, *, as_json: bool) -> int:
    rows = []
    for sweep in ledger.sweeps():
        jobs = ledger.jobs(sweep.id)
        board: Leaderboard = leaderboard(sweep, jobs)
        best = board.rows[0].get(board.metric) if board.rows and board.metric else None
        done = sum(job.status == "finished" for job in jobs)
        facts = {"id": sweep.id, "jobs": len(jobs), "finished": done, "metric": board.metric, "best": best}
        rows.append(facts | {"overrides": " ".join(sweep.overrides)})
    if as_json:
        print_json(rows)
    else:
        print_rows(rows, ("id", "jobs", "finished", "metric", "best", "overrides"), empty="no sweeps yet")
    return 0
