"""Files as they can be read: those that are packed are unpacked first, and those that are far are fetched."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from hookline.data.frames import TemporaryFolder
from hookline.errors import DataError

from .packed import is_packed, packing_of, unpack

if TYPE_CHECKING:
    import polars as pl

KEPT = 4
"""Sets of files whose copies are kept for whoever reads them next; beyond, the oldest goes once no frame reads it."""


@dataclass(frozen=True)
class Brought:
    """Files that can be read as they are, in order."""

    files: Sequence[Path]
    names: Mapping[Path, str] = field(default_factory=dict)
    """Copy -> what it is a copy of, as people call it."""
    folder: TemporaryFolder | None = None
    """Holds the copies."""
    fetched: TemporaryFolder | None = None
    """Holds the copies of files that lie elsewhere."""

    def name(self, file: Path) -> str:
        """Return a file's name without its folder, as people know it."""
        return Path(self.names.get(file, str(file))).name

    def held(self, frame: pl.LazyFrame) -> pl.LazyFrame:
        """Return rows of the files, which keep the copies as long as they are there."""
        for folder in (self.folder, self.fetched):
            frame = frame if folder is None else folder.held(frame)
        return frame

    def of_copies(self, names: Mapping[Path, str], folder: TemporaryFolder) -> Brought:
        """Return the same of files that are copies themselves. names: copy -> what it is a copy of; folder: holds them"""
        known = {str(copy): name for copy, name in names.items()}
        told = {file: known.get(self.names.get(file, str(file)), str(file)) for file in self.files}
        return replace(self, names=told, fetched=folder)

    @contextmanager
    def told(self) -> Iterator[None]:
        """Let errors call files by what they are copies of."""
        try:
            yield
        except DataError as error:
            for copy, name in self.names.items():
                error.message = error.message.replace(str(copy), name)
                error.hint = error.hint and error.hint.replace(str(copy), name)
            error.args = (error.message,)
            raise


def bring(files: Sequence[Path], most: int) -> Brought:
    """Return files with the packed ones among them unpacked; raises DataError for one that is damaged or too large.

    most: bytes of each, unpacked
    """
    if any(file.is_dir() for file in files[:1]):
        return Brought(files)
    # Of a folder of many files none is opened to be looked at: there the suffix says it.
    packings = [packing_of(file) if len(files) == 1 or is_packed(file.name) else None for file in files]
    if not any(packings):
        return Brought(files)
    stamps = tuple((stat.st_size, stat.st_mtime_ns, stat.st_ino) for stat in map(os.stat, files))
    brought = _unpacked(tuple(files), tuple(packings), stamps, most)
    if brought.folder is not None and not all(copy.is_file() for copy in brought.names):
        # Somebody has tidied up.
        _unpacked.cache_clear()
        return _unpacked(tuple(files), tuple(packings), stamps, most)
    return brought


@lru_cache(maxsize=KEPT)
def _unpacked(
    files: tuple[Path, ...], packings: tuple[str | None, ...], _: tuple[tuple[int, int, int], ...], most: int
) -> Brought:
    folder = TemporaryFolder()
    found: list[Path] = []
    names: dict[Path, str] = {}
    for place, (file, packing) in enumerate(zip(files, packings, strict=True)):
        if packing is None:
            found.append(file)
            continue
        # One folder each, since two may have one name.
        inside = folder.path / f"{place:06d}"
        inside.mkdir()
        copy = unpack(file, packing, inside, most)
        names[copy] = str(file)
        found.append(copy)
    return Brought(found, names, folder)
