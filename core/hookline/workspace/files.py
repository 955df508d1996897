"""How a file is written so that nobody ever reads half of it."""

from __future__ import annotations

import errno
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path


def write_whole(path: Path, content: str | bytes) -> None:
    """Write a file (text as UTF-8) in one step: readers see what was there before, or all of it; raises OSError."""
    whole = content.encode("utf-8") if isinstance(content, str) else content
    if path.is_dir():
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
    with temporary_beside(path) as temporary:
        with temporary.open("xb") as file:
            file.write(whole)
        temporary.replace(path)


def temporary_for(path: Path) -> Path:
    """Return what a file that no other writer has is called, beside another, until it has that one's name."""
    return path.with_name(f".{path.name}.{os.getpid()}-{os.urandom(4).hex()}")


def meant_by(path: Path) -> Path | None:
    """Return which name a file of a temporary one was to get; None where its name is none of `temporary_for`."""
    found = re.fullmatch(r"\.(.+)\.\d+-[0-9a-f]{8}", path.name)
    return None if found is None else path.with_name(found[1])


def is_temporary(path: Path) -> bool:
    """Tell whether a path is one that `temporary_for` gave out, and which a killed writer may have left."""
    return meant_by(path) is not None


@contextmanager
def temporary_beside(path: Path) -> Iterator[Path]:
    """Give the path of a file that no other writer has, beside another; where this block fails, the file is removed."""
    temporary = temporary_for(path)
    try:
        yield temporary
    except BaseException:
        # Why it could not be written says more than why it could not be removed.
        with suppress(OSError):
            temporary.unlink()
        raise
