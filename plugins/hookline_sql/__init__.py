"""Rows of databases: PostgreSQL, MariaDB and MySQL, SQLite, DuckDB, and whatever else SQLAlchemy reaches."""

from __future__ import annotations

from hookline import Source, hookimpl

from .sources import SqlSource

__all__ = ["SqlSource"]


@hookimpl
def register_sources() -> list[type[Source]]:
    """Return the source."""
    return [SqlSource]
