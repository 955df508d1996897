"""`hookline data why`: what a run did to one row."""

from __future__ import annotations

from typing import Any

from hookline.api import why
from hookline.kinds.plain import to_json

from ..output import add_json, print_json, print_rows, say


def add(actions: Any) -> None:
    """Add the action's parser."""
    made = actions.add_parser("why", help="tell why a row was dropped, what changed it, and which part it landed in")
    made.add_argument("run", nargs="?", default="last", help="`last`, an id, its first letters, or a run's folder")
    which = made.add_mutually_exclusive_group(required=True)
    which.add_argument("--row", metavar="ID", help="the row's id; its position where the run has no id role")
    which.add_argument("--position", type=int, metavar="N", help="the row's position in the source, from 0")
    add_json(made)
    made.set_defaults(act=_why)


def _why(given: Any) -> int:
    found = why(given.run, given.row, position=given.position)
    if given.json:
        print_json({**to_json(found), "dropped_by": found.dropped_by, "verdict": found.verdict})
        return 0
    rows = found.frame()
    print_rows(rows.to_dicts(), rows.columns, empty="")
    say(found.verdict)
    return 0
