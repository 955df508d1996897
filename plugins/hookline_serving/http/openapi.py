"""The OpenAPI document of one package: its own columns, with what training knows of each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from hookline import Schema, Target
from hookline.data.contract.limits import moment_of
from hookline.kinds.artifacts import Column
from hookline.kinds.fitted import label_text

from .inference_protocol import DATATYPES
from .reading.tensors import KNOWN_DATATYPES
from .routes.described import further_paths, takes

MOST_EXAMPLES = 20
NAMED = "/v2/models/{model}"
VERSIONED = f"{NAMED}/versions/{{version}}"
OBJECT = {"type": "object"}


def document(schema: Schema, target: Target, info: Mapping[str, Any]) -> dict[str, Any]:
    """Return an OpenAPI 3.1 document of every route."""
    schemas = {"Row": _row(schema), "Rows": _rows(), "Predictions": _predictions(target), "Error": _errors()}
    return {
        "openapi": "3.1.0",
        "info": {"title": f"{info['model']} ({info['format']})", "version": str(info["version"] or "unregistered")},
        "paths": _paths(schema, target, info, {"rows": [example_row(schema)]}) | further_paths(example_row(schema)),
        "components": {"schemas": {**schemas, **_protocol_schemas()}},
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


def _rows() -> dict[str, Any]:
    row = {"$ref": "#/components/schemas/Row"}
    several = {"type": "array", "items": row, "minItems": 1}
    return {"anyOf": [{"type": "object", "properties": {"rows": several}, "required": ["rows"]}, several, row]}


def _property(column: Column) -> dict[str, Any]:
    types = {"number": "number", "string": "string", "boolean": "boolean", "datetime": "string"}
    rejects = column.on_violation == "reject"
    said: dict[str, Any] = {"type": [types[column.kind], *(["null"] if column.nullable or not rejects else [])]}
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
    return said | (_limits(column) if rejects else {})


def _limits(column: Column) -> dict[str, Any]:
    """Return what is refused beyond, in the words of JSON Schema, which has none for a range of datetimes."""
    held = {"minimum": column.minimum, "maximum": column.maximum} if column.kind == "number" else {}
    said: dict[str, Any] = {name: value for name, value in held.items() if value is not None}
    if column.kind == "string" and column.categories is not None:
        said["enum"] = [*column.categories, *([None, ""] if column.nullable else [])]
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
        return moment_of(middle).replace(microsecond=0).isoformat()
    return round(middle) if "Int" in column.dtype else float(f"{middle:.4g}")


def _shown(column: Column, value: float) -> str:
    return f"{moment_of(value).isoformat()}+00:00" if column.kind == "datetime" else f"{value:g}"


def _paths(schema: Schema, target: Target, info: Mapping[str, Any], example: Mapping[str, Any]) -> dict[str, Any]:
    """Return what each route takes and answers. example: a body for `/predict`."""
    model = [_parameter("model", info["model"])]
    both = [*model, _parameter("version", info["version"])]
    tensors = _tensors(schema)
    ready = _object(name={"type": "string"}, ready={"const": True})
    return {
        "/": {"get": _get("routes", "What is served, and the routes", OBJECT)},
        "/health": {"get": _get("health", "Whether the server answers", _object(status={"const": "ok"}))},
        "/ready": {"get": _get("ready", "Whether a version can answer", ready)},
        "/metadata": {
            "get": _get("metadata", "The input contract and the target", _object(schema=OBJECT, target=OBJECT))
        },
        "/example": {"get": _get("example", "A body for /predict", _object(rows={"type": "array", "items": OBJECT}))},
        "/openapi.json": {"get": _get("openapi", "This document", OBJECT)},
        "/predict": {
            "post": takes(
                _post("predict", f"Predict {target.name}", _ref("Rows"), _ref("Predictions"), example),
                "application/vnd.apache.arrow.stream",
            )
        },
        "/v2": {"get": _get("server_metadata", "The server, in the Open Inference Protocol", _ref("Server"))},
        "/v2/health/live": {"get": _get("server_live", "Whether the server lives", _object(live={"const": True}))},
        "/v2/health/ready": {"get": _get("server_ready", "Whether it answers", _object(ready={"const": True}))},
        NAMED: {"get": _get("model_metadata", "The tensors of the model", _ref("Model"), model)},
        f"{NAMED}/ready": {"get": _get("model_ready", "Whether the model answers", ready, model)},
        f"{NAMED}/infer": {"post": _infer("infer", f"Predict {target.name} from tensors", tensors, model)},
        VERSIONED: {"get": _get("version_metadata", "The tensors of a version", _ref("Model"), both)},
        f"{VERSIONED}/ready": {"get": _get("version_ready", "Whether a version answers", ready, both)},
        f"{VERSIONED}/infer": {"post": _infer("version_infer", "The same of a version", tensors, both)},
    }


def _protocol_schemas() -> dict[str, Any]:
    """Return the schemas of the Open Inference Protocol."""
    named = {"name": {"type": "string"}, "datatype": {"enum": list(KNOWN_DATATYPES)}}
    sizes = {"type": "array", "items": {"type": "integer"}}
    described = {"type": "array", "items": _object(**named, shape=sizes)}
    tensor = {"type": "object", "properties": {**named, "shape": sizes, "data": {"type": "array", "minItems": 1}}}
    inputs = {"type": "array", "minItems": 1, "items": tensor | {"required": ["name", "data"]}}
    said = {"prediction_ids": {"type": "array", "items": {"type": "string"}}, "warnings": OBJECT}
    version = {"type": "string"}
    return {
        "Server": _object(name={"type": "string"}, version=version, extensions={"type": "array"}),
        "Model": _object(
            name={"type": "string"},
            versions={"type": "array", "items": version},
            platform={"type": "string"},
            inputs=described,
            outputs=described,
        ),
        "Tensors": {"type": "object", "properties": {"inputs": inputs}, "required": ["inputs"]},
        "Outputs": _object(
            model_name={"type": "string"},
            outputs={"type": "array", "items": _object(**named, shape=sizes, data={"type": "array"})},
            parameters=_object(**said),
        ),
    }


def _tensors(schema: Schema) -> dict[str, Any]:
    values = {"number": 1.5, "string": "text", "boolean": True, "datetime": "2024-05-31T14:30:00"}
    return {
        "inputs": [
            {"name": column.name, "datatype": DATATYPES[column.kind], "shape": [1], "data": [values[column.kind]]}
            for column in schema.columns
        ]
    }


def _infer(name: str, summary: str, tensors: Mapping[str, Any], parameters: list[dict[str, Any]]) -> dict[str, Any]:
    return {**_post(name, summary, _ref("Tensors"), _ref("Outputs"), tensors), "parameters": parameters}


def _get(
    name: str, summary: str, answer: Mapping[str, Any], parameters: Sequence[Mapping[str, Any]] = ()
) -> dict[str, Any]:
    responses = {"200": _answer(f"{summary}.", answer), "default": _answer("What is wrong.", _ref("Error"))}
    return {"operationId": name, "summary": summary, "parameters": list(parameters), "responses": responses}


def _post(name: str, summary: str, body: Any, answer: Mapping[str, Any], example: Mapping[str, Any]) -> dict[str, Any]:
    content = {"application/json": {"schema": body, "example": example}}
    wrong = {
        "400": "The body is not JSON, or holds no rows.",
        "404": "Another model or version is served here.",
        "413": "The body, a row of it, or their number is too large.",
        "422": "Values that do not fit, each by row and column.",
        "503": "Too much is asked at this moment, or the prediction could not be recorded; it was not answered.",
        "default": "What is wrong.",
    }
    responses = {status: _answer(text, _ref("Error")) for status, text in wrong.items()}
    return {
        "operationId": name,
        "summary": summary,
        "requestBody": {"required": True, "content": content},
        "responses": {"200": _answer("One prediction a row, in order.", answer), **responses},
    }


def _parameter(name: str, held: Any) -> dict[str, Any]:
    schema: dict[str, Any] = {"type": "string"} if held is None else {"type": "string", "enum": [str(held)]}
    return {"name": name, "in": "path", "required": True, "schema": schema}


def _object(**properties: Any) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "required": list(properties)}


def _ref(name: str) -> dict[str, str]:
    return {"$ref": f"#/components/schemas/{name}"}


def _answer(text: str, schema: Mapping[str, Any]) -> dict[str, Any]:
    return {"description": text, "content": {"application/json": {"schema": schema}}}
