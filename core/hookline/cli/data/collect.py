"""`hookline data collect`: stores the rows that came to a source since the last time."""

from __future__ import annotations

import argparse
import shlex
from typing import Any

from hookline.data.collecting import collect
from hookline.registry.registry import load_registry
from hookline.workspace.workspace import open_workspace

from ..output import add_json, print_json, say, tell
from .profile import chosen


def add(actions: Any) -> None:
    """Add the action."""
    made: argparse.ArgumentParser = actions.add_parser(
        "collect",
        help="store the rows that came to a source since the last time, each exactly once",
        allow_abbrev=False,
    )
    made.add_argument("name", help="what the rows are collected as: a folder below collected/ in HOOKLINE_HOME")
    made.add_argument("data", nargs="?", help="a file, a glob or a folder; or nothing, and a source by its override")
    made.add_argument("overrides", nargs="*", help="Hydra overrides that choose a source, such as source=NAME")
    add_json(made)
    made.set_defaults(act=act)


def act(given: Any) -> int:
    """Collect, and say what came and how it is read."""
    registry = load_registry()
    words = [word for word in (given.data, *given.overrides) if word is not None]
    source, _ = chosen(registry, words)
    found = collect(registry, open_workspace().home, given.name, source)
    if given.json:
        plain = {"name": found.name, "path": found.path, "part": found.part, "rows": found.rows}
        print_json(plain | {"position": found.position})
        return 0
    if found.part is None:
        say(f"nothing new for {found.name}")
    else:
        say(f"{found.rows:,} new rows for {found.name}, in {found.part.name}")
    tell(shlex.join(found.source))
    return 0
