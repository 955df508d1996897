"""The paths of the OpenAPI document: every route, with what it takes and answers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hookline import Schema, Target

from .inference_protocol import DATATYPES
from .tensors import KNOWN_DATATYPES

NAMED = "/v2/models/{model}"
VERSIONED = f"{NAMED}/versions/{{version}}"
OBJECT = {"type": "object"}


def paths(schema: Schema, target: Target, info: Mapping[str, Any], example: Mapping[str, Any]) -> dict[str, Any]:
    """Return what each route takes and answers. example: a body for `/predict`."""
    model = [_parameter("model", info["model"])]
    both = [*model, _parameter("version", info["version"])]
    tensors = _tensors(schema)
    ready = _object(name={"type": "string"}, ready={"const": True})
    return {
        "/": {"get": _get("routes", "What is served, and the routes", OBJECT)},
        "/health": {"get": _get("health", "Whether the server answers", _object(status={"const": "ok"}))},
        "/metadata": {
            "get": _get("metadata", "The input contract and the target", _object(schema=OBJECT, target=OBJECT))
        },
        "/example": {"get": _get("example", "A body for /predict", _object(rows={"type": "array", "items": OBJECT}))},
        "/openapi.json": {"get": _get("openapi", "This document", OBJECT)},
        "/predict": {"post": _post("predict", f"Predict {target.name}", _ref("Rows"), _ref("Predictions"), example)},
        "/v2": {"get": _get("server_metadata", "The server, in the Open Inference Protocol", _ref("Server"))},
        "/v2/health/live": {"get": _get("server_live", "Whether the server lives", _object(live={"const": True}))},
        "/v2/health/ready": {"get": _get("server_ready", "Whether it answers", _object(ready={"const": True}))},
        NAMED: {"parameters": model, "get": _get("model_metadata", "The tensors of the model", _ref("Model"))},
        f"{NAMED}/ready": {"parameters": model, "get": _get("model_ready", "Whether the model answers", ready)},
        f"{NAMED}/infer": {
            "parameters": model,
            "post": _post("infer", f"Predict {target.name} from tensors", _ref("Tensors"), _ref("Outputs"), tensors),
        },
        VERSIONED: {"parameters": both, "get": _get("version_metadata", "The tensors of a version", _ref("Model"))},
        f"{VERSIONED}/ready": {"parameters": both, "get": _get("version_ready", "Whether a version answers", ready)},
        f"{VERSIONED}/infer": {
            "parameters": both,
            "post": _post("version_infer", "The same of a version", _ref("Tensors"), _ref("Outputs"), tensors),
        },
    }


def protocol_schemas() -> dict[str, Any]:
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


def _get(name: str, summary: str, answer: Mapping[str, Any]) -> dict[str, Any]:
    responses = {"200": _answer(f"{summary}.", answer), "default": _answer("What is wrong.", _ref("Error"))}
    return {"operationId": name, "summary": summary, "responses": responses}


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
