"""`hookline plugins`: which plugins there are, what became of them, whether they keep the contract; and a new one."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from hookline.kinds.kinds import KINDS
from hookline.registry.loading import Plugin
from hookline.registry.registry import load_registry

from ..output import add_json, parser, print_json, print_rows, tell
from .found import components_of, find_plugin


def main(argv: Sequence[str]) -> int:
    """List plugins, show one, check one, or begin a new one."""
    given = _parser().parse_args(list(argv) or ["list"])
    if given.action == "new":
        from .new import new

        return new(given.name, given.kind, given.folder)
    if given.action == "check":
        from .check import check

        return check(given.name, given.set, as_json=given.json)
    if given.action == "info":
        return _info(given.name, as_json=given.json)
    return _list(as_json=given.json)


def _parser() -> argparse.ArgumentParser:
    options = parser("plugins", "List, show and check plugins, or begin a new one.")
    actions = options.add_subparsers(dest="action", required=False)
    add_json(actions.add_parser("list", help="list plugins"))
    info = actions.add_parser("info", help="show one plugin: where it comes from and what it brings")
    checking = actions.add_parser("check", help="run the conformance kit on each component of a plugin")
    making = actions.add_parser("new", help="write a new plugin package that passes its own tests")
    info.add_argument("name", help="a plugin, its module or its distribution")
    checking.add_argument("name", help="a plugin, or a module that is not installed as one")
    checking.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="COMPONENT.FIELD=VALUE",
        help="a field to check a component with, such as acme.center.columns='[\"age\"]'; may be repeated",
    )
    making.add_argument("name", help="the plugin's name, snake_case; the package is hookline-NAME")
    making.add_argument("--kind", choices=KINDS, default="trainer", help="what it brings (default: trainer)")
    making.add_argument("--folder", type=Path, default=Path(), help="where the package's folder goes (default: here)")
    for made in (info, checking):
        add_json(made)
    return options


def _list(*, as_json: bool) -> int:
    registry = load_registry()
    rows = [
        {
            "name": plugin.name,
            "origin": plugin.origin,
            "distribution": plugin.distribution,
            "version": plugin.version,
            "components": len(components_of(registry, plugin)),
            "hooks": list(plugin.hooks),
            "milliseconds": round(plugin.seconds * 1000, 1),
            "status": _status(plugin),
        }
        for plugin in registry.plugins.plugins
    ]
    if as_json:
        print_json(rows)
    else:
        columns = ("name", "origin", "distribution", "version", "components", "milliseconds", "status")
        print_rows(rows, columns, empty="no plugins are installed")
    return 0


def _info(name: str, *, as_json: bool) -> int:
    registry = load_registry()
    plugin = find_plugin(registry, name)
    brings = [{"kind": kind, "name": component} for kind, component in components_of(registry, plugin)]
    facts: dict[str, Any] = {
        "name": plugin.name,
        "module": plugin.module,
        "origin": plugin.origin,
        "distribution": plugin.distribution,
        "version": plugin.version,
        "hooks": list(plugin.hooks),
        "components": brings,
        "milliseconds": round(plugin.seconds * 1000, 1),
        "status": _status(plugin),
    }
    if as_json:
        print_json(facts)
        return 0
    for key, value in facts.items():
        lines = [f"{item['kind']} {item['name']}" for item in brings] if key == "components" else value
        shown = (", ".join(lines) or "none") if isinstance(lines, list) else lines
        tell(f"{key:<14}{shown}".rstrip())
    return 0


def _status(plugin: Plugin) -> str:
    return f"skipped: {plugin.skipped}" if plugin.skipped else "loaded"
