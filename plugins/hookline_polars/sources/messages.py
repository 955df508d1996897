"""Words of others, as short as a message can bear."""

from __future__ import annotations


def first_line(error: Exception) -> str:
    """Return the first line of what an error says."""
    return short(str(error).strip().splitlines()[0])


def short(text: object) -> str:
    """Return at most 300 characters."""
    shown = str(text)
    return shown if len(shown) <= 300 else f"{shown[:297]}..."
