"""Rows that an HTTP server answers with: JSON, NDJSON, CSV or Parquet, page by page."""

from __future__ import annotations

from hookline import Source, hookimpl

from .sources import HttpSource

__all__ = ["HttpSource"]


@hookimpl
def register_sources() -> list[type[Source]]:
    """Return the source."""
    return [HttpSource]
