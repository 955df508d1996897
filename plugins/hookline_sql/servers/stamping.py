"""What changes when a database that is one file does."""

from __future__ import annotations

from pathlib import Path

from hookline.errors import DataError


def stamp_of(file: Path, log: str) -> str:
    """Return size and time of a file, and of the log beside it that holds what was written last.

    Raises DataError where there is no such file: a driver would make one.
    """
    if not file.is_file():
        raise DataError(f"there is no file {file}", hint="look at the end of source.url: it names the file")
    found = file.stat()
    beside = file.with_name(file.name + log)
    written = beside.stat() if beside.is_file() and beside.stat().st_size else None
    return repr((found.st_size, found.st_mtime_ns, written and (written.st_size, written.st_mtime_ns)))
