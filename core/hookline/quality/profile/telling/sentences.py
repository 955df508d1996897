"""A table's diversity in sentences, as a terminal shows them."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.util import find_spec

from hookline.data.dates import shown
from hookline.version import install_line

from ..column import ColumnFacts
from ..oddity import share_of
from ..table import TableFacts

MOST = 3
"""Columns, languages or combinations that a line names."""


def sentences(table: TableFacts) -> Iterator[str]:
    """Yield what there is to tell of how varied a table is, a line each."""
    yield from _balance(table)
    yield from _combinations(table)
    yield from _near(table)
    for column in table.columns:
        yield from _times(column)
        yield from _writing(column)
    for found in table.population:
        label, here, there = found.parts[0]
        yield (
            f"population: '{found.column}' {found.statistic} {found.value:.3f}, at least {found.low:.3f}; "
            f"'{label}' {here:.1%}, there {there:.1%}"
        )


def _balance(table: TableFacts) -> Iterator[str]:
    for role in ("target", "group"):
        name = getattr(table.roles, role)
        spread = table[name].spread if name else None
        if spread is None or (role == "target" and not table.classes):
            continue
        what = "classes" if role == "target" else "groups"
        told = (
            f"balance: {table[name].distinct:,} {what} of '{name}' are as varied as {spread.effective:.4g} equal ones"
        )
        few = f"; 1 % of them have {spread.top_share:.1%} of the rows, Gini {spread.gini:.2f}" if spread.lorenz else ""
        yield told + few


def _combinations(table: TableFacts) -> Iterator[str]:
    found = table.combinations
    if found is None:
        return
    line = f"combinations: {found.seen:,} of {found.possible:,} pairs of categories occur"
    if found.absent:
        pairs = "; ".join(
            f"{one.columns[0]}={one.values[0]} with {one.columns[1]}={one.values[1]} ({one.expected:,.0f})"
            for one in found.examples[:MOST]
        )
        line += f"; {found.absent:,} never do though chance would have them in 20 rows or more: {pairs}"
    yield line


def _near(table: TableFacts) -> Iterator[str]:
    found = table.near
    if found is not None and found.rows:
        columns = ", ".join(f"'{name}'" for name, _ in found.columns[:MOST])
        yield (
            f"near repeats: {share_of(found.rows, found.sampled)} of {found.sampled:,} compared equal another one "
            f"but for one column, mostly {columns}"
        )


def _times(column: ColumnFacts) -> Iterator[str]:
    gaps = column.gaps
    if gaps is None:
        return
    line = f"times: '{column.name}' has rows in {gaps.filled:,} of {gaps.spanned:,} {gaps.unit}s"
    if gaps.count:
        spans = (f"{shown(start, 'datetime')} to {shown(end, 'datetime')}" for start, end in gaps.longest[:MOST])
        line += f"; {gaps.count:,} gap{'s' * (gaps.count > 1)} longer than its rhythm: {', '.join(spans)}"
    yield line


def _writing(column: ColumnFacts) -> Iterator[str]:
    writing = column.text.writing if column.text else None
    if writing is None:
        return
    lengths = dict(writing.lengths)
    parts = [f"half up to {lengths[0.5]:,} characters, all up to {lengths[1.0]:,}"]
    total = sum(texts for _, texts in writing.scripts)
    parts.append(", ".join(f"{name} {texts / total:.0%}" for name, texts in writing.scripts[:MOST]))
    if writing.languages:
        told = ", ".join(f"{name} {texts / writing.asked:.0%}" for name, texts in writing.languages[:MOST])
        parts.append(f"{told} of {writing.asked:,} texts")
    if writing.near is not None:
        parts.append(f"{writing.near.texts:,} of {writing.near.sampled:,} compared nearly repeat another one")
    if not all(find_spec(library) for library in ("py3langid", "datasketch")):
        needed = install_line([("hookline", "texts", "py3langid")])
        parts.append(f"languages and near repeats need {needed}")
    yield f"texts: '{column.name}': {'; '.join(parts)}"
