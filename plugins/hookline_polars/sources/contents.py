"""What the first and last bytes of a file say that it is, whatever its name says."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from hookline.errors import DataError

NAMES: Mapping[str, str] = {"csv": "CSV", "parquet": "Parquet", "ndjson": "NDJSON", "ipc": "Arrow IPC"}
"""Format -> how messages call it."""
TABLES: Mapping[bytes, str] = {b"PAR1": "parquet", b"ARROW1": "ipc"}
"""First bytes -> the format that they are of."""
OTHERS: Mapping[bytes, tuple[str, str]] = {
    b"\x1f\x8b": ("packed with gzip", "unpack it first: gunzip {file}"),
    b"\x28\xb5\x2f\xfd": ("packed with zstd", "unpack it first: unzstd {file}"),
    b"BZh": ("packed with bzip2", "unpack it first: bunzip2 {file}"),
    b"\xfd7zXZ": ("packed with xz", "unpack it first: unxz {file}"),
    b"PK\x03\x04": ("a zip archive or a spreadsheet", "unpack it, or save the sheet as CSV"),
    b"SQLite format 3": ("a SQLite database", "write the table to a CSV or Parquet file"),
    b"\xff\xfe": ("UTF-16 text", "iconv -f UTF-16 -t UTF-8 {file} > new.csv"),
    b"\xfe\xff": ("UTF-16 text", "iconv -f UTF-16 -t UTF-8 {file} > new.csv"),
}
"""First bytes -> what has them, and what to do about it."""
SUFFIX_HINTS: Mapping[str, str] = {
    ".json": "write one object a line, and call it .ndjson",
    **dict.fromkeys((".xlsx", ".xls", ".ods"), "save the sheet as CSV"),
    **dict.fromkeys((".gz", ".zst", ".bz2", ".xz", ".zip"), "unpack it first"),
}
"""Suffix of a file that is not read -> what to do about it."""


def require_format(file: Path, wanted: str) -> None:
    """Raise DataError where a file is empty, cut short, or plainly of another format than the wanted one."""
    size = file.stat().st_size
    with file.open("rb") as opened:
        head = opened.read(4096)
        opened.seek(max(0, size - 4))
        tail = opened.read()
    if not head:
        raise DataError(f"{file} is empty")
    for first, (what, hint) in OTHERS.items():
        if head.startswith(first):
            raise DataError(f"{file} is {what}, not {NAMES[wanted]}", hint=hint.format(file=file))
    found = next((name for first, name in TABLES.items() if head.startswith(first)), _text_format(head))
    if found != wanted and (found != "csv" or wanted in TABLES.values()):
        raise DataError(f"{file} is {NAMES[found]}, not {NAMES[wanted]}", hint=f"source.format={found}")
    if wanted == "parquet" and tail != b"PAR1":
        raise DataError(f"{file} is cut short: the end of a Parquet file is missing", hint="copy or write it again")


def require_objects(file: Path) -> None:
    """Raise DataError naming the first line of an NDJSON file that is no JSON object."""
    with file.open("rb") as opened:
        for number, line in enumerate(opened, 1):
            try:
                found = json.loads(line) if line.strip() else {}
            except ValueError as error:
                raise DataError(f"{file} cannot be read: line {number} is not JSON: {_reason(error)}") from None
            if not isinstance(found, dict):
                raise DataError(
                    f"{file} cannot be read: line {number} is not a JSON object",
                    hint='NDJSON holds one row a line: {"column": value, ...}',
                )


def _text_format(head: bytes) -> str:
    """Return ndjson, or csv, which is what any other text may be."""
    line = head.lstrip(b"\xef\xbb\xbf \t\r\n").split(b"\n", 1)[0]
    try:
        return "ndjson" if line.startswith(b"{") and isinstance(json.loads(line), dict) else "csv"
    except ValueError:
        return "csv"


def _reason(error: ValueError) -> str:
    return str(error).partition(": line ")[0]
