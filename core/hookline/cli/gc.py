"""`hookline gc`: says what the home could do without, and removes it where it is told to."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from hookline.errors import UsageError
from hookline.workspace.tidying import Litter, Rule, clear, litter
from hookline.workspace.workspace import open_workspace

from .doctor.home import size_text
from .output import parser, print_json, print_rows, say

SORTS = {
    "run": "folders of old runs (the catalog keeps their numbers)",
    "entry": "stored entries that no kept run needs (computed again where they are wanted)",
    "lock": "locks that nobody holds",
    "package": "packages that no version stands for",
    "temporary": "files that killed processes left",
}


def main(argv: Sequence[str]) -> int:
    """Say what could be freed; with --yes free it."""
    rule = Rule()
    options = parser(
        "gc",
        "Say what the home could do without: old runs, stored entries that no kept run needs, and what killed processes "
        "left; with --yes remove it. Registered models, the runs they came of, and runs under way are always kept.",
        json_too=True,
    )
    options.add_argument("--yes", action="store_true", help="remove it; without this nothing is removed")
    options.add_argument(
        "--keep-runs", type=int, default=rule.runs, metavar="N", help="keep the newest N runs (default: %(default)s)"
    )
    options.add_argument(
        "--older-than", type=float, default=rule.age / timedelta(days=1), metavar="DAYS",
        help="keep what is younger than so many days (default: %(default)g)",
    )  # fmt: skip
    options.add_argument(
        "--keep-versions", type=int, metavar="N",
        help="of rows that runs kept (keep_data=true), keep those of the newest N versions of each data set, and of "
        "registered models (default: all)",
    )  # fmt: skip
    given = options.parse_args(argv)
    if given.keep_versions is not None and given.keep_versions < 0:
        raise UsageError("--keep-versions must be 0 or more")
    if given.keep_runs < 0 or not 0 <= given.older_than <= 36_500:
        raise UsageError("--keep-runs and --older-than must be 0 or more")
    workspace = open_workspace()
    found = litter(workspace, Rule(given.keep_runs, timedelta(days=given.older_than), given.keep_versions))
    freed = clear(workspace, found) if given.yes else 0
    if given.json:
        print_json({"found": [vars(one) for one in found], "removed": given.yes, "bytes": freed or _whole(found)})
        return 0
    print_rows([_row(sort, found) for sort in SORTS if _row(sort, found)["count"]], ("what", "count", "size"), empty="")
    _conclude(found, freed, removed=given.yes, home=str(workspace.home))
    return 0


def _conclude(found: Sequence[Litter], freed: int, *, removed: bool, home: str) -> None:
    if not found:
        say(f"there is nothing to free in {home}; see --keep-runs and --older-than")
    elif removed:
        say(f"{size_text(freed)} were freed in {home}")
    else:
        say(f"{size_text(_whole(found))} could be freed in {home}, and nothing was removed: add --yes to do it")


def _row(sort: str, found: Sequence[Litter]) -> dict[str, object]:
    sizes = [one.size for one in found if one.sort == sort]
    return {"what": SORTS[sort], "count": len(sizes), "size": size_text(sum(sizes))}


def _whole(found: Sequence[Litter]) -> int:
    return sum(one.size for one in found)
