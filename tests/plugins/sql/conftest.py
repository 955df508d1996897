"""Databases of all kinds that a test may ask for by name."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from kit.databases import SYSTEMS


@pytest.fixture
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[str], str]:
    """Return the URL of a new, empty database of a system, as the source takes it."""

    def url(system: str) -> str:
        if system in ("sqlite", "duckdb"):
            return f"{system}:///{tmp_path}/rows.{system}"
        found: str = request.getfixturevalue(f"{system}_url")
        return found.replace("+psycopg", "")

    return url


@pytest.fixture(params=SYSTEMS)
def url(request: pytest.FixtureRequest, database: Callable[[str], str]) -> str:
    """The URL of a new, empty database, of each system."""
    return database(request.param)
