"""`hookline components`: what can be chosen, and what each choice takes."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path

from hookline.errors import UnknownName, UsageError
from hookline.kinds.kinds import KINDS
from hookline.registry.registry import load_registry

from ..output import add_json, parser, print_json, print_rows, say, tell


def main(argv: Sequence[str]) -> int:
    """List components, show one, or write about all of them."""
    options = parser("components", "List components, show one with its fields, or write reference pages.")
    actions = options.add_subparsers(dest="action", required=False)
    listing = actions.add_parser("list", help="list components")
    listing.add_argument("kind", nargs="?", help=f"one of {', '.join(KINDS)}")
    showing = actions.add_parser("show", help="show one component")
    showing.add_argument("kind", help=f"one of {', '.join(KINDS)}")
    showing.add_argument("name")
    for made in (listing, showing):
        add_json(made)
    writing = actions.add_parser("reference", help="write reference pages in Markdown")
    writing.add_argument("-o", "--output", type=Path, required=True, metavar="FOLDER", help="where the pages go")
    writing.add_argument("--plugin", action="append", default=[], help="of this plugin only; may stand several times")
    given = options.parse_args(list(argv) or ["list"])
    if given.action == "reference":
        return _reference(given.output, given.plugin)
    if given.kind is not None and given.kind not in KINDS:
        raise UnknownName("kind", given.kind, KINDS)
    if given.action == "show":
        return _show(str(given.kind), given.name, as_json=given.json)
    return _list(given.kind, as_json=given.json)


def _reference(folder: Path, plugins: Sequence[str]) -> int:
    from .reference import pages

    made = pages(load_registry(), plugins)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, page in made.items():
            (folder / name).write_text(page, "utf-8")
    except OSError as error:
        raise UsageError(f"{folder} cannot be written: {error.strerror}") from error
    say(f"{len(made)} pages in {folder}")
    return 0


def _list(kind: str | None, *, as_json: bool) -> int:
    registry = load_registry()
    found = [registry.describe(k, name) for k in KINDS if kind in (None, k) for name in registry.names(k)]
    rows = [
        {
            "kind": d.kind,
            "name": d.name,
            "summary": d.doc.splitlines()[0] if d.doc else "",
            "from": f"{d.distribution} {d.version}" if d.distribution else d.plugin,
        }
        for d in found
    ]
    if as_json:
        print_json(rows)
    else:
        print_rows(
            rows, ("kind", "name", "summary", "from"), empty="no components; `hookline plugins list` may say why"
        )
    return 0


def _show(kind: str, name: str, *, as_json: bool) -> int:
    described = load_registry().describe(kind, name)
    if as_json:
        print_json(dataclasses.asdict(described))
        return 0
    tell(f"{kind} {name}\n\n{described.doc}\n")
    takes = ", ".join(f"{port}: {annotation}" for port, annotation in described.takes.items())
    tell(f"takes  {takes or 'nothing'}\nmakes  {described.makes}")
    tell(f"from   {described.distribution or described.plugin} {described.version}\n")
    rows = [
        {
            "field": field.name,
            "type": field.type,
            "default": "required" if field.required else repr(field.default),
            "": field.doc.replace("\n", " "),
        }
        for field in described.fields
    ]
    print_rows(rows, ("field", "type", "default", ""), empty="it has no fields")
    return 0
