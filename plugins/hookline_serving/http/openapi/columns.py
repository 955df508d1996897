"""Rows as JSON Schema: a property a column, with what training, or a contract, knows of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from hookline import Roles, Schema
from hookline.data.contract.limits import moment_of
from hookline.kinds.artifacts import Column, TextRules

from .acts import named

MOST_EXAMPLES = 20
KINDS = {"number": "number", "string": "string", "boolean": "boolean", "datetime": "string"}
"""How JSON Schema calls each kind of column."""


def row_schemas(schema: Schema, roles: Roles) -> dict[str, Any]:
    """Return the schemas of a row, and of a value that is missing."""
    properties = {column.name: _property(column, schema.texts) for column in schema.columns}
    if roles.id is not None and roles.id not in properties:
        properties[roles.id] = {"description": "names the row in the record, and is no matter to the model"}
    required = [column.name for column in schema.columns if column.required or not _may_miss(column)]
    row = {"type": "object", "properties": properties, "required": required, "examples": [example_row(schema)]}
    return {"Row": row, "Missing": _missing(schema.texts)}


def example_row(schema: Schema) -> dict[str, Any]:
    """Return a row that the model takes: the middle of each range, the first of each list of categories.

    A column that need not be there, and that training rows held no value of, is left out.
    """
    return {
        column.name: _example(column)
        for column in schema.columns
        if column.required or column.categories or column.minimum is not None
    }


def _property(column: Column, texts: TextRules) -> dict[str, Any]:
    said = _value(column, texts)
    if column.categories is not None and column.kind == "string":
        said["examples"] = [*column.categories[:MOST_EXAMPLES]]
        said["description"] = f"{len(column.categories)} values {_whose(column)}; another one is {_fate(column)}"
    elif column.minimum is not None and column.maximum is not None:
        low, high = (_shown(column, value) for value in (column.minimum, column.maximum))
        said["description"] = f"{low} to {high} {_whose(column)}; a value beyond is {_fate(column)}"
    if column.pattern is not None:
        said["description"] = f"matches {column.pattern}; another value is {_fate(column)}"
    if column.kind == "datetime":
        told = "a time that names no zone is taken, too, for UTC"
        said["description"] = f"{said['description']}; {told}" if "description" in said else told
    return said


def _value(column: Column, texts: TextRules) -> dict[str, Any]:
    """Return what a value may be: of the column's kind and, where it may be missing, a null or a text that says so."""
    own: dict[str, Any] = {"type": KINDS[column.kind]}
    if column.kind == "datetime":
        own["format"] = "date-time"
    if column.on_violation == "reject":
        own |= _limits(column, texts)
    elif column.kind == "string":
        return {"type": ["string", "null"]}
    return {"anyOf": [own, named("Missing")]} if _may_miss(column) else own


def _may_miss(column: Column) -> bool:
    return column.nullable or column.on_violation != "reject"


def _limits(column: Column, texts: TextRules) -> dict[str, Any]:
    """Return what is refused beyond, in the words of JSON Schema, which has none for a range of datetimes."""
    if column.kind == "number":
        held = {"minimum": column.minimum, "maximum": column.maximum}
        return {name: value for name, value in held.items() if value is not None}
    if column.kind == "boolean":
        return {} if column.categories is None else {"enum": [one == "true" for one in column.categories]}
    if column.kind == "datetime":
        return {}
    if column.categories is not None:
        return _one_of([text for text in column.categories if text and text not in texts.missing], texts)
    return {} if column.nullable else {"not": named("Missing")}


def _missing(texts: TextRules) -> dict[str, Any]:
    said = {"description": "a value that is not known", "examples": [None]}
    if texts.strip:
        return said | {"type": ["string", "null"]} | _one_of(["", *texts.missing], texts)
    return said | {"enum": [None, "", *texts.missing]}


def _one_of(words: Sequence[str], texts: TextRules) -> dict[str, Any]:
    """Return that a text is one of some, with spaces around it where these are taken off."""
    if not texts.strip:
        return {"enum": [*words]}
    return {"pattern": rf"^\s*(?:{'|'.join(map(_literal, words))})\s*$"}


def _literal(text: str) -> str:
    """Return a text as a regular expression of JSON Schema, which knows fewer escapes than Python writes."""
    return "".join(rf"\u{ord(one):04x}" if ord(one) < 128 and not one.isalnum() else one for one in text)


def _whose(column: Column) -> str:
    return "in the contract" if column.stated else "in training"


def _fate(column: Column) -> str:
    return "refused" if column.on_violation == "reject" else "answered with a warning"


def _example(column: Column) -> Any:
    if column.kind == "boolean":
        return True
    if column.kind == "string":
        return column.categories[0] if column.categories else "text"
    low, high = column.minimum, column.maximum
    if low is None or high is None:
        # One is enough for a value that is allowed.
        low = high = low if high is None else high
    if low is None or high is None:
        return None
    middle = low + (high - low) / 2
    if column.kind == "datetime":
        # With its zone, without which it is no time to JSON Schema.
        return f"{moment_of(middle).replace(microsecond=0).isoformat()}Z"
    return round(middle) if "Int" in column.dtype else float(f"{middle:.4g}")


def _shown(column: Column, value: float) -> str:
    return f"{moment_of(value).isoformat()}+00:00" if column.kind == "datetime" else f"{value:g}"
