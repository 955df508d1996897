"""Types of rows, made from an input contract, as which msgspec reads JSON or with which it compares what was read."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from typing import Annotated, Any, Literal

import msgspec

from hookline import Roles, Schema
from hookline.kinds.artifacts import Column

JSON_TYPES: dict[str, Any] = {
    "number": float | None,
    "string": str | None,
    "boolean": bool | None,
    "datetime": str | None,
}
"""How each kind of column travels."""
SPELLED_OUT = re.compile(r'["\\\x00-\x1f]')
"""Characters that JSON writes in other words; msgspec calls no field by a name that has one."""
MOST_EXACT = 2**53 - 1
"""Whole numbers up to this one are themselves as float64, and no others become one of them."""


def can_be_fields(names: Sequence[str]) -> bool:
    """Tell whether a type of rows can call its fields as the columns are called."""
    return not any(SPELLED_OUT.search(name) for name in names)


def field_name(place: int) -> str:
    """Return what the field of a column is called in Python, and in rows too where `can_be_fields` says no."""
    return f"column_{place}"


def fitting_row(schema: Schema) -> Any:
    """Return the type of rows that the model can take: a field a column, in order, whatever else there is.

    Fields are called as the columns are or, where these cannot be, `field_name`.
    """
    fields = [(JSON_TYPES[column.kind], *(() if column.required else (None,))) for column in schema.columns]
    return _row(schema.names, fields, only=False)


def plain_row(schema: Schema, roles: Roles) -> Any:
    """Return the type of rows in which the contract finds nothing to tell, but for the columns that `asks_more` names.

    A field a column, in order, and last `row_id` for an id apart from them, UNSET where a row has not what it need not; a row
    with anything else in it is no plain one.
    """
    fields = [_plain(column) for column in schema.columns]
    if roles.id is None or roles.id in schema.names:
        return _row(schema.names, fields, only=True)
    return _row((*schema.names, roles.id), [*fields, (Any, msgspec.UNSET)], only=True, row_id=len(fields))


def body_of(row: Any) -> Any:
    """Return the type of a body that holds rows of a type, at least one."""
    rows = Annotated[list[row], msgspec.Meta(min_length=1)]
    return msgspec.defstruct("Body", [("rows", rows)], gc=False)


def asks_more(column: Column) -> bool:
    """Tell whether a plain row's type does not say all that the contract asks of a column."""
    if column.kind == "boolean":
        return column.categories is not None and not {"true", "false"} <= set(column.categories)
    no_text = column.categories is not None and not any(column.categories)
    return column.kind == "datetime" or column.pattern is not None or no_text


def _row(names: Sequence[str], fields: Sequence[tuple[Any, ...]], only: bool, row_id: int | None = None) -> Any:
    """Return a type of rows. fields: type, and default where there is one; only: of nothing else; row_id: the id's place."""
    # Not called as the columns are, which may have names that no field of Python can have.
    called = ["row_id" if place == row_id else field_name(place) for place in range(len(fields))]
    given = [(name, *field) for name, field in zip(called, fields, strict=True)]
    rename = dict(zip(called, names, strict=True)) if can_be_fields(names) else None
    return msgspec.defstruct("Row", given, rename=rename, kw_only=True, gc=False, forbid_unknown_fields=only)


def _plain(column: Column) -> tuple[Any, ...]:
    kind: Any = bool
    if asks_more(column):
        kind = JSON_TYPES[column.kind]
    elif column.kind == "number":
        kind = _number(column)
    elif column.kind == "string":
        kind = _text(column)
    if not column.nullable:
        return (kind,)
    return (kind | None,) if column.required else (kind | msgspec.UnsetType | None, msgspec.UNSET)


def _number(column: Column) -> Any:
    # A whole number beyond would not be itself as a float, which the record is to show.
    low = -MOST_EXACT if column.minimum is None else max(column.minimum, -MOST_EXACT)
    high = MOST_EXACT if column.maximum is None else min(column.maximum, MOST_EXACT)
    if column.dtype.startswith(("Int", "UInt")) and low <= high:
        return Annotated[int, msgspec.Meta(ge=math.ceil(low), le=math.floor(high))]
    return Annotated[float, msgspec.Meta(ge=low, le=high)]


def _text(column: Column) -> Any:
    if column.categories is not None:
        known = {*column.categories, ""} if column.nullable else {*column.categories} - {""}
        return Literal[tuple(sorted(known))]
    return str if column.nullable else Annotated[str, msgspec.Meta(min_length=1)]
