"""What the OpenAPI document says of the further routes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

PARQUET = "application/vnd.apache.parquet"

LABEL = {
    "type": "object",
    "properties": {
        "prediction_id": {"type": "string", "minLength": 1, "description": "the id that the answer had"},
        "value": {"description": "what turned out to be true; null tells nothing"},
        "time": {"type": "string", "description": "since when, ISO 8601; of all rows or of none"},
    },
    "required": ["prediction_id", "value"],
}
BINARY = {"schema": {"type": "string", "format": "binary"}}
NOTHING = {"application/json": {"schema": {"type": "object"}}}
TEXT = {"text/plain": {"schema": {"type": "string"}}}


def further_paths(example: Mapping[str, Any]) -> dict[str, Any]:
    """Return what each further route takes and answers. example: a row"""
    return {
        "/metrics": {"get": _get("metrics", "What was counted, in Prometheus's text exposition", TEXT)},
        "/docs": {"get": _get("docs", "A page to try the model", {"text/html": {"schema": {"type": "string"}}})},
        "/ping": {"get": _get("ping", "Whether a version can answer, as MLflow's server says it", NOTHING)},
        "/version": {"get": _get("version", "The version of hookline", TEXT)},
        "/invocations": {"post": _invocations(example)},
        "/explain": {"post": _explain()},
        "/labels": {"post": _labels()},
    }


def takes(act: dict[str, Any], media: str) -> dict[str, Any]:
    """Return what a route is said to do, with a further media type that it takes and answers with."""
    body, answer = act["requestBody"], act["responses"]["200"]
    body, answer = ({**one, "content": one["content"] | {media: BINARY}} for one in (body, answer))
    return {**act, "requestBody": body, "responses": act["responses"] | {"200": answer}}


def _explain() -> dict[str, Any]:
    number, text = {"type": "number"}, {"type": "string"}
    values = {"type": "object", "additionalProperties": number}
    row = {"type": "object", "properties": {"base": number, "values": values}, "required": ["base", "values"]}
    rows = {"type": "array", "items": row}
    properties = {
        "model": text,
        "version": {"type": ["integer", "null"]},
        "method": text,
        "unit": text,
        "background": text,
        "explanations": rows,
    }
    answer = {"type": "object", "properties": properties, "required": list(properties)}
    wrong = {
        "422": "Values that do not fit, each by row and column.",
        "501": "Nothing that is installed explains answers.",
    }
    body = {"$ref": "#/components/schemas/Rows"}
    return _post("explain", "Say how much each column moved the answer", body, answer, wrong)


def _labels() -> dict[str, Any]:
    several = {"type": "array", "items": LABEL, "minItems": 1}
    rows = {"type": "object", "properties": {"rows": several}, "required": ["rows"]}
    said = ("added", "corrected", "aside", "known", "empty", "zoneless")
    counts = {"model": {"type": "string"}, **{name: {"type": "integer"} for name in said}}
    answer = {"type": "object", "properties": counts, "required": list(counts)}
    wrong = {
        "404": "No labels are kept of what is served.",
        "422": "Rows that are wrong, each by its place; none is taken.",
    }
    return _post(
        "labels", "Tell what turned out to be true of answers", {"anyOf": [rows, several, LABEL]}, answer, wrong
    )


def _invocations(example: Mapping[str, Any]) -> dict[str, Any]:
    several = {"type": "array", "minItems": 1}
    split = {"type": "object", "properties": {"columns": {"type": "array"}, "data": several}, "required": ["data"]}
    either = {"type": ["array", "object"]}
    shapes = {"dataframe_split": split, "dataframe_records": several, "instances": several, "inputs": either}
    body = {
        "oneOf": [{"type": "object", "properties": {name: held}, "required": [name]} for name, held in shapes.items()]
    }
    ids = {"type": "array", "items": {"type": "string"}}
    answer = {
        "type": "object",
        "properties": {"predictions": {"type": "array"}, "prediction_ids": ids},
        "required": ["predictions", "prediction_ids"],
    }
    wrong = {
        "415": "The body is neither JSON, CSV nor Parquet.",
        "422": "Values that do not fit, each by row and column.",
    }
    said = _post("invocations", "Predict, as MLflow's scoring server does", body, answer, wrong)
    said["requestBody"]["content"]["application/json"]["example"] = {"dataframe_records": [example]}
    said["requestBody"]["content"] |= {"text/csv": {"schema": {"type": "string"}}, PARQUET: BINARY}
    return said


def _post(name: str, summary: str, body: Any, answer: Any, wrong: Mapping[str, str]) -> dict[str, Any]:
    told = {
        "400": "The body is not JSON, or holds no rows.",
        "413": "The body, or the number of its rows, is too large.",
    }
    told |= {"503": "Too much is asked at this moment, or it could not be kept.", "default": "What is wrong.", **wrong}
    responses = {status: _wrong(text) for status, text in told.items()}
    responses["200"] = {"description": f"{summary}.", "content": {"application/json": {"schema": answer}}}
    content = {"application/json": {"schema": body}}
    return {
        "operationId": name,
        "summary": summary,
        "requestBody": {"required": True, "content": content},
        "responses": responses,
    }


def _get(name: str, summary: str, content: Mapping[str, Any]) -> dict[str, Any]:
    responses = {"200": {"description": f"{summary}.", "content": content}, "default": _wrong("What is wrong.")}
    return {"operationId": name, "summary": summary, "responses": responses}


def _wrong(text: str) -> dict[str, Any]:
    error = {"$ref": "#/components/schemas/Error"}
    return {"description": text, "content": {"application/json": {"schema": error}}}
