"""`hookline features materialize`."""

from typing import Any


def add(actions: Any) -> None:
    """Add nothing yet."""
