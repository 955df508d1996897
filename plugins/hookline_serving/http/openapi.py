"""The OpenAPI document of one package: its own columns, with what training knows of each."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from hookline import Schema, Target
from hookline.kinds.artifacts import Column
from hookline.kinds.fitted import label_text

MOST_EXAMPLES = 20


def document(schema: Schema, target: Target, info: Mapping[str, Any]) -> dict[str, Any]:
    """Return an OpenAPI 3.1 document of the plain routes."""
    rows = {"type": "array", "items": _ref("Row"), "minItems": 1}
    body = {"type": "object", "properties": {"rows": rows}, "required": ["rows"]}
    answers = {
        "200": _answer("One prediction a row, in order.", _ref("Predictions")),
        "400": _answer("The body is not JSON, or holds no rows.", _ref("Error")),
        "413": _answer("The body is too large.", _ref("Error")),
        "422": _answer("Values that do not fit, each by row and column.", _ref("Error")),
        "503": _answer("The prediction could not be recorded, so it was not answered.", _ref("Error")),
    }
    post = {
        "operationId": "predict",
        "summary": f"Predict {target.name}",
        "requestBody": {
            "required": True,
            "content": {"application/json": {"schema": body, "example": {"rows": [example_row(schema)]}}},
        },
        "responses": answers,
    }
    health = {"operationId": "health", "responses": {"200": _answer("The server answers.", {"type": "object"})}}
    return {
        "openapi": "3.1.0",
        "info": {"title": f"{info['model']} ({info['format']})", "version": str(info["version"] or "unregistered")},
        "paths": {"/predict": {"post": post}, "/health": {"get": health}},
        "components": {"schemas": {"Row": _row(schema), "Predictions": _predictions(target), "Error": _errors()}},
    }


def example_row(schema: Schema) -> dict[str, Any]:
    """Return a row that the model takes: the middle of each range, the first of each list of categories.

    A column that need not be there, and that training rows held no value of, is left out.
    """
    return {
        column.name: _example(column)
        for column in schema.columns
        if column.required or column.categories or column.minimum is not None
    }


def _row(schema: Schema) -> dict[str, Any]:
    properties = {column.name: _property(column) for column in schema.columns}
    required = [column.name for column in schema.columns if column.required]
    return {"type": "object", "properties": properties, "required": required}


def _property(column: Column) -> dict[str, Any]:
    types = {"number": "number", "string": "string", "boolean": "boolean", "datetime": "string"}
    said: dict[str, Any] = {"type": [types[column.kind], "null"]}
    if column.kind == "datetime":
        said["format"] = "date-time"
    if column.categories is not None and column.kind == "string":
        said["examples"] = list(column.categories[:MOST_EXAMPLES])
        said["description"] = f"{len(column.categories)} values {_whose(column)}; another one is {_fate(column)}"
    elif column.minimum is not None and column.maximum is not None:
        low, high = (_shown(column, value) for value in (column.minimum, column.maximum))
        said["description"] = f"{low} to {high} {_whose(column)}; a value beyond is {_fate(column)}"
    if column.pattern is not None:
        said["description"] = f"matches {column.pattern}; another value is {_fate(column)}"
    return said


def _whose(column: Column) -> str:
    return "in the contract" if column.stated else "in training"


def _fate(column: Column) -> str:
    return "refused" if column.on_violation == "reject" else "answered with a warning"


def _predictions(target: Target) -> dict[str, Any]:
    labels = {"enum": list(target.classes)} if target.classes else {"type": "number"}
    item: dict[str, Any] = {
        "id": {"type": "string", "format": "uuid", "description": "names the prediction in the record"},
        "prediction": labels,
        "warnings": {"type": "array", "items": {"type": "string"}},
    }
    if target.classes:
        chances = {label_text(label): {"type": "number"} for label in target.classes}
        item["probabilities"] = {"type": "object", "properties": chances}
    items = {"type": "object", "properties": item, "required": ["id", "prediction", "warnings"]}
    properties = {
        "model": {"type": "string"},
        "version": {"type": ["integer", "null"]},
        "predictions": {"type": "array", "items": items},
    }
    return {"type": "object", "properties": properties, "required": list(properties)}


def _errors() -> dict[str, Any]:
    problem = {
        "row": {"type": "integer", "description": "position in the request, from 0"},
        "column": {"type": "string"},
        "message": {"type": "string"},
    }
    problems = {"type": "array", "items": {"type": "object", "properties": problem}}
    return {"type": "object", "properties": {"error": {"type": "string"}, "problems": problems}, "required": ["error"]}


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
        return datetime.fromtimestamp(middle, UTC).replace(microsecond=0, tzinfo=None).isoformat()
    return round(middle) if "Int" in column.dtype else float(f"{middle:.4g}")


def _shown(column: Column, value: float) -> str:
    return datetime.fromtimestamp(value, UTC).isoformat() if column.kind == "datetime" else f"{value:g}"


def _ref(name: str) -> dict[str, str]:
    return {"$ref": f"#/components/schemas/{name}"}


def _answer(text: str, schema: Mapping[str, Any]) -> dict[str, Any]:
    return {"description": text, "content": {"application/json": {"schema": schema}}}
