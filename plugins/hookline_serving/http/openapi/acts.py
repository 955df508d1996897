"""What one route does, as OpenAPI says it: the bodies that it takes, and every status that it answers with."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

JSON = "application/json"
BINARY = {"schema": {"type": "string", "format": "binary"}}
"""A body of bytes, of which JSON Schema can say no more."""
REFUSED = {
    "400": "The request is no HTTP, or its body is not what the route takes.",
    "401": "A token is asked for, and none of those was sent.",
    "404": "There is no such thing here.",
    "408": "The request came too slowly.",
    "413": "The body, a row of it, or their number is too large.",
    "415": "The body is of a kind that the route does not take.",
    "422": "Values that do not fit, each by row and column.",
    "431": "The head of the request is too large.",
    "500": "The model or the server is at fault.",
    "501": "Nothing that is installed can do it.",
    "503": "Too much is asked at this moment, or what must be kept cannot be; nothing was done.",
}
HEADERS = {
    "401": ("WWW-Authenticate", {"type": "string"}, "How to send a token."),
    "503": ("Retry-After", {"type": "integer", "minimum": 0}, "After how many seconds to ask again."),
}
"""Of an answer with a status: what it has in its head."""
ANY = ("400", "408", "431", "500", "503")
"""Statuses that any route may answer with."""
ANY_BODY = (*ANY, "413", "422")
"""Those of a route that takes a body."""


def get(
    name: str,
    summary: str,
    answer: Mapping[str, Any],
    parameters: Sequence[Mapping[str, Any]] = (),
    wrong: Sequence[str] = (),
) -> dict[str, Any]:
    """Return what a route does that takes no body. answer: by media type; wrong: statuses of its own"""
    said = {"operationId": name, "summary": summary, "responses": _responses(f"{summary}.", answer, (*ANY, *wrong))}
    return said | ({"parameters": [*parameters]} if parameters else {})


def post(
    name: str,
    summary: str,
    body: Mapping[str, Any],
    answer: Mapping[str, Any],
    parameters: Sequence[Mapping[str, Any]] = (),
    wrong: Sequence[str] = (),
) -> dict[str, Any]:
    """Return what a route does that takes a body. body, answer: by media type; wrong: statuses of its own"""
    request = {"name": "X-Request-ID", "in": "header", "schema": {"type": "string"}}
    return {
        "operationId": name,
        "summary": summary,
        "parameters": [*parameters, request | {"description": "What the record calls the request."}],
        "requestBody": {"required": True, "content": dict(body)},
        "responses": _responses(f"{summary}.", answer, (*ANY_BODY, *wrong)),
    }


def in_json(schema: Mapping[str, Any], example: Any = None) -> dict[str, Any]:
    """Return a body of JSON, by its media type."""
    return {JSON: {"schema": schema} | ({} if example is None else {"example": example})}


def in_path(name: str, values: Sequence[str]) -> dict[str, Any]:
    """Return a part of the path. values: all that it may be; none: nothing that it may be is known"""
    return {"name": name, "in": "path", "required": True, "schema": {"type": "string"} | _one_of(values)}


def record(**properties: Any) -> dict[str, Any]:
    """Return the schema of an object with all of these properties."""
    return {"type": "object", "properties": properties, "required": [*properties]}


def listed(items: Mapping[str, Any], fewest: int = 0, most: int | None = None) -> dict[str, Any]:
    """Return the schema of a list."""
    bounds = {"minItems": fewest or None, "maxItems": most}
    return {"type": "array", "items": items, **{name: bound for name, bound in bounds.items() if bound is not None}}


def named(name: str) -> dict[str, str]:
    """Return a reference to a schema."""
    return {"$ref": f"#/components/schemas/{name}"}


def with_tokens(act: Mapping[str, Any], is_open: bool) -> dict[str, Any]:
    """Return what a route does where a token is asked for. is_open: but not by this one"""
    if is_open:
        return {**act, "security": []}
    return {**act, "responses": act["responses"] | {"401": _wrong("401")}}


def _one_of(values: Sequence[str]) -> dict[str, Any]:
    return {"enum": [*values]} if values else {}


def _responses(summary: str, answer: Mapping[str, Any], wrong: Sequence[str]) -> dict[str, dict[str, Any]]:
    good = {"description": summary, "content": dict(answer)}
    return {"200": good, **{status: _wrong(status) for status in sorted(wrong)}}


def _wrong(status: str) -> dict[str, Any]:
    said: dict[str, Any] = {"description": REFUSED[status], "content": in_json(named("Error"))}
    if status in HEADERS:
        name, schema, description = HEADERS[status]
        said["headers"] = {name: {"schema": schema, "description": description, "required": True}}
    return said
