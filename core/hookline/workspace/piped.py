"""Rows that come through a pipe, kept in a file, so that they can be read again and again."""

from __future__ import annotations

import hashlib
import stat
import sys
from pathlib import Path
from typing import BinaryIO

from hookline.errors import DataError, UsageError

from .files import temporary_beside
from .home import home

STDIN = "-"
"""The path that means standard input."""
PIECE = 1 << 20
"""Bytes that are copied at a time."""
BEGINNINGS = {b"PAR1": ".parquet", b"ARROW1": ".arrow", b"{": ".ndjson", b"\x1f\x8b": ".csv.gz"}
"""How formats begin; whatever else comes is CSV."""


def settled(path: str) -> str:
    """Return a path that can be read more than once: for standard input (`-`) or a pipe, that of a copy in the home's `piped`.

    The same rows get the same path. Raises UsageError where standard input is a terminal, and DataError where nothing comes.
    """
    if path == STDIN:
        if sys.stdin is None or sys.stdin.isatty():
            raise UsageError(
                "`-` reads a table from standard input, and nothing is piped in",
                hint="cat train.csv | hookline - target=COLUMN",
            )
        return str(_copied(sys.stdin.buffer, "stdin"))
    if not is_pipe(path):
        return path
    with open(path, "rb") as pipe:  # noqa: PTH123  as it is given, /dev/fd/63 included
        return str(_copied(pipe, "pipe" if path.startswith(("/dev/", "/proc/")) else Path(path).stem))


def is_pipe(path: str) -> bool:
    """Tell whether a path is a named pipe, or a shell's `<(command)`."""
    try:
        return stat.S_ISFIFO(Path(path).stat().st_mode)
    except (OSError, ValueError):
        return False


def _copied(pipe: BinaryIO, name: str) -> Path:
    """Copy what comes into a folder named by its content; returns the file."""
    digest, first = hashlib.sha256(), b""
    folder = home() / "piped"
    folder.mkdir(parents=True, exist_ok=True)
    with temporary_beside(folder / name) as temporary:
        with temporary.open("xb") as file:
            while piece := pipe.read(PIECE):
                first = first or piece[:8]
                digest.update(piece)
                file.write(piece)
        if not first:
            raise DataError("nothing came through the pipe", hint="what is piped in is a table with a header")
        ending = next((ending for mark, ending in BEGINNINGS.items() if first.startswith(mark)), ".csv")
        kept = folder / digest.hexdigest()[:16] / f"{name}{ending}"
        kept.parent.mkdir(exist_ok=True)
        temporary.replace(kept)
    return kept
