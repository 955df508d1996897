"""What the lines at both ends of a CSV file say, before polars reads it."""

from __future__ import annotations

from collections.abc import Mapping
from io import BytesIO
from pathlib import Path
from typing import Any

from hookline.errors import DataError

HEAD = 100
"""Rows that are looked at first."""
BLOCK = 64 * 1024
"""Bytes that are read at a time."""


def first_row(file: Path, separator: str, skip: int, encoding: str) -> list[str]:
    """Return the values of the first line that is not blank, after `skip` lines; raises DataError where there is none."""
    import csv

    errors = "replace" if encoding == "utf8-lossy" else "strict"
    try:
        with file.open(encoding="utf-8-sig", errors=errors, newline="") as opened:
            for _ in range(skip):
                next(opened, None)
            row = next((row for row in csv.reader(opened, delimiter=separator) if row), [])
    except UnicodeDecodeError as error:
        raise _not_utf8(file, error, error.start) from None
    if not row:
        raise DataError(f"{file} is empty")
    return row


def require_utf8(file: Path) -> None:
    """Read a file through; raises DataError naming the place of the first byte that is not UTF-8."""
    import codecs

    decoder = codecs.getincrementaldecoder("utf-8")()
    with file.open("rb") as opened:
        while True:
            block = opened.read(BLOCK)
            kept = len(decoder.getstate()[0])
            try:
                decoder.decode(block, final=not block)
            except UnicodeDecodeError as error:
                raise _not_utf8(file, error, opened.tell() - len(block) - kept + error.start) from None
            if not block:
                return


def blank_lines_at_end(file: Path, separator: str) -> int:
    """Count the lines at the very end of a file that hold neither a separator nor text: polars makes rows of them."""
    blanks = b" \t\r\n".replace(separator.encode(), b"")
    size, length = file.stat().st_size, BLOCK
    with file.open("rb") as opened:
        while True:
            opened.seek(max(0, size - length))
            tail = opened.read()
            text = tail.rstrip(blanks)
            if text or length >= size:
                break
            length *= 2
    # What follows the first line break; the last line needs none of its own.
    _, *lines = tail[len(text) :].split(b"\n")
    return len(lines) - (lines[-1:] == [b""])


def may_hold_dates(source: str | BytesIO, options: Mapping[str, Any]) -> bool:
    """Tell whether a column may hold dates only, by the first rows: looking for them in all texts of a file is slow.

    options: of `polars.scan_csv`
    """
    import polars as pl

    some = {**options, "try_parse_dates": True, "infer_schema_length": HEAD, "n_rows": HEAD}
    try:
        frame = pl.scan_csv(source, **some).collect()
    except pl.exceptions.PolarsError:
        return True
    return any(column.dtype.is_temporal() or column.null_count() == len(column) for column in frame)


def _not_utf8(file: Path, error: UnicodeDecodeError, at: int) -> DataError:
    return DataError(f"{file} is not UTF-8: {error.reason} at byte {at}", hint="source.encoding=utf8-lossy")
