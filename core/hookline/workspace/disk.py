"""What a disk allows: whether a folder can be written, and what it means for the store where it is full or cannot be."""

from __future__ import annotations

import errno
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from hookline.errors import StoreError

FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
"""Numbers of the errors of a full disk."""
_REFUSED = frozenset({errno.EROFS, errno.EACCES, errno.EPERM, errno.ENOTDIR, errno.EEXIST})


def can_write(folder: Path) -> bool:
    """Tell whether files can be made in a folder, or in the first above it that is there."""
    there = next((place for place in (folder, *folder.parents) if place.exists()), folder)
    return there.is_dir() and os.access(there, os.W_OK | os.X_OK)


@contextmanager
def clear_errors(root: Path) -> Iterator[None]:
    """Say what a full or read-only disk means for the store; errors about files elsewhere go on as they are."""
    try:
        yield
    except OSError as error:
        elsewhere = isinstance(error.filename, str) and not Path(error.filename).absolute().is_relative_to(
            root.absolute()
        )
        number = _number_of(error)
        if elsewhere or number not in FULL | _REFUSED:
            raise
        if number in FULL:
            raise StoreError(
                f"the disk of the store at {root} is full; nothing was half written",
                hint="free space, or set HOOKLINE_HOME to a folder on another disk",
            ) from error
        raise StoreError(
            f"the store at {root} cannot be written: {error.strerror}", hint="set HOOKLINE_HOME to a folder of yours"
        ) from error


def _number_of(error: OSError) -> int | None:
    """Return the system's number of an error; polars says that of a full disk in its text only."""
    told = re.search(r"os error (\d+)", str(error)) if error.errno is None else None
    full = told is not None and int(told[1]) in FULL
    return int(told[1]) if told is not None and full else error.errno
