"""What a notebook shows of a value: a page of a plugin that is small enough for a cell, or plain HTML where none brings it."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from html import escape
from pathlib import Path
from typing import Any

from hookline.errors import MissingBackend
from hookline.telling.secrets import logger

from .registry import load_registry

log = logger(__name__)


def cell(name: str, data: Mapping[str, Any], plain: str) -> str:
    """Return the page `<name>_cell` written from plain data; `plain` where no plugin brings it, or a library is missing."""
    registry = load_registry()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "cell.html"
        try:
            return path.read_text("utf-8") if registry.render(f"{name}_cell", data, path) else plain
        except MissingBackend:
            return plain
        except Exception as error:  # noqa: BLE001  a plugin's page may raise anything, and a value is shown all the same
            log.warning("page '%s_cell' failed: %s: %s", name, type(error).__name__, error)
            return plain


def plain_cell(headline: str, rows: Mapping[str, str]) -> str:
    """Return a headline over a table of two columns as HTML that needs no plugin."""
    body = "".join(f"<tr><td>{escape(name)}</td><td>{escape(value)}</td></tr>" for name, value in rows.items())
    return f"<h4>{escape(headline)}</h4><table>{body}</table>"
