"""Types of rows, made from an input contract, as which msgspec reads JSON or with which it compares what was read."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Annotated, Any, Literal

import msgspec

from hookline import Roles, Schema
from hookline.artifacts import Column

JSON_TYPES: dict[str, Any] = {
    "number": float | None,
    "string": str | None,
    "boolean": bool | None,
    "datetime": str | None,
}
"""How each kind of column travels."""
MOST_EXACT = 2**53
"""Whole numbers up to this one are themselves as float64."""


def fitting_row(schema: Schema) -> Any:
    """Return the type of rows that the model can take: a field a column, in order, whatever else there is."""
    return _row(schema, lambda column: JSON_TYPES[column.kind], None, only=False)


def body_of(row: Any) -> Any:
    """Return the type of a body that holds rows of a type, at least one."""
    rows = Annotated[list[row], msgspec.Meta(min_length=1)]
    return msgspec.defstruct("Body", [("rows", rows)], gc=False)


def plain_row(schema: Schema, roles: Roles) -> Any:
    """Return the type of rows in which the contract finds nothing to tell, but for the columns that `asks_more` names.

    A field a column, in order, and last `row_id` for an id apart from them; a row with anything else in it is no plain one.
    """
    return _row(schema, _plain, None if roles.id in schema.names else roles.id, only=True)


def asks_more(column: Column) -> bool:
    """Tell whether a plain row's type does not say all that the contract asks of a column."""
    if column.kind == "boolean":
        return column.categories is not None and not {"true", "false"} <= set(column.categories)
    return column.kind == "datetime" or column.pattern is not None or column.categories == ()


def _row(schema: Schema, kind: Callable[[Column], Any], row_id: str | None, only: bool) -> Any:
    """Return a type of rows; a column that the contract does not require may be left out. only: of nothing else."""
    fields: list[Any] = []
    # Fields are numbered, since a column may be called what no field of Python can be.
    for place, column in enumerate(schema.columns):
        fields.append((f"column_{place}", kind(column), *(() if column.required else (None,))))
    names = {f"column_{place}": name for place, name in enumerate(schema.names)}
    if row_id is not None:
        fields.append(("row_id", Any, None))
        names["row_id"] = row_id
    return msgspec.defstruct(
        "Row", fields, rename=names, kw_only=True, gc=False, omit_defaults=True, forbid_unknown_fields=only
    )


def _plain(column: Column) -> Any:
    if asks_more(column):
        return JSON_TYPES[column.kind]
    kind: Any = bool
    if column.kind == "number":
        kind = _number(column)
    elif column.kind == "string":
        kind = _text(column)
    return kind | None if column.nullable else kind


def _number(column: Column) -> Any:
    low, high = column.minimum, column.maximum
    whole = column.dtype.startswith(("Int", "UInt"))
    if whole and low is not None and high is not None and max(-low, high) <= MOST_EXACT:
        # As the column's own type, so that the record shows whole numbers as they came.
        return Annotated[int, msgspec.Meta(ge=math.ceil(low), le=math.floor(high))]
    return Annotated[float, msgspec.Meta(ge=low, le=high)]


def _text(column: Column) -> Any:
    if column.categories is not None:
        known = {*column.categories, ""} if column.nullable else {*column.categories} - {""}
        return Literal[tuple(sorted(known))]
    return str if column.nullable else Annotated[str, msgspec.Meta(min_length=1)]
