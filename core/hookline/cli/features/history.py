"""`hookline features history`: a feature through the versions of models, drawn."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from hookline.live.featuring.history import Standing, feature_history
from hookline.registry.registry import load_registry
from hookline.workspace.workspace import open_workspace

from ..output import add_json, print_json, print_rows, say, writing

COLUMNS = ("model", "version", "importance", "share", "", "drift", "weight", "set", "definition")
WIDTH = 20
"""Characters of the longest bar."""


def add(actions: Any) -> None:
    """Add the action."""
    made = actions.add_parser(
        "history", help="show a feature's importance, drift and weight over the versions of models"
    )
    made.add_argument("feature", help="a feature such as `plan=gold`, or a column whose features are taken together")
    made.add_argument("model", nargs="?", help="only the versions of this model")
    made.add_argument("--html", type=Path, metavar="FILE", help="write it as a page, too")
    add_json(made)
    made.set_defaults(act=act)


def act(given: Any) -> int:
    """Print a row a version, the oldest first."""
    found = feature_history(open_workspace(), given.feature, given.model)
    if given.html is not None:
        facts = {"feature": given.feature, "versions": [asdict(one) for one in found]}
        with writing(given.html):
            drawn = load_registry().render("feature_history", facts, given.html)
        if drawn:
            say(f"page: {given.html}")
        else:
            say("no plugin writes this page; pip install 'hookline[report]'")
    if given.json:
        print_json([asdict(one) for one in found])
        return 0
    print_rows(_drawn(found), COLUMNS, empty="")
    return 0


def _drawn(found: Sequence[Standing]) -> list[dict[str, Any]]:
    largest = max((one.share for one in found if one.share is not None), default=0.0)
    return [
        {**asdict(one), "share": None if one.share is None else f"{one.share:.1%}", "": _bar(one.share, largest)}
        for one in found
    ]


def _bar(share: float | None, largest: float) -> str:
    return "" if share is None or not largest else "\N{FULL BLOCK}" * max(1, round(WIDTH * share / largest))
