"""Which files of a log count: also while some are being replaced by others, and where whoever did it was killed."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, TypeVar

from . import parquet, segment

T = TypeVar("T")
TRIES = 5
"""How often files may be replaced while they are read."""
SWAP = ".swap-"
"""What names of the files begin with that say which files take the place of which others."""


@dataclass(frozen=True)
class Swap:
    """Files that take the place of others from the moment that this is on the disk."""

    written: dict[str, str]
    """The names that the new files are written under -> those that they get."""
    replaced: tuple[str, ...]
    """The names of files that no longer count, and are to be removed."""

    def text(self) -> str:
        """Return it as a file says it."""
        return json.dumps(asdict(self))

    @classmethod
    def read(cls, path: Path) -> Swap | None:
        """Return what a file says; None where it is gone, since all was done."""
        try:
            said: dict[str, Any] = json.loads(path.read_bytes())
        except FileNotFoundError:
            return None
        return cls(dict(said["written"]), tuple(said["replaced"]))


def standing(folder: Path) -> list[Path]:
    """Return the files of a log that count at one moment, none whose records are also in another; none where it is no folder."""
    names = _names(folder)
    while True:
        swaps = [Swap.read(folder / name) for name in sorted(names) if name.startswith(SWAP)]
        # Names are never given twice: where they are the same before and after, nothing changed in between.
        again = _names(folder)
        if again == names:
            break
        names = again
    return _counted(folder, names, [swap for swap in swaps if swap is not None])


def steady(read: Callable[[], T]) -> T:
    """Return what is read of files; where one was replaced meanwhile, those that took its place are read the next time."""
    for _ in range(TRIES):
        with suppress(FileNotFoundError):
            return read()
    return read()


def pending(folder: Path) -> list[Path]:
    """Return the files that say what takes the place of what, and is not all done."""
    return sorted(folder / name for name in _names(folder) if name.startswith(SWAP))


def is_of_log(name: str) -> bool:
    """Tell whether a file of this name may hold records of a log."""
    if name.startswith("."):
        return False
    return name.endswith(segment.SUFFIX) or (name.startswith("predictions-") and name.endswith(parquet.SUFFIX))


def _counted(folder: Path, names: frozenset[str], swaps: Sequence[Swap]) -> list[Path]:
    replaced = {name for swap in swaps for name in swap.replaced}
    new = {final if final in names else temporary for swap in swaps for temporary, final in swap.written.items()}
    kept = {name for name in names if is_of_log(name)} - replaced
    return [folder / name for name in sorted((kept | new) & names)]


def _names(folder: Path) -> frozenset[str]:
    """Return the names of a folder's files, and of nothing else in it; what is a file is known by the listing itself."""
    try:
        with os.scandir(folder) as entries:
            return frozenset(entry.name for entry in entries if entry.is_file())
    except (FileNotFoundError, NotADirectoryError):
        return frozenset()
