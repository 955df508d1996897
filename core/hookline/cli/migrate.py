"""`hookline migrate`: lifts a home's catalog to this hookline's format."""

from __future__ import annotations

from collections.abc import Sequence

from hookline.kinds.plain import to_json
from hookline.workspace.catalog.sql.engine import catalog_url
from hookline.workspace.catalog.sql.migrating import migrate
from hookline.workspace.home import home

from .output import parser, print_json, say


def main(argv: Sequence[str]) -> int:
    """Lift the catalog; a copy of its file stays beside it."""
    options = parser("migrate", "Lift the catalog of an earlier hookline to the format of this one.", json_too=True)
    given = options.parse_args(argv)
    made = migrate(catalog_url(home()))
    if given.json:
        print_json(to_json(made))
    elif made.before == made.after:
        say(f"the catalog has format {made.after} already")
    else:
        kept = f"; as it was: {made.copy}" if made.copy else ""
        say(f"the catalog was lifted from format {made.before} to {made.after}{kept}")
    return 0
