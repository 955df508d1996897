"""Files of a log that take the place of others all at once: a kill at any moment loses nothing, and doubles nothing."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from hookline.errors import StoreError
from hookline.workspace.files import is_temporary, temporary_for

from .segment import sync_folder
from .standing import SWAP, Swap, pending

LOCK = ".compact.lock"


@contextmanager
def alone(folder: Path) -> Iterator[None]:
    """Let nobody else replace files of a log within this block, and end first what one that was killed left.

    Raises StoreError where another is at it.
    """
    from filelock import FileLock, Timeout

    try:
        with FileLock(folder / LOCK, timeout=0):
            _end_what_was_left(folder)
            yield
    except Timeout:
        raise StoreError(f"{folder} is being compacted or pruned", hint="wait until that has ended") from None


def swap(folder: Path, written: dict[str, str], replaced: Sequence[str]) -> None:
    """Let files, which the disk has under temporary names, take the place of others; raises OSError before or after it.

    written: temporary name -> the name to get; replaced: names
    """
    said = Swap(written, tuple(replaced))
    path = folder / f"{SWAP}{secrets.token_hex(8)}.json"
    temporary = temporary_for(path)
    with temporary.open("x", encoding="utf-8") as file:
        file.write(said.text())
        file.flush()
        os.fsync(file.fileno())
    sync_folder(folder)
    # With this they count, and the others do not.
    temporary.replace(path)
    sync_folder(folder)
    _carry_out(path, said)


def _carry_out(path: Path, said: Swap) -> None:
    folder = path.parent
    for temporary, final in said.written.items():
        with suppress(FileNotFoundError):  # It has its name already.
            (folder / temporary).replace(folder / final)
    for name in said.replaced:
        (folder / name).unlink(missing_ok=True)
    # What it says must be done on the disk before it is no longer said.
    sync_folder(folder)
    path.unlink(missing_ok=True)


def _end_what_was_left(folder: Path) -> None:
    for path in pending(folder):
        said = Swap.read(path)
        if said is not None:
            _carry_out(path, said)
    for path in folder.iterdir():
        if is_temporary(path):
            path.unlink(missing_ok=True)
