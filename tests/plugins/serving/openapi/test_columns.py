"""What the OpenAPI document says of rows, and what the server takes, are the same."""

from __future__ import annotations

from typing import Any

import jsonschema_rs
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hookline import Roles, Schema
from hookline.kinds.artifacts import Column, TextRules
from hookline_serving.http.openapi.columns import row_schemas
from hookline_serving.http.reading.faults import BadRows
from hookline_serving.http.rows import Reader

WORDS = ("", " ", "NA", " NA ", "n.a. (x)", "gold", "lead", "2024-01-03T10:00:00Z")
VALUES = st.none() | st.booleans() | st.integers(-3, 3) | st.floats(-3, 3) | st.sampled_from(WORDS) | st.just([1])


@st.composite
def columns(draw: st.DrawFn) -> Column:
    """Return a column of whatever kind, with the limits that its kind has."""
    kind = draw(st.sampled_from(["number", "string", "boolean", "datetime"]))
    limits: dict[str, Any] = {}
    if kind == "number":
        limits = {"minimum": draw(st.none() | st.just(-1.0)), "maximum": draw(st.none() | st.just(2.0))}
    elif kind == "string":
        limits = {"categories": draw(st.none() | st.just(("gold", "silver")))}
    elif kind == "boolean":
        limits = {"categories": draw(st.sampled_from([None, ("true",), ("false", "true")]))}
    rules = {"on_violation": draw(st.sampled_from(["warn", "reject"])), "nullable": draw(st.booleans())}
    dtypes = {"number": "Float64", "string": "String", "boolean": "Boolean", "datetime": "Datetime"}
    return Column("c", dtypes[kind], kind, required=draw(st.booleans()), **limits, **rules)  # type: ignore[arg-type]


TEXTS = st.builds(TextRules, st.sampled_from([(), ("NA",), ("NA", "n.a. (x)")]), st.booleans())


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(columns(), TEXTS, VALUES)
def test_a_row_is_taken_where_the_document_says_so_and_nowhere_else(
    column: Column, texts: TextRules, value: Any
) -> None:
    schema = Schema((column,), texts)
    for row in ({"c": value}, {"c": value, "other": [{}], "id": 5}, {}):
        try:
            Reader(schema, Roles(id="id")).read([row])
            is_taken = True
        except BadRows:
            is_taken = False
        schemas = row_schemas(schema, Roles(id="id"))
        whole = {"components": {"schemas": schemas}, "$ref": "#/components/schemas/Row"}
        assert jsonschema_rs.Draft202012Validator(whole, validate_formats=True).is_valid(row) == is_taken, row
