"""`hookline sweeps`: what was swept, and how it ranks."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from hookline.errors import UnknownName, UsageError
from hookline.kinds.plain import to_json
from hookline.live.versions.refitting import refit
from hookline.registry.registry import load_registry
from hookline.sweeps.leaderboard import COSTS, Leaderboard, leaderboard
from hookline.sweeps.ledger import ENDED, JobRecord, Ledger, SweepRecord
from hookline.sweeps.result import concluded
from hookline.sweeps.searching import page_facts
from hookline.sweeps.ties import with_ties
from hookline.workspace.workspace import open_workspace

from ..output import add_json, parser, print_json, print_rows, say, tell, writing


def main(argv: Sequence[str]) -> int:
    """List sweeps, show one's leaderboard, or name its best run."""
    options = parser(
        "sweeps",
        "List sweeps, on this machine or on Ray, show the leaderboard of one, or name its best run.",
    )
    actions = options.add_subparsers(dest="action", required=False)
    listing = actions.add_parser("list", help="list sweeps, the newest first")
    showing = actions.add_parser("show", help="show a leaderboard")
    best = actions.add_parser("best", help="print the id of the best run, and say the line that registers it")
    for made in (showing, best):
        made.add_argument("sweep", nargs="?", default="last", help="`last`, an id, or its first letters")
        made.add_argument("--metric", help="rank by this metric")
    best.add_argument(
        "--refit", action="store_true", help="fit its pipeline again to all rows, and register that as a version"
    )
    best.add_argument("--package", metavar="KEY", help="of --refit: which package, such as onnx (default: the first)")
    showing.add_argument(
        "--front",
        metavar="METRICS",
        help="mark what nothing beats in all of these, such as roc_auc,seconds, and the metric",
    )
    showing.add_argument(
        "--html",
        nargs="?",
        const="",
        metavar="FILE",
        help="draw it as a page: what was tried, the front, quality against time (default: leaderboard.html of the sweep)",
    )
    for made in (listing, showing, best):
        add_json(made)
    given = options.parse_args(list(argv) or ["list"])
    ledger = Ledger(open_workspace().catalog)
    if given.action not in ("show", "best"):
        return _list(ledger, as_json=given.json)
    front = given.front.split(",") if given.action == "show" and given.front else ()
    board = _board(ledger, given.sweep, given.metric, front)
    if given.action == "best":
        if given.package and not given.refit:
            raise UsageError("--package says which package is written anew", hint="add --refit")
        return _refit(board, given.package, as_json=given.json) if given.refit else _best(board, as_json=given.json)
    if given.html is not None:
        jobs = ledger.jobs(board.sweep)
        return _draw(board, jobs, Path(given.html or Path(ledger.sweep(given.sweep).path) / "leaderboard.html"))
    if given.json:
        print_json([dict(row) for row in board.rows])
    else:
        print_rows(board.rows, board.columns(), empty="no jobs")
        _judge(board)
    return 0


def _board(ledger: Ledger, name: str, metric: str | None, front: Sequence[str] = ()) -> Leaderboard:
    sweep = ledger.sweep(name)
    jobs = ledger.jobs(sweep.id)
    known = {name for job in jobs for name in job.metrics}
    for one in ([metric] if metric else []) + list(front):
        if one not in (there := {*known, *COSTS} if one in front else known):
            raise UnknownName("metric", one, there)
    return with_ties(leaderboard(sweep, jobs, metric, front), jobs)


def _best(board: Leaderboard, *, as_json: bool) -> int:
    best = _require_best(board)
    if as_json:
        print_json(_facts(board))
        return 0
    tell(best)
    _judge(board)
    return 0


def _draw(board: Leaderboard, jobs: Sequence[JobRecord], path: Path) -> int:
    """Write the page, and print where it lies."""
    if not path.absolute().parent.is_dir():
        raise UsageError(f"there is no folder {path.parent}", hint="make it first, or name another")
    with writing(path):
        drawn = load_registry().render("leaderboard", page_facts(board, jobs), path)
    if not drawn:
        raise UsageError("no plugin draws leaderboards", hint="pip install 'hookline[report]'")
    tell(str(path))
    return 0


def _refit(board: Leaderboard, package: str | None, *, as_json: bool) -> int:
    """Fit the best again to all rows, register it, and say what it claims and what its first place is worth."""
    best = _require_best(board)
    if board.verdict:
        say(board.verdict)
    made = refit(best, package, on_fit=lambda rows, trainer: say(f"fitting {trainer} to all {rows:,} rows"))
    name = f"{made.model}:{made.version}"
    if as_json:
        facts = {name: getattr(made, name) for name in ("model", "version", "path", "run", "rows", "held_out")}
        print_json(_facts(board) | facts | {"claimed": [to_json(metric) for metric in made.claimed.values()]})
        return 0
    tell(name)
    say(f"{made.told}. To put it in charge: hookline models promote {name}")
    return 0


def _require_best(board: Leaderboard) -> str:
    if board.best is None:
        raise UsageError(f"no job of sweep {board.sweep} has finished", hint=f"hookline resume {board.sweep} --failed")
    return board.best


def _facts(board: Leaderboard) -> dict[str, Any]:
    return {key: board.plain()[key] for key in ("sweep", "metric", "best", "ties", "verdict", "register")}


def _judge(board: Leaderboard) -> None:
    """Say what the first place is worth, and the line that registers it."""
    if board.verdict:
        say(board.verdict)
    if board.register:
        say(f"register it: {board.register}")
        say(f"or fitted again to all rows: hookline sweeps best {board.sweep} --refit")


def conclude(sweep: SweepRecord) -> int:
    """Print and write a sweep's leaderboard; returns 1 if a job failed, 3 if gates said no to all that did not finish."""
    ended = concluded(load_registry(), sweep.id)
    board, jobs = ended.board, ended.jobs
    print_rows(board.rows, board.columns(), empty="no jobs")
    if board.best:
        say(f"best: {board.rows[0]['path']}")
    _judge(board)
    say(f"leaderboard: {sweep.path}/leaderboard.csv, .parquet{_page(sweep)}")
    failed = [job.status for job in jobs if job.status not in ENDED]
    if failed:
        say(f"{len(failed)} of {len(jobs)} jobs did not finish{_again(sweep.id, failed)}")
    # A gate that says no is an answer, not a failure.
    return 0 if not failed else 3 if all(status == "gated" for status in failed) else 1


def _again(sweep: str, failed: Sequence[str]) -> str:
    """Return how jobs that did not finish are run again; a gate would say no to the very same model again."""
    if all(status == "gated" for status in failed):
        return ": gates said no to them"
    how = " --failed" if "failed" in failed else ""
    return f"; `hookline resume {sweep}{how}` runs them again"


def _page(sweep: SweepRecord) -> str:
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
