"""A contract as the text of a YAML file."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

from hookline.kinds.artifacts import Column, Schema
from hookline.kinds.plain import plain

from .file import FORMAT
from .limits import moment_of

LONG = 50
"""Categories beyond which a column's are listed at the end of the file."""
MOST_EXACT = 1e15
"""Whole numbers up to here are written without a point."""


def contract_text(schema: Schema, title: str) -> str:
    """Return a schema as a commented YAML file that `read_contract` reads back to the very same limits."""
    lines = [f"# {line}".rstrip() for line in (title, "", *HELP)]
    lines += ["", f"format: {FORMAT}", "columns:"]
    for column in schema.columns:
        lines += [f"  {_scalar(column.name)}:", *(f"    {line}" for line in _entry(column))]
    long = [column for column in schema.columns if _is_long(column)]
    if long:
        lines += ["", "long_categories:"]
    for column in long:
        lines += [f"  {_scalar(column.name)}:", *(f"    - {_scalar(text)}" for text in column.categories or ())]
    lines += _across(schema)
    return "\n".join(lines) + "\n"


def _across(schema: Schema) -> Iterator[str]:
    """Yield the rules across columns and of the table, as the file says them."""
    import yaml

    table = plain(schema.table)
    for key, found in (("rules", plain(schema.rules)), *table.items()):
        if found:
            yield ""
            yield from str(yaml.safe_dump({key: found}, sort_keys=False, allow_unicode=True)).splitlines()


HELP = (
    "What a line says holds when data are loaded for a run (contract=FILE), and for predict and serve (--contract FILE).",
    "A line or column that is left out stays as the training rows had it; null means: no limit.",
    "",
    "  kind          number, string, boolean or datetime; a value that cannot be read so is always an error",
    "  required      false: the column may be absent, and is then missing in every row",
    "  nullable      whether values may be missing",
    "  minimum       smallest value that may stand there; maximum: the largest",
    "  categories    every value that may stand there",
    "  pattern       a regular expression that texts must match as a whole",
    "  on_violation  warn: the row is answered, with a warning; reject: it is refused",
    "",
    "Beside `columns` may stand `rules` across columns, and `unique`, `freshness` and `rows` of a table as a whole.",
)


def _entry(column: Column) -> Iterator[str]:
    yield f"kind: {column.kind}"
    yield f"required: {_scalar(column.required)}"
    yield f"nullable: {_scalar(column.nullable)}"
    if column.kind in ("number", "datetime"):
        for key in ("minimum", "maximum"):
            yield f"{key}: {_scalar(_moment(column, getattr(column, key)))}"
    elif _is_long(column):
        yield f"# categories: {len(column.categories or ()):,} of them, under long_categories at the end of this file"
    elif column.categories is None:
        yield "categories: null  # too many different texts in training, so that none is strange"
    else:
        values = [word == "true" for word in column.categories] if column.kind == "boolean" else column.categories
        yield from ("categories:", *(f"  - {_scalar(value)}" for value in values))
    if column.kind == "string":
        yield f"pattern: {_scalar(column.pattern)}"
    yield f"on_violation: {column.on_violation}"


def _is_long(column: Column) -> bool:
    return column.categories is not None and len(column.categories) > LONG


def _moment(column: Column, value: float | None) -> Any:
    if value is None or column.kind == "number":
        return int(value) if value is not None and value == round(value) and abs(value) < MOST_EXACT else value
    return moment_of(value)


def _scalar(value: Any) -> str:
    import yaml

    # Quoted where a reader of YAML might take a character for white space or the end of a line.
    style = '"' if isinstance(value, str) and not (value.isascii() and value.isprintable()) else None
    text: str = yaml.safe_dump(value, allow_unicode=True, width=math.inf, default_style=style)
    return text.removesuffix("...\n").removesuffix("\n")
