"""Which source a position is of, since a position of one says nothing of another."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..kinds import Source
from ..plain import plain

FIELDS = ("url", "topic", "stream", "schema", "table", "query", "parameters", "watermark", "path", "model")
"""What sources call the fields that say where their rows lie; the others may change, such as how long one waits."""
SPAN = ("after", "upto")


def place_of(source: Source) -> dict[str, Any]:
    """Return what tells a source from another, as plain JSON values without secrets."""
    said: Mapping[str, Any] = plain(source)
    where = {name: said[name] for name in FIELDS if name in said}
    rest = {name: value for name, value in said.items() if name not in SPAN}
    return {"component": source.name, **(where or rest)}


def difference(known: Mapping[str, Any], here: Mapping[str, Any]) -> str | None:
    """Return in what two places differ, as `table 'a', and here is one with table 'b'`; None where they are the same."""
    # Of fields that only one of the two knows, the other was made by another version of its plugin.
    for name in (one for one in here if one in known):
        if known[name] != here[name]:
            return f"{name} {known[name]!r}, and here is one with {name} {here[name]!r}"
    return None
