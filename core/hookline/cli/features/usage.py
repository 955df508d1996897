"""`hookline features usage`: which models and runs use which version of a feature set."""

from __future__ import annotations

from typing import Any

from hookline.live.featuring.comparing import outdated

from ..output import add_json, print_json, print_rows
from .known import add_config_dir, versions_known, warn_of_outdated

COLUMNS = ("set", "version", "defined", "model", "answers", "runs")


def add(actions: Any) -> None:
    """Add the action."""
    made = actions.add_parser(
        "usage", help="say which models and runs use which version of a set, and which are behind"
    )
    made.add_argument("set", nargs="?", help="only this feature set")
    add_json(made)
    add_config_dir(made)
    made.set_defaults(act=act)


def act(given: Any) -> int:
    """Print a row a version and model, and warn of models that answer with an old one."""
    versions = versions_known(given, given.set)
    if given.json:
        late = [{**vars(one), "changed": list(one.changed)} for one in outdated(versions)]
        print_json({"versions": [one.plain() for one in versions], "outdated": late})
        return 0
    rows = [
        {
            "set": one.name,
            "version": one.version,
            "defined": "now" if one.current else "before",
            "model": model,
            "answers": None if model is None else "live" if model in one.live else "no",
            "runs": len(one.runs),
        }
        for one in versions
        for model in one.models or (None,)
    ]
    print_rows(rows, COLUMNS, empty="no feature sets; features/NAME.yaml defines one")
    warn_of_outdated(versions)
    return 0
