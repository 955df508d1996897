"""Text made harmless for a terminal: what would move its cursor, color it, turn it around or name a window is spelled out."""

from __future__ import annotations

import re

from .secrets import redacted

_ACTING = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff\ufff9-\ufffb]"
)
"""Control characters of both sets but tab and line break, what changes the direction of text, and halves of characters."""


def harmless(text: str) -> str:
    """Return a text that a terminal shows as it is, without secrets; line breaks and tabs stay."""
    return _ACTING.sub(_spelled, redacted(text))


def one_line(text: str) -> str:
    """Return the same in one line, as a cell or a name: line breaks and tabs are spelled out too."""
    return harmless(text).replace("\n", "\\n").replace("\t", "\\t")


def _spelled(found: re.Match[str]) -> str:
    code = ord(found.group())
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"
