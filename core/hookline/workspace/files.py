"""How a file is written so that nobody ever reads half of it."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path


def write_whole(path: Path, content: str | bytes) -> None:
    """Write a file (text as UTF-8) in one step: readers see what was there before, or all of it; raises OSError."""
    whole = content.encode("utf-8") if isinstance(content, str) else content
    with temporary_beside(path) as temporary:
        with temporary.open("xb") as file:
            file.write(whole)
        temporary.replace(path)


def is_temporary(path: Path) -> bool:
    """Tell whether a path is that of a file which `temporary_beside` gave out, and which a killed writer may have left."""
    return re.fullmatch(r"\..+\.\d+-[0-9a-f]{8}", path.name) is not None


@contextmanager
def temporary_beside(path: Path) -> Iterator[Path]:
    """Give the path of a file that no other writer has, beside another; where this block fails, the file is removed."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}-{os.urandom(4).hex()}")
    try:
        yield temporary
    except BaseException:
        # Why it could not be written says more than why it could not be removed.
        with suppress(OSError):
            temporary.unlink()
        raise
