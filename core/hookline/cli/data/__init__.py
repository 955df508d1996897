"""`hookline data`: look at tables, at their versions, and at what was done to them; each action is a module of its own."""

from __future__ import annotations

import importlib
from collections.abc import Sequence

from ..output import parser
from ..reading import apart

ACTIONS: tuple[str, ...] = ("peek", "profile", "versions", "contract", "check", "why", "collect")
"""Modules of this folder, each with `add(actions)`, which adds its parser (and kindred ones), with what it does as `act`."""


def main(argv: Sequence[str]) -> int:
    """Run one action."""
    options = parser("data", "Look at tables, at their versions, and at what was done to them.")
    actions = options.add_subparsers(dest="action", required=True)
    for name in ACTIONS:
        importlib.import_module(f".{name}", __name__).add(actions)
    # argparse takes overrides in one place only; they may stand on both sides of an option.
    words, said = apart(argv)
    given, rest = options.parse_known_args(words)
    if hasattr(given, "said"):
        given.said = said
    else:
        rest += said
    if rest and (not hasattr(given, "overrides") or any(word.startswith("-") for word in rest)):
        options.error(f"unrecognized arguments: {' '.join(rest)}")
    given.overrides = [*getattr(given, "overrides", ()), *rest]
    code: int = given.act(given)
    return code
