"""What is odd about a table, most important first, each with one thing to do about it in hookline's own words."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from hookline.kinds.reports import Finding, Severity, worst_first

from .column import ColumnFacts, TextFacts
from .table import TableFacts

STRONG = {"AUC": (0.98, 0.995), "Cramer's V": (0.95, 0.99), "epsilon^2": (0.95, 0.99), "Spearman": (0.99, 0.999)}
"""Statistic -> from where on a column may be the target under another name, and from where on it is."""
ID_LIKE, ID_ROWS = 0.99, 50
"""A text or whole number with a value of its own in this share of so many rows names them."""
HARDLY, MOSTLY = 0.2, 0.5
"""Shares of missing values that are worth a word, and a warning."""
MIXED = 0.8
"""Where this share of a column's texts are numbers or dates, the others are the odd ones."""
NEARLY_CONSTANT = 0.995
MANY = 1_000
"""Distinct texts beyond which a column is hard to learn from."""
RARE_CLASS, RARE_ROWS = 0.05, 10
"""Share, or rows, of a class below which accuracy says little of it."""
REPEATED = 0.01
"""Share of repeated rows that is worth a warning."""
MOST_NAMED = 5
"""Columns that one sentence names."""


@dataclass(frozen=True)
class Oddity(Finding):
    """Something odd about a table or a column of it, and what to do."""

    action: str = ""
    """Options as they are typed, or words where none helps."""


def oddities(table: TableFacts, fields: Mapping[str, Any] | None = None) -> tuple[Oddity, ...]:
    """Return what is odd about a table, the most important first.

    fields: of the source, by name; options of reading are advised only where it has them
    """
    fields = fields or {}
    found = [
        *_header(table, fields),
        *_target(table),
        *_duplicates(table),
        *_groups(table),
        *_constant(table),
        *_spaces(table, fields),
        *_sentinels(table, fields),
    ]
    for column in table.columns:
        found += [*_leak(table, column), *_column(table, column)]
    return tuple(worst_first(sorted(found, key=lambda odd: -odd.value)))


def _header(table: TableFacts, fields: Mapping[str, Any]) -> Iterator[Oddity]:
    """Find a first row of data that was taken for column names."""
    numbers = [
        column.name for column in table.columns if re.fullmatch(r"\s*-?\d+(\.\d+)?(_duplicated_\d+)?\s*", column.name)
    ]
    share = len(numbers) / len(table.columns)
    if numbers and "columns" in fields and not fields["columns"]:
        text = (
            f"{len(numbers)} of {len(table.columns)} columns are named by a number, such as '{numbers[0].strip()}': the "
            "first line may be no header."
        )
        yield Oddity(
            "columns",
            "number_names",
            share,
            0.0,
            "warning",
            text,
            action=f"source.columns=[{_sketch(len(table.columns))}]",
        )


def _target(table: TableFacts) -> Iterator[Oddity]:
    name = table.roles.target
    if name is None:
        return
    column = table[name]
    if column.missing:
        text = f"The target '{name}' is missing in {_share(column.missing, table.rows)}."
        yield Oddity(
            name,
            "missing_share",
            column.missing / table.rows,
            0.0,
            "critical",
            text,
            action="transform=[drop_missing_target]",
        )
    if column.distinct == 1:
        text = f"The target '{name}' has one value only: there is nothing to learn."
        yield Oddity(name, "distinct", 1.0, 2.0, "critical", text, action="choose another roles.target")
    if table.classes and 1 < column.distinct == len(table.classes):
        label, rows = table.classes[-1]
        share = rows / max(1, column.present)
        if rows < RARE_ROWS or (share < RARE_CLASS and share < 0.5 / column.distinct):
            text = f"The class '{label}' of '{name}' has {_share(rows, column.present)}: accuracy says little of it."
            action = "judge by balanced_accuracy or average_precision, such as gates.balanced_accuracy=0.8"
            yield Oddity(name, "class_share", 1 - share, 1 - RARE_CLASS, "warning", text, action=action)


def _duplicates(table: TableFacts) -> Iterator[Oddity]:
    if table.duplicates:
        share = table.duplicates / table.rows
        severity: Severity = "warning" if share >= REPEATED else "info"
        text = f"{_share(table.duplicates, table.rows)} {'repeat' if table.duplicates > 1 else 'repeats'} an earlier one whole."
        yield Oddity("rows", "duplicate_share", share, REPEATED, severity, text, action="transform=[dedupe]")


def _groups(table: TableFacts) -> Iterator[Oddity]:
    name, groups = table.roles.group, table.groups
    if name is None or groups is None:
        return
    share = groups.largest / max(1, table[name].present)
    if share > 0.5:
        text = f"The largest of {groups.count:,} groups of '{name}' has {share:.0%} of the rows: a split by group is lopsided."
        yield Oddity(
            name,
            "group_share",
            share,
            0.5,
            "warning",
            text,
            action="split.method=stratified, or choose another roles.group",
        )


def _constant(table: TableFacts) -> Iterator[Oddity]:
    empty = [c.name for c in table.columns if c.kind != "other" and not c.present]
    same = [c.name for c in table.columns if c.distinct == 1 and not c.missing and c.name != table.roles.target]
    for names, what in ((empty, "no value"), (same, "the same value in every row")):
        if names and table.rows > 1:
            text = f"{_named(names)} {'have' if len(names) > 1 else 'has'} {what}."
            share = len(names) / len(table.columns)
            yield Oddity(names[0], "constant", share, 0.0, "warning", text, action=_ignored(names))


def _spaces(table: TableFacts, fields: Mapping[str, Any]) -> Iterator[Oddity]:
    spaced = [c for c in table.columns if c.text and c.text.spaced]
    if not spaced:
        return
    share = max(c.text.spaced / c.present for c in spaced if c.text)
    text = f"Texts of {_named([c.name for c in spaced])} begin or end with spaces, in up to {share:.0%} of the rows."
    action = "source.strip=true" if "strip" in fields else "transform=[normalize_text]"
    yield Oddity(spaced[0].name, "spaced_share", share, 0.0, "warning", text, action=action)


def _leak(table: TableFacts, column: ColumnFacts) -> Iterator[Oddity]:
    found = column.association
    suspect, leak = STRONG[found.statistic] if found else (1.0, 1.0)
    if found is None or found.value < suspect:
        return
    severity: Severity = "critical" if found.value >= leak else "warning"
    text = (
        f"'{column.name}' goes together with the target '{table.roles.target}' almost wholly ({found.statistic} "
        f"{found.value:.3f}): is it known when a prediction is wanted?"
    )
    yield Oddity(
        column.name, found.statistic, found.value, suspect, severity, text, action=f"if not, {_ignored([column.name])}"
    )


def _sentinels(table: TableFacts, fields: Mapping[str, Any]) -> Iterator[Oddity]:
    """Find values that look like missing ones; those that the source can take so are told together, as its option is one."""
    held = sorted((c for c in table.columns if c.sentinels), key=lambda c: -_rows_of(c))
    read = [column for column in held if column.kind != "number" and "missing" in fields]
    if read:
        values = list(dict.fromkeys(value.strip() for column in read for value, _ in column.sentinels))
        told = ", ".join(
            f"{_quoted([value for value, _ in c.sentinels])} in '{c.name}' ({_count(_rows_of(c), 'row')})" for c in read
        )
        # What is missing already may be so by a word of the option's default, which a new list would forget.
        kept = [text for text in fields["missing"] if text] if any(column.missing for column in table.columns) else []
        yield Oddity(
            read[0].name,
            "sentinel_share",
            _rows_of(read[0]) / read[0].count,
            0.0,
            "warning",
            f"Some values look like missing ones: {told}.",
            action=_list("source.missing", [*kept, *values]),
        )
    for column in held:
        if column not in read:
            values = [value for value, _ in column.sentinels]
            rows = _share(_rows_of(column), column.count)
            text = f"'{column.name}' holds values that look like missing ones: {_quoted(values)} in {rows}."
            action = _as_missing(column, values)
            yield Oddity(
                column.name, "sentinel_share", _rows_of(column) / column.count, 0.0, "warning", text, action=action
            )


def _rows_of(column: ColumnFacts) -> int:
    return sum(rows for _, rows in column.sentinels)


def _as_missing(column: ColumnFacts, values: Sequence[str]) -> str:
    """Return the options that make values of one column missing."""
    place = "transform.map_values"
    old = f"{place}.old=[{','.join(values)}]" if column.kind == "number" else _list(f"{place}.old", values)
    new = f"{place}.new=[{','.join(['null'] * len(values))}]"
    return f"transform=[map_values] {_option(f'{place}.column', _typed(column.name))} {old} {new}"


def _column(table: TableFacts, column: ColumnFacts) -> Iterator[Oddity]:
    """Find what is odd about the type, the gaps and the values of one column."""
    if column.name in (table.roles.id, table.roles.group):
        return
    if column.kind == "other":
        text = f"'{column.name}' is of type {column.dtype}, which no pipeline takes."
        yield Oddity(column.name, "type", 1.0, 0.0, "warning", text, action=_ignored([column.name]))
    if column.name != table.roles.target:
        yield from _missing(column)
        yield from _id_like(column)
        yield from _cardinality(column)
    yield from _infinite(column)
    if column.text is not None:
        yield from _texts(column, column.text)


def _missing(column: ColumnFacts) -> Iterator[Oddity]:
    share = column.missing / max(1, column.count)
    if HARDLY <= share < 1:
        severity: Severity = "warning" if share >= MOSTLY else "info"
        text = f"'{column.name}' is missing in {_share(column.missing, column.count)}."
        action = "transform=[impute]" if share < MOSTLY else f"transform=[impute], or {_ignored([column.name])}"
        yield Oddity(column.name, "missing_share", share, HARDLY, severity, text, action=action)


def _id_like(column: ColumnFacts) -> Iterator[Oddity]:
    whole = column.dtype.lstrip("U").startswith("Int") or column.kind == "string"
    share = column.distinct / max(1, column.present)
    if whole and column.present >= ID_ROWS and share >= ID_LIKE:
        text = f"'{column.name}' has a value of its own in nearly every row, so it names rows."
        action = f"{_option('roles.id', _typed(column.name))}, or {_ignored([column.name])}"
        yield Oddity(column.name, "distinct_share", share, ID_LIKE, "warning", text, action=action)


def _cardinality(column: ColumnFacts) -> Iterator[Oddity]:
    share = column.distinct / max(1, column.present)
    if column.text and not column.text.numbers and column.distinct > MANY and share < ID_LIKE:
        text = f"'{column.name}' has {column.distinct:,} different texts."
        yield Oddity(column.name, "distinct", share, 0.0, "info", text, action="transform=[rare_categories]")
    if column.distinct > 1 and column.top and column.top[0][1] >= NEARLY_CONSTANT * column.count:
        value, rows = column.top[0]
        text = f"'{column.name}' is '{value}' in {rows / column.count:.2%} of the rows."
        yield Oddity(
            column.name,
            "top_share",
            rows / column.count,
            NEARLY_CONSTANT,
            "info",
            text,
            action=f"it can say little; {_ignored([column.name])}",
        )


def _infinite(column: ColumnFacts) -> Iterator[Oddity]:
    if column.infinite:
        text = f"'{column.name}' is infinite in {_share(column.infinite, column.count)}."
        low, high = column.quantile(0.0), column.quantile(1.0)
        bounds = "" if low is None or high is None else f" transform.clip.lower={low:g} transform.clip.upper={high:g}"
        action = f"transform=[clip] {_list('transform.clip.columns', [column.name])}{bounds}"
        yield Oddity(column.name, "infinite_share", column.infinite / column.count, 0.0, "warning", text, action=action)


def _texts(column: ColumnFacts, facts: TextFacts) -> Iterator[Oddity]:
    kind, rows = ("number", facts.numbers) if facts.numbers >= facts.dates else ("date", facts.dates)
    share = rows / max(1, column.present)
    sentinels = {value for value, _ in column.sentinels}
    dtype = "number" if kind == "number" else "datetime"
    cast = f"transform=[cast] {_option('transform.cast.dtypes', f'{{{_typed(column.name)}: {dtype}}}')}"
    if MIXED <= share < 1 and not set(facts.others) <= sentinels:
        others = _quoted(facts.others)
        text = f"'{column.name}' is a text, but {share:.1%} of its values are {kind}s; among the others are {others}."
        yield Oddity(
            column.name,
            "mixed",
            1 - share,
            1 - MIXED,
            "warning",
            text,
            action=f'write them as {kind}s, or {cast} transform.cast.errors="null"',
        )
    elif share == 1 and not facts.coded and not facts.spaced:
        text = f"'{column.name}' is a text, and every value of it is a {kind}."
        yield Oddity(column.name, f"{kind}s", 0.0, 0.0, "info", text, action=cast)
    if facts.variants:
        same = _quoted(facts.variant)
        text = f"'{column.name}' writes one thing in several ways, such as {same}."
        action = "transform=[normalize_text] transform.normalize_text.case=lower"
        yield Oddity(
            column.name, "variants", facts.variants / max(1, column.present), 0.0, "warning", text, action=action
        )


def _share(rows: int, of: int) -> str:
    return f"{_count(rows, 'row')} ({rows / max(1, of):.2%})"


def _count(number: int, what: str) -> str:
    return f"{number:,} {what}" if number == 1 else f"{number:,} {what}s"


def _quoted(texts: Sequence[str]) -> str:
    return ", ".join(f"'{text}'" for text in texts[:MOST_NAMED])


def _named(names: Sequence[str]) -> str:
    """Return column names in words."""
    shown = ", ".join(f"'{name}'" for name in names[:MOST_NAMED])
    return shown if len(names) <= MOST_NAMED else f"{shown} and {len(names) - MOST_NAMED:,} more columns"


def _ignored(names: Sequence[str]) -> str:
    """Return the option that leaves columns out, cut where they are many."""
    most = 4 * MOST_NAMED
    return (
        _list("roles.ignore", names)
        if len(names) <= most
        else f"roles.ignore=[{','.join(map(_typed, names[:most]))},...]"
    )


def _sketch(width: int) -> str:
    return ",".join([*(f"c{i}" for i in range(1, min(width, 3) + 1)), *(["..."] if width > 3 else [])])


def _option(key: str, value: str) -> str:
    """Return an option as it is typed into a shell."""
    option = f"{key}={value}"
    return f"'{option}'" if re.search(r"[\"{} ()<>|#*&$\\]", option) else option


def _list(key: str, texts: Sequence[str]) -> str:
    return _option(key, f"[{','.join(map(_typed, texts))}]")


def _typed(text: str) -> str:
    """Return a text as Hydra reads it back: in quotes where it is a word or number of Hydra's, or holds other signs."""
    plain = re.fullmatch(r"[\w./?-]+", text) and not re.fullmatch(r"(?i)null|true|false|nan|inf|[\d.+e_-]+", text)
    return text if plain or text in ("-", "--", ".") else '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
