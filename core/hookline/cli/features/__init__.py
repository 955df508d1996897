"""`hookline features`: what models are made of, and the sets that they share; each action is in a module of its own."""

from __future__ import annotations

import importlib
from collections.abc import Sequence

from ..output import parser

ACTIONS: tuple[str, ...] = ("listing", "usage", "history", "testing", "storing")
"""Modules of this folder, each with `add(actions)`, which adds its parsers, with what each does as `act`."""


def main(argv: Sequence[str]) -> int:
    """Run one action; without any, list."""
    options = parser("features", "What models are made of, and the feature sets that they share.")
    actions = options.add_subparsers(dest="action", required=False)
    for name in ACTIONS:
        importlib.import_module(f".{name}", __name__).add(actions)
    given = options.parse_args(list(argv) or ["list"])
    code: int = given.act(given)
    return code
