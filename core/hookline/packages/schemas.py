"""JSON schemas of what a package says of itself, for whoever reads it without hookline: one a document and package format."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from hookline.errors import UnknownName
from hookline.kinds.plain import adapter

from .certificate.certificate import Certificate
from .door.shape import Shape
from .manifest import FORMAT

DOCUMENTS: dict[str, type[Any]] = {"manifest": Shape, "certificate": Certificate}
"""Document -> what it holds; the file in a package is called `<document>.json`."""


def published(document: str) -> dict[str, Any]:
    """Return the schema (JSON Schema 2020-12) that is shipped for a document of packages of this format.

    Raises UnknownName where there is no such document.
    """
    if document not in DOCUMENTS:
        raise UnknownName("document", document, sorted(DOCUMENTS))
    found: dict[str, Any] = json.loads(file_of(document).read_text("utf-8"))
    return found


def file_of(document: str) -> Path:
    """Return where the schema of a document lies, which is part of hookline."""
    return Path(__file__).with_name(f"{document}.v{FORMAT}.schema.json")


def made(document: str) -> dict[str, Any]:
    """Return the schema as the code has it that checks a document when it is read."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": f"urn:hookline:package:{FORMAT}:{document}",
        **adapter(DOCUMENTS[document]).json_schema(),
        "title": f"{document}.json of a hookline package of format {FORMAT}",
    }
