"""Records as lines of JSON: which lines are one, and what a crash tore."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from hookline.errors import DataError

TELLS = frozenset(("id", "time", "model", "version", "row", "prediction"))
"""What every record says, among others."""


def record_of(line: bytes | str) -> Mapping[str, Any] | None:
    """Return the record that a line is; None where it is none, or was torn."""
    try:
        record = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return record if _is_record(record) else None


def lines_of(path: Path) -> Iterator[tuple[int, bytes]]:
    """Yield the lines of a file by their numbers, from 1; the last one only where it is whole."""
    with path.open("rb") as file:
        for number, line in enumerate(file, 1):
            # It may be cut off, by a full disk or since it is being written.
            if line.endswith(b"\n") or _is_json(line):
                yield number, line


def read_lines(path: Path) -> Iterator[tuple[Mapping[str, Any], bytes]]:
    """Yield records with their lines; raises DataError where one in between is none."""
    for number, line in lines_of(path):
        record = record_of(line)
        if record is None:
            raise DataError(f"{path} is a prediction log, but line {number} is no record", hint="take that line out")
        yield record, line


def _is_json(line: bytes) -> bool:
    try:
        json.loads(line)
    except (ValueError, RecursionError):
        return False
    return True


def _is_record(value: Any) -> bool:
    if not (isinstance(value, dict) and value.keys() >= TELLS and isinstance(value["row"], dict)):
        return False
    version = value["version"]
    return version is None or type(version) is int
