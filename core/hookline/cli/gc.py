"""`hookline gc`: says what the home could do without, and removes it where it is told to."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

from hookline.errors import UsageError
from hookline.live.log.times import span_of
from hookline.live.streams.spent import let_go, spent_batches
from hookline.live.versions.spare import Spare, drop, spare_versions
from hookline.workspace.tidying import Litter, Rule, clear, litter
from hookline.workspace.workspace import open_workspace

from .doctor.home import size_text
from .output import Parser, parser, print_json, print_rows, say

SORTS = {
    "version": "versions that the rule gives up (their numbers and what was done stay on record)",
    "run": "folders of old runs (the catalog keeps their numbers)",
    "entry": "stored entries that no kept run needs (computed again where they are wanted)",
    "batch": "batches of streams that were made use of (no version that is there needs them to learn on)",
    "lock": "locks that nobody holds",
    "package": "packages that no version stands for",
    "temporary": "files that killed processes left",
}
LONGEST = timedelta(days=36_500)


def main(argv: Sequence[str]) -> int:
    """Say what could be freed; with --yes free it."""
    given = _options().parse_args(argv)
    if given.keep_runs < 0:
        raise UsageError("--keep-runs must be 0 or more")
    if given.keep_versions is not None and given.keep_versions < 1:
        raise UsageError("--keep-versions must be 1 or more", hint="to end a model: hookline models delete NAME:1")
    if given.keep_data is not None and given.keep_data < 0:
        raise UsageError("--keep-data must be 0 or more")
    if given.keep_batches is not None and given.keep_batches < 0:
        raise UsageError("--keep-batches must be 0 or more")
    workspace, age = open_workspace(), _age(given.older_than)
    if given.yes:
        workspace.require_writable()
    old = [] if given.keep_versions is None else spare_versions(workspace, given.keep_versions, age)
    gone, kept = [one for one in old if one.needed is None], [one for one in old if one.needed is not None]
    if given.yes:
        gone = drop(workspace, gone, f"gc --keep-versions {given.keep_versions} --older-than {given.older_than}")
    left = litter(workspace, Rule(given.keep_runs, age, given.keep_data), [one.record for one in gone])
    # Once old versions have gone, so that what only they needed goes with them.
    batches = [] if given.keep_batches is None else spent_batches(workspace, given.keep_batches, age)
    found = [*_as_litter(gone), *left, *batches]
    freed = clear(workspace, left) + let_go(batches) + _whole(_as_litter(gone)) if given.yes else 0
    if given.json:
        told = {"found": [vars(one) for one in found], "kept": {one.name: one.needed for one in kept}}
        print_json({**told, "removed": given.yes, "bytes": freed or _whole(found)})
        return 0
    print_rows([_row(sort, found) for sort in SORTS if _row(sort, found)["count"]], ("what", "count", "size"), empty="")
    _tell_versions(gone, kept, removed=given.yes)
    _conclude(found, freed, removed=given.yes, home=str(workspace.home))
    return 0


def _options() -> Parser:
    rule = Rule()
    options = parser(
        "gc",
        "Say what the home could do without: old runs, stored entries that no kept run needs, and what killed processes "
        "left; with --yes remove it. Registered models, the runs they came of, and runs under way are kept; with "
        "--keep-versions old versions go as well, but those that are in force or needed for something.",
        json_too=True,
    )
    options.add_argument("--yes", action="store_true", help="remove it; without this nothing is removed")
    options.add_argument(
        "--keep-runs", type=int, default=rule.runs, metavar="N", help="keep the newest N runs (default: %(default)s)"
    )
    options.add_argument(
        "--keep-versions", type=int, metavar="N", help="keep of each model the newest N versions (default: all of them)"
    )
    options.add_argument(
        "--older-than", default=f"{rule.age / timedelta(days=1):g}", metavar="SPAN",
        help="keep what is younger: 90d, 12h, or a number of days (default: %(default)s)",
    )  # fmt: skip
    options.add_argument(
        "--keep-data", type=int, metavar="N",
        help="of rows that runs kept (keep_data=true), keep those of the newest N versions of each data set, and of "
        "registered models, of runs under way, and younger ones than --older-than says (default: all)",
    )  # fmt: skip
    options.add_argument(
        "--keep-batches", type=int, metavar="N",
        help="of what came to a model's stream and was learned or looked at, keep the newest N batches, and all that a "
        "registered version may yet learn (default: all)",
    )  # fmt: skip
    return options


def _age(said: str) -> timedelta:
    """Read a span, or a number of days; raises UsageError."""
    days = re.fullmatch(r"\d{1,6}(\.\d{1,6})?", said.strip())
    age = timedelta(days=float(said)) if days else span_of(said, "--older-than")
    if age > LONGEST:
        raise UsageError(f"--older-than: {said} is longer than {LONGEST.days} days", hint="write 90d or 12h")
    return age


def _tell_versions(gone: Sequence[Spare], kept: Sequence[Spare], *, removed: bool) -> None:
    if gone:
        say(f"{'deleted' if removed else 'to be deleted'}: {', '.join(one.name for one in gone)}")
    for one in kept:
        say(f"{one.name} is old and stays: {one.needed}")


def _as_litter(versions: Sequence[Spare]) -> list[Litter]:
    return [Litter("version", one.name, Path(one.record.path), one.size) for one in versions]


def _conclude(found: Sequence[Litter], freed: int, *, removed: bool, home: str) -> None:
    if not found:
        say(
            f"there is nothing to free in {home}; see --keep-runs, --keep-versions, --keep-data, --keep-batches and --older-than"
        )
    elif removed:
        say(f"{size_text(freed)} were freed in {home}")
    else:
        say(f"{size_text(_whole(found))} could be freed in {home}, and nothing was removed: add --yes to do it")


def _row(sort: str, found: Sequence[Litter]) -> dict[str, object]:
    sizes = [one.size for one in found if one.sort == sort]
    return {"what": SORTS[sort], "count": len(sizes), "size": size_text(sum(sizes))}


def _whole(found: Sequence[Litter]) -> int:
    return sum(one.size for one in found)
