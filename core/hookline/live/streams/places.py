"""Which source a folder of batches or marks is of, since a position of one says nothing of another."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from hookline.errors import StoreError, UsageError
from hookline.kinds.kinds import Source
from hookline.kinds.plain import plain
from hookline.workspace.signing import flush

FILE = "source.json"
FIELDS = ("url", "topic", "stream", "schema", "table", "query", "parameters", "watermark", "path", "model")
"""What sources call the fields that say where their rows lie; the others may change, such as how long one waits."""
SPAN = ("after", "upto")


def place_of(source: Source) -> dict[str, Any]:
    """Return what tells a source from another, as plain JSON values without secrets."""
    said: Mapping[str, Any] = plain(source)
    where = {name: said[name] for name in FIELDS if name in said}
    rest = {name: value for name, value in said.items() if name not in SPAN}
    return {"component": source.name, **(where or rest)}


def require_same(folder: Path, place: Mapping[str, Any], instead: str) -> None:
    """Raise UsageError where what is kept in a folder came from another source. instead: what to do about it"""
    path = folder / FILE
    try:
        kept = json.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        return
    except ValueError as error:
        raise StoreError(f"{path} is damaged", hint="delete it, where the source is the same as before") from error
    # Of fields that only one of the two knows, the other was made by another version of its plugin.
    for name in (one for one in place if one in kept):
        if kept[name] != place[name]:
            raise UsageError(
                f"{folder} is of a source with {name} {kept[name]!r}, and here is one with {name} {place[name]!r}",
                hint=f"{instead}; where it is the same place, called otherwise by now, delete {path}",
            )


def keep(folder: Path, place: Mapping[str, Any]) -> None:
    """Write down which source a folder is of, unless that is known; once something of it is kept there."""
    path = folder / FILE
    if not path.exists():
        temporary = path.with_name(f".{FILE}")
        temporary.write_text(json.dumps(place), "utf-8")
        flush(temporary)
        temporary.replace(path)
