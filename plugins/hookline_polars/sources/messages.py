"""Words of others, as short as a message can bear."""

from __future__ import annotations

EMPTY = "look whether what writes it has filled it, or name another in source.path"
"""What to do about what has no rows."""
WHO = "look at who may read it, and whether it is still there"
"""What to do about what the system does not open."""


def first_line(error: Exception) -> str:
    """Return the first line of what an error says."""
    return short(str(error).strip().splitlines()[0])


def short(text: object) -> str:
    """Return at most 300 characters."""
    shown = str(text)
    return shown if len(shown) <= 300 else f"{shown[:297]}..."
