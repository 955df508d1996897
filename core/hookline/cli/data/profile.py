"""`hookline data profile`: what there is to measure of a table, and what is odd about it."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from hookline.errors import UsageError
from hookline.kinds.artifacts import Roles
from hookline.kinds.kinds import Source
from hookline.plans.config import resolve
from hookline.plans.hydra.compose import compose
from hookline.plans.hydra.shorthand import is_path
from hookline.quality.profile.diversity.population import Population
from hookline.quality.profile.diversity.said import shares_in
from hookline.quality.profile.profile import COLUMNS, DataProfile, profile_source, render
from hookline.quality.profile.telling.sentences import sentences
from hookline.registry.registry import Registry, load_registry
from hookline.workspace.piped import settled

from ..output import add_json, print_json, print_rows, say, tell, writing

MOST_COLUMNS = 200
"""Columns that are listed on a terminal."""


def add(actions: Any) -> None:
    """Add the action."""
    made: argparse.ArgumentParser = actions.add_parser(
        "profile", help="measure a table, and say what is odd about it", allow_abbrev=False
    )
    made.add_argument(
        "data", nargs="?", help="a file, a glob, a folder, or - for stdin; or nothing and a source's override"
    )
    made.add_argument("overrides", nargs="*", help="Hydra overrides, such as source.missing=[?] or roles.id=customer")
    made.add_argument("--target", help="the column to predict: classes, and what each column says of them")
    made.add_argument("--group", help="the column that says which rows belong together")
    made.add_argument(
        "--population",
        metavar="FILE|SHARES",
        action="append",
        help="whom the rows should stand for: a table, a YAML file of shares, or shares such as sex=f:0.51,m:0.49",
    )
    made.add_argument("--html", type=Path, help="write a page to this file")
    add_json(made)
    made.set_defaults(act=act)


def act(given: Any) -> int:
    """Profile, and print."""
    registry = load_registry()
    words = [word for word in (given.data, *given.overrides) if word is not None]
    source, roles = chosen(registry, words)
    roles = roles.merged(Roles(target=given.target, group=given.group))
    population = None if given.population is None else _population(registry, given.population)
    found = profile_source(source, roles, registry.remedies, population)
    if given.html:
        with writing(given.html):
            render(registry, found, given.html)
    if given.json:
        print_json(found.plain())
    else:
        _print(found)
    if given.html:
        say(f"page: {given.html}")
    return 0


def _population(registry: Registry, words: list[str]) -> Population:
    """Return the population that shares say, or a table holds; raises ConfigError or DataError."""
    said = shares_in(words)
    return Population({}, chosen(registry, words)[0].load().frame) if said is None else said


def chosen(registry: Registry, words: list[str]) -> tuple[Source, Roles]:
    """Return the source and roles that a path and overrides choose; raises UsageError where they choose none."""
    overrides = [word for word in words if "=" in word and not is_path(word)]
    paths = [word for word in words if word not in overrides]
    if len(paths) > 1:
        raise UsageError(
            f"one table at a time, got {', '.join(paths)}", hint="quote a glob, so that the shell leaves it alone"
        )
    if not words:
        raise UsageError("name a table", hint="hookline data profile customers.csv, or source=NAME")
    tree = compose(registry, [*(["source=file"] if paths else []), *overrides])
    if paths and isinstance(tree.get("source"), dict) and tree["source"]["component"] == "file":
        # Not as an override: a path may hold signs that mean something there.
        tree["source"]["path"] = settled(paths[0])
    config = resolve(registry, tree)
    source = config.components["source"][0].component
    assert isinstance(source, Source)
    return source, config.options.roles


def _print(found: DataProfile) -> None:
    rows = found.rows()
    shown = [name for name in COLUMNS if any(row[name] for row in rows)]
    print_rows(rows[:MOST_COLUMNS], shown, empty="no columns")
    if len(rows) > MOST_COLUMNS:
        say(f"{len(rows) - MOST_COLUMNS:,} more columns; --json tells all")
    table = found.table
    say(f"{table.name}: {table.rows:,} rows, {len(table.columns):,} columns, {table.duplicates:,} repeated rows")
    if table.classes:
        tell("classes: " + ", ".join(f"{label} {rows / table.rows:.1%}" for label, rows in table.classes))
    if table.groups:
        sizes = table.groups
        tell(
            f"groups: {sizes.count:,}, of {sizes.smallest:,} to {sizes.largest:,} rows, half of {sizes.median:g} or fewer"
        )
    for line in sentences(table):
        tell(line)
    for finding in found.findings:
        tell(f"{finding.severity}: {finding.message}\n    {finding.action}")
    if not found.findings:
        say("nothing odd was found")
