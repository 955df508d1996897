"""`hookline plugins`: which plugins there are, and what became of them."""

from __future__ import annotations

from collections.abc import Sequence

from ..api import load_registry
from ..components import KINDS
from .output import add_json, parser, print_json, print_rows


def main(argv: Sequence[str]) -> int:
    """List plugins."""
    options = parser("plugins", "List plugins and what became of them.")
    actions = options.add_subparsers(dest="action", required=False)
    add_json(actions.add_parser("list", help="list plugins"))
    given = options.parse_args(list(argv) or ["list"])
    registry = load_registry()
    counts: dict[str, int] = {}
    for kind in KINDS:
        for name in registry.names(kind):
            plugin = registry.entry(kind, name).plugin.name
            counts[plugin] = counts.get(plugin, 0) + 1
    rows = [
        {
            "name": plugin.name,
            "origin": plugin.origin,
            "distribution": plugin.distribution,
            "version": plugin.version,
            "components": counts.get(plugin.name, 0),
            "hooks": list(plugin.hooks),
            "milliseconds": round(plugin.seconds * 1000, 1),
            "status": f"skipped: {plugin.skipped}" if plugin.skipped else "loaded",
        }
        for plugin in registry.plugins.plugins
    ]
    if given.json:
        print_json(rows)
    else:
        columns = ("name", "origin", "distribution", "version", "components", "milliseconds", "status")
        print_rows(rows, columns, empty="no plugins are installed")
    return 0
