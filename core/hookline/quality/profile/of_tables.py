"""What is odd about a table as a whole: its header, target, rows and groups, and what several columns have in common."""

from __future__ import annotations

import re
from collections.abc import Iterator

from hookline.kinds.reports import Severity

from .column import ColumnFacts
from .oddity import Advisor, Oddity, counted, ignored, named, quoted, share_of
from .table import TableFacts

RARE_CLASS, RARE_ROWS = 0.05, 10
"""Share, or rows, of a class below which accuracy says little of it."""
REPEATED = 0.01
"""Share of repeated rows that is worth a warning."""


def oddities_of_table(table: TableFacts, advisor: Advisor) -> Iterator[Oddity]:
    """Yield what is odd about a table as a whole."""
    yield from _header(table, advisor)
    yield from _target(table, advisor)
    yield from _duplicates(table, advisor)
    yield from _groups(table)
    yield from _constant(table)
    yield from _spaces(table, advisor)
    yield from _sentinels(table, advisor)


def _header(table: TableFacts, advisor: Advisor) -> Iterator[Oddity]:
    """Find a first row of data that was taken for column names, where reading it otherwise is possible."""
    width = len(table.columns)
    numbers = [
        column.name for column in table.columns if re.fullmatch(r"\s*-?\d+(\.\d+)?(_duplicated_\d+)?\s*", column.name)
    ]
    if numbers and advisor.ways("no_header"):
        text = (
            f"{len(numbers)} of {width} columns are named by a number, such as '{numbers[0].strip()}': the "
            "first line may be no header."
        )
        action = advisor.action("no_header")
        yield Oddity("columns", "number_names", len(numbers) / width, 0.0, "warning", text, action=action)


def _target(table: TableFacts, advisor: Advisor) -> Iterator[Oddity]:
    name = table.roles.target
    if name is None:
        return
    column = table[name]
    if column.missing:
        text = f"The target '{name}' is missing in {share_of(column.missing, table.rows)}."
        share = column.missing / table.rows
        yield Oddity(name, "missing_share", share, 0.0, "critical", text, action=advisor.action("missing_target"))
    if column.distinct == 1:
        text = f"The target '{name}' has one value only: there is nothing to learn."
        yield Oddity(name, "distinct", 1.0, 2.0, "critical", text, action="choose another roles.target")
    if table.classes and 1 < column.distinct == len(table.classes):
        yield from _rare_class(table, column)


def _rare_class(table: TableFacts, column: ColumnFacts) -> Iterator[Oddity]:
    label, rows = table.classes[-1]
    share = rows / max(1, column.present)
    if rows < RARE_ROWS or (share < RARE_CLASS and share < 0.5 / column.distinct):
        told = share_of(rows, column.present)
        text = f"The class '{label}' of '{column.name}' has {told}: accuracy says little of it."
        action = "judge by balanced_accuracy or pr_auc, such as gates.balanced_accuracy=0.8"
        yield Oddity(column.name, "class_share", 1 - share, 1 - RARE_CLASS, "warning", text, action=action)


def _duplicates(table: TableFacts, advisor: Advisor) -> Iterator[Oddity]:
    if table.duplicates:
        share = table.duplicates / table.rows
        severity: Severity = "warning" if share >= REPEATED else "info"
        repeat = "repeat" if table.duplicates > 1 else "repeats"
        text = f"{share_of(table.duplicates, table.rows)} {repeat} an earlier one whole."
        action = advisor.action("duplicates")
        yield Oddity("rows", "duplicate_share", share, REPEATED, severity, text, action=action)


def _groups(table: TableFacts) -> Iterator[Oddity]:
    name, groups = table.roles.group, table.groups
    if name is None or groups is None:
        return
    share = groups.largest / max(1, table[name].present)
    if share > 0.5:
        text = f"The largest of {groups.count:,} groups of '{name}' has {share:.0%} of the rows: a split by group is lopsided."
        action = "split.method=stratified, or choose another roles.group"
        yield Oddity(name, "group_share", share, 0.5, "warning", text, action=action)


def _constant(table: TableFacts) -> Iterator[Oddity]:
    empty = [c.name for c in table.columns if c.kind != "other" and not c.present]
    same = [c.name for c in table.columns if c.distinct == 1 and not c.missing and c.name != table.roles.target]
    for names, what in ((empty, "no value"), (same, "the same value in every row")):
        if names and table.rows > 1:
            text = f"{named(names)} {'have' if len(names) > 1 else 'has'} {what}."
            share = len(names) / len(table.columns)
            yield Oddity(names[0], "constant", share, 0.0, "warning", text, action=ignored(names))


def _spaces(table: TableFacts, advisor: Advisor) -> Iterator[Oddity]:
    spaced = [c for c in table.columns if c.text and c.text.spaced]
    if not spaced:
        return
    share = max(c.text.spaced / c.present for c in spaced if c.text)
    text = f"Texts of {named([c.name for c in spaced])} begin or end with spaces, in up to {share:.0%} of the rows."
    action = advisor.action("spaced_values")
    yield Oddity(spaced[0].name, "spaced_share", share, 0.0, "warning", text, action=action)


def _sentinels(table: TableFacts, advisor: Advisor) -> Iterator[Oddity]:
    """Find values that look like missing ones; those that the source can take so are told together, as its option is one."""
    held = sorted((c for c in table.columns if c.sentinels), key=lambda c: -_rows_of(c))
    words = [column for column in held if column.kind != "number"]
    action = _as_words(table, words, advisor)
    if action:
        told = ", ".join(
            f"{quoted([value for value, _ in c.sentinels])} in '{c.name}' ({counted(_rows_of(c), 'row')})"
            for c in words
        )
        text = f"Some values look like missing ones: {told}."
        share = _rows_of(words[0]) / words[0].count
        yield Oddity(words[0].name, "sentinel_share", share, 0.0, "warning", text, action=action)
    for column in held:
        if not action or column not in words:
            yield _sentinel(column, advisor)


def _as_words(table: TableFacts, columns: list[ColumnFacts], advisor: Advisor) -> str:
    """Return how the values of texts are read as missing ones; empty where the source cannot."""
    words = list(dict.fromkeys(value.strip() for column in columns for value, _ in column.sentinels))
    if not words:
        return ""
    # What is missing already may be so by a word that is read so, which a new list would forget.
    gaps = any(column.missing for column in table.columns)
    ailments = ("more_missing_words", "missing_words") if gaps else ("missing_words", "more_missing_words")
    ways = next(filter(None, (advisor.ways(ailment, words=words) for ailment in ailments)), [])
    return ", or ".join(ways)


def _sentinel(column: ColumnFacts, advisor: Advisor) -> Oddity:
    values = [value for value, _ in column.sentinels]
    told = share_of(_rows_of(column), column.count)
    text = f"'{column.name}' holds values that look like missing ones: {quoted(values)} in {told}."
    old = [_number(value) for value in values] if column.kind == "number" else values
    action = advisor.action("sentinel", column=column.name, old=old, new=[None] * len(values))
    share = _rows_of(column) / column.count
    return Oddity(column.name, "sentinel_share", share, 0.0, "warning", text, action=action)


def _number(text: str) -> float:
    number = float(text)
    return int(number) if number.is_integer() else number


def _rows_of(column: ColumnFacts) -> int:
    return sum(rows for _, rows in column.sentinels)
