"""Which source a folder of batches or marks is of, since a position of one says nothing of another."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from hookline.errors import StoreError, UsageError
from hookline.kinds.streams.places import difference
from hookline.workspace.signing import flush

FILE = "source.json"


def require_same(folder: Path, place: Mapping[str, Any], instead: str) -> None:
    """Raise UsageError where what is kept in a folder came from another source. instead: what to do about it"""
    path = folder / FILE
    try:
        kept = json.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        return
    except ValueError as error:
        raise StoreError(f"{path} is damaged", hint="delete it, where the source is the same as before") from error
    if differs := difference(kept, place):
        raise UsageError(
            f"{folder} is of a source with {differs}",
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
