"""Which part each column of a table most likely plays, with the reason, for somebody to look at before anything is trained."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace

from hookline.kinds.artifacts import Roles

from .column import ColumnFacts
from .table import MOST_CLASSES, TableFacts

TARGETS = re.compile(
    r"target|label|class|outcome|response|y|survived|churn(ed)?|default(ed)?|fraud|clicked|bought|converted|price|income|species",
    re.IGNORECASE,
)
"""Names that people give to what they want to know."""
IDS = re.compile(r"(.*[_\W])?(id|uuid|guid|key|nr|no|number)|[a-z]+I[Dd]|index|unnamed: ?0", re.IGNORECASE)
TIMES = re.compile(r"(.*[_\W])?(time|timestamp|date|day|at|ts|pickup|created|updated)([_\W].*)?", re.IGNORECASE)
WEIGHTS = re.compile(r"(.*[_\W])?weights?|fnlwgt", re.IGNORECASE)
REPEATED = 2.0
"""Rows for each value of a column that is named as an id, from which on it says which rows belong together."""


@dataclass(frozen=True)
class Guess:
    """A role, the column that most likely has it, and why."""

    role: str
    column: str
    reason: str


def guess(table: TableFacts, known: Roles) -> tuple[Guess, ...]:
    """Return a guess of each role that nobody has said, at most one column a role but for `ignore`."""
    found: list[Guess] = []
    taken = {name for name in (known.target, known.id, known.time, known.weight, known.group, *known.ignore) if name}
    for role, ways in (("id", _ids), ("time", _times), ("weight", _weights), ("group", _groups), ("target", _targets)):
        if getattr(known, role) is None and (one := next(ways(table, taken), None)) is not None:
            found.append(one)
            taken.add(one.column)
    found += list(_ignored(table, taken))
    order = ("target", "id", "time", "weight", "group", "ignore")
    return tuple(sorted(found, key=lambda one: order.index(one.role)))


def with_guesses(known: Roles, guesses: Collection[Guess]) -> Roles:
    """Return roles with those that were guessed."""
    single = {one.role: one.column for one in guesses if one.role != "ignore"}
    ignored = tuple(one.column for one in guesses if one.role == "ignore")
    return replace(known, **single, ignore=(*known.ignore, *ignored))


def _ids(table: TableFacts, taken: Collection[str]) -> Iterator[Guess]:
    for column in table.columns:
        alone = column.distinct == column.count and not column.missing and _is_whole(column)
        if alone and column.name not in taken and IDS.fullmatch(column.name):
            yield Guess("id", column.name, "named so, and another value in every row")


def _times(table: TableFacts, taken: Collection[str]) -> Iterator[Guess]:
    held = [column for column in table.columns if column.kind == "datetime" and column.name not in taken]
    for column in sorted(held, key=lambda one: (not TIMES.fullmatch(one.name), -one.present)):
        yield Guess("time", column.name, "a time in every row" if not column.missing else "a time")


def _weights(table: TableFacts, taken: Collection[str]) -> Iterator[Guess]:
    for column in table.columns:
        if (
            column.name not in taken
            and column.kind == "number"
            and WEIGHTS.fullmatch(column.name)
            and not column.negative
        ):
            yield Guess("weight", column.name, "named so, and never negative")


def _groups(table: TableFacts, taken: Collection[str]) -> Iterator[Guess]:
    for column in table.columns:
        several = column.distinct > 1 and column.present / column.distinct >= REPEATED
        if column.name not in taken and several and _is_whole(column) and IDS.fullmatch(column.name):
            yield Guess(
                "group", column.name, f"named as an id, with {column.present / column.distinct:.1f} rows a value"
            )


def _targets(table: TableFacts, taken: Collection[str]) -> Iterator[Guess]:
    held = [column for column in table.columns if column.name not in taken and column.distinct > 1]
    for column in held:
        if TARGETS.fullmatch(column.name) and column.kind in ("string", "boolean", "number"):
            yield Guess("target", column.name, "named as what people want to know")
    for column in reversed(held[-1:]):
        few = 1 < column.distinct <= MOST_CLASSES
        if few or (column.kind == "number" and column.name == table.columns[-1].name):
            yield Guess("target", column.name, f"the last column, with {column.distinct:,} values")


def _ignored(table: TableFacts, taken: Collection[str]) -> Iterator[Guess]:
    for column in table.columns:
        if column.name in taken:
            continue
        if column.kind == "other":
            yield Guess("ignore", column.name, f"of type {column.dtype}, which no pipeline takes")
        elif column.distinct <= 1:
            yield Guess("ignore", column.name, "one value in every row" if column.distinct else "no value in any row")
        elif column.kind == "string" and column.distinct == column.present and column.count > MOST_CLASSES:
            yield Guess("ignore", column.name, "a text of its own in every row")


def _is_whole(column: ColumnFacts) -> bool:
    return column.kind == "string" or column.dtype.lstrip("U").startswith("Int")
