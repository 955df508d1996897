"""What the lines at both ends of a CSV file say, before polars reads it."""

from __future__ import annotations

from pathlib import Path

from hookline.errors import DataError

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


def _not_utf8(file: Path, error: UnicodeDecodeError, at: int) -> DataError:
    return DataError(f"{file} is not UTF-8: {error.reason} at byte {at}", hint="source.encoding=utf8-lossy")
