"""A look at a catalog's file with the standard library alone, for those who cannot wait for SQLAlchemy."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.parse import quote

from .tables import TABLES

WAIT_SECONDS = 0.05
"""How long a look waits for a writer."""


def glance(
    file: Path, table: str, columns: Sequence[str], *, order: Sequence[str], limit: int, distinct: bool = False
) -> list[tuple[Any, ...]]:
    """Return rows of a table in a SQLite file; none where there is no catalog that can be read. Writes nothing.

    table: its short name; order: columns, each after a minus where its greatest value comes first
    """
    import sqlite3

    query = _query(table, columns, order, distinct=distinct)
    try:
        with closing(sqlite3.connect(address(file), uri=True, timeout=WAIT_SECONDS)) as connection:
            return connection.execute(query, (limit,)).fetchall()
    except sqlite3.Error:
        return []


def _query(table: str, columns: Sequence[str], order: Sequence[str], *, distinct: bool) -> str:
    spec = TABLES[table]
    unknown = {*columns, *(name.removeprefix("-") for name in order)} - set(spec.columns)
    if unknown:
        raise KeyError(f"the catalog's table '{table}' has no column {sorted(unknown)}")
    select = "SELECT DISTINCT" if distinct else "SELECT"
    sorting = ", ".join(f"{name[1:]} DESC" if name.startswith("-") else name for name in order)
    return f"{select} {', '.join(columns)} FROM {spec.name} ORDER BY {sorting} LIMIT ?"


def address(file: Path) -> str:
    """Return the URI by which SQLite reads a catalog's file and writes nothing."""
    # Opening a catalog that nobody writes to would make its write-ahead log anew; `immutable` leaves the folder alone.
    quiet = "" if file.with_name(f"{file.name}-wal").exists() else "&immutable=1"
    return f"file:{quote(str(file))}?mode=ro{quiet}"
