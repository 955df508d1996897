"""What the OpenAPI document says of the further routes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

TEXT = {"text/plain": {"schema": {"type": "string"}}}


def further_paths() -> dict[str, Any]:
    """Return what each further route takes and answers."""
    return {
        "/metrics": {"get": _get("metrics", "What was counted, in Prometheus's text exposition", TEXT)},
    }


def _get(name: str, summary: str, content: Mapping[str, Any]) -> dict[str, Any]:
    responses = {"200": {"description": f"{summary}.", "content": content}, "default": _wrong("What is wrong.")}
    return {"operationId": name, "summary": summary, "responses": responses}


def _wrong(text: str) -> dict[str, Any]:
    error = {"$ref": "#/components/schemas/Error"}
    return {"description": text, "content": {"application/json": {"schema": error}}}
