"""`hookline data peek`: a first look at whatever holds a table, and the experiment file to begin with."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from hookline.errors import UsageError
from hookline.quality.profile.peek import MOST_ROWS, Peek, peek_source
from hookline.registry.registry import load_registry

from ..output import add_json, print_json, print_rows, say, tell, write_text
from .profile import chosen

FOLDER = "experiment"
"""The folder that Hydra looks for experiments in, below the one that --config-dir names."""


def add(actions: Any) -> None:
    """Add the action."""
    made: argparse.ArgumentParser = actions.add_parser(
        "peek", help="a first look: columns, guessed roles, ten rows, problems, and how to begin", allow_abbrev=False
    )
    made.add_argument("data", nargs="?", help="a file, a glob, a folder, or - for stdin; or nothing and source=NAME")
    made.add_argument("overrides", nargs="*", help="Hydra overrides, such as source.table=orders or roles.id=customer")
    made.add_argument("--write", type=Path, metavar="NAME.yaml", help="write the experiment file to begin with")
    add_json(made)
    made.set_defaults(act=act)


def act(given: Any) -> int:
    """Look, and print; write where asked."""
    path = None if given.write is None else _place(given.write)
    registry = load_registry()
    words = [word for word in (given.data, *given.overrides) if word is not None]
    source, roles = chosen(registry, words)
    found = peek_source(source, roles, registry.remedies)
    if given.json:
        print_json(found.plain())
    else:
        _print(found)
    if path is not None:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_text(path, found.experiment(path.stem))
        say(f"wrote {path}; run it: hookline --config-dir {path.parent.parent} experiment={path.stem}")
    return 0


def _place(path: Path) -> Path:
    """Return where an experiment is found: in a folder of that name, which is put between where the path has none."""
    if path.suffix not in (".yaml", ".yml") or not path.stem.isidentifier():
        raise UsageError(f"--write {path} is no name of an experiment's file", hint="such as churn.yaml")
    placed = (path if path.parent.name == FOLDER else path.parent / FOLDER / path.name).with_suffix(".yaml")
    if placed.exists():
        raise UsageError(f"{placed} is there already", hint="choose another name, or move it away")
    return placed


def _print(found: Peek) -> None:
    table = found.profile.table
    roles = {
        column: role for role in ("target", "id", "time", "weight", "group") if (column := getattr(table.roles, role))
    }
    reasons = {one.column: one for one in found.guesses}
    told = {**roles, **dict.fromkeys(table.roles.ignore, "ignore")}
    facts = {column.name: column for column in table.columns}
    rows = [
        {
            "column": name,
            "type": str(dtype),
            "missing": f"{facts[name].missing / facts[name].count:.1%}"
            if name in facts and facts[name].missing
            else "",
            "distinct": f"{facts[name].distinct:,}" if name in facts else "",
            "role": told.get(name, "feature"),
            "why": reasons[name].reason if name in reasons else "",
        }
        for name, dtype in found.rows.schema.items()
    ]
    print_rows(rows, [name for name in rows[0] if any(row[name] for row in rows)], empty="no columns")
    tell("")
    print_rows(found.rows.to_dicts(), found.rows.columns, empty="no rows")
    tell("")
    of = "" if found.whole else f", of which the first {MOST_ROWS:,} were looked at"
    say(f"{table.name}: {'' if found.whole else 'over '}{table.rows:,} rows{of}, {len(rows):,} columns")
    for finding in found.profile.findings:
        tell(f"{finding.severity}: {finding.message}\n    {finding.action}")
    if not found.profile.findings:
        say("nothing odd was found")
