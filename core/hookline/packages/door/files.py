"""The files of a package's folder: ordinary ones, and not too many, with their sizes and digests."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

from hookline.errors import StoreError

from .names import shown

MANIFEST = "manifest.json"
MOST_FILES = 10_000
"""Files and folders of a package."""


def files_of(folder: Path) -> list[str]:
    """Return the names of a package's files but the manifest, with `/` for folders, sorted.

    What Python compiled of modules that travel in a package is none of them: whoever imports these leaves it there, as MLflow
    and BentoML do, and hookline reads nothing of it.

    Raises StoreError for links, pipes, sockets and devices, for folders too deep, and for more files than a package has.
    """
    found = []
    for count, entry in enumerate(_entries(folder)):
        name = Path(entry.path).relative_to(folder).as_posix()
        if count >= MOST_FILES:
            raise StoreError(f"package {folder} holds more than {MOST_FILES:,} files")
        if entry.is_symlink():
            raise StoreError(f"package {folder} holds links, which may lead out of it: {shown(name)}")
        if entry.is_file(follow_symlinks=False):
            found += [] if _is_compiled(name) else [name]
        # What is gone by now was somebody's temporary file.
        elif not entry.is_dir(follow_symlinks=False) and os.path.lexists(entry.path):
            raise StoreError(f"package {folder} holds {shown(name)}, which is no ordinary file")
    return sorted(name for name in found if name != MANIFEST and not name.startswith(f".{MANIFEST}"))


def _is_compiled(name: str) -> bool:
    folder, _, file = name.rpartition("/")
    return folder.rpartition("/")[2] == "__pycache__" and file.endswith(".pyc")


def _entries(folder: Path) -> Iterator[os.DirEntry[str]]:
    """Yield all that is below a folder; without recursion, of which a deep folder needs more than there is."""
    waiting = [str(folder)]
    while waiting:
        try:
            with os.scandir(waiting.pop()) as entries:
                here = list(islice(entries, MOST_FILES + 1))
        except OSError as error:
            raise StoreError(f"package {folder} cannot be read: {error.strerror}") from error
        yield from here
        waiting += [entry.path for entry in here if entry.is_dir(follow_symlinks=False)]


def facts_of(path: Path) -> dict[str, Any]:
    """Return a file's size in bytes and its BLAKE2b digest, hexadecimal, as a manifest keeps them."""
    with path.open("rb") as file:
        return {"bytes": path.stat().st_size, "blake2b": hashlib.file_digest(file, "blake2b").hexdigest()}
