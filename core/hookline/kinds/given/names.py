"""Which names people may give: to models, aliases, collections and sweeps, each a folder, a line and a word of a command."""

from __future__ import annotations

import re

from hookline.errors import UsageError
from hookline.telling.terminal import one_line

NAME = re.compile(r"\w[\w.-]*")
LONGEST = 200
"""Bytes of a name; a file system takes 255, and some stand before or behind ours."""
SHOWN = 80
RULE = "may hold letters, digits, '_', '-' and '.' and begin with a letter, digit or '_'"


def fault_of(name: str) -> str | None:
    """Say why a text may be no name; None where it may."""
    if not NAME.fullmatch(name):
        return RULE
    size = len(name.encode("utf-8"))
    return f"may have {LONGEST} bytes, and has {size:,}" if size > LONGEST else None


def require_name(name: str, what: str, example: str) -> None:
    """Raise UsageError for a text that may not name `what`; example: a name that could."""
    if fault := fault_of(name):
        shown = name if len(name) <= SHOWN else f"{name[: SHOWN - 3]}..."
        raise UsageError(f"'{one_line(shown)}' cannot name {what}: it {fault}", hint=f"choose one such as {example}")


def shortened(name: str, longest: int = 100) -> str:
    """Return a name that was made from another text, cut to so many bytes."""
    return name.encode("utf-8")[:longest].decode("utf-8", "ignore").rstrip("._-")
