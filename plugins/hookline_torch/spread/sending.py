"""Rows on their way to workers: by the name of a file that their machine sees, or part by part."""

from __future__ import annotations

import hashlib
import io
import math
import os
import pickle
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import cloudpickle
import numpy as np
from filelock import FileLock

from ..rows import Mapped

PART = 2**26
"""Bytes that go from one machine to another at a time."""


@dataclass(frozen=True)
class Place:
    """Where a memory-mapped array lies, and how the file is told from another of that name."""

    where: tuple[Path, int, str, tuple[int, ...]]
    """What `Mapped` is made of, which is not pickled itself."""
    size: int
    changed: int
    """Nanoseconds since 1970: machines that share a file agree in it."""

    @classmethod
    def of(cls, mapped: Mapped) -> Place:
        """Look at the file."""
        seen = mapped.file.stat()
        return cls((mapped.file, mapped.offset, mapped.dtype, mapped.shape), seen.st_size, seen.st_mtime_ns)

    @property
    def mapped(self) -> Mapped:
        """The array there."""
        return Mapped(*self.where)

    def is_here(self) -> bool:
        """Tell whether this machine sees the very file."""
        try:
            seen = self.mapped.file.stat()
        except OSError:
            return False
        return (seen.st_size, seen.st_mtime_ns) == (self.size, self.changed)


class Packing(cloudpickle.Pickler):  # type: ignore[misc]  # cloudpickle has no types
    """Pickles what workers are given; memory-mapped arrays go by their place."""

    def persistent_id(self, obj: Any) -> Place | None:
        """Name what is not pickled itself."""
        return Place.of(obj) if isinstance(obj, Mapped) else None


class Unpacking(pickle.Unpickler):
    """Reads that; `near` returns where an array lies on this machine."""

    def __init__(self, packed: bytes, near: Callable[[Place], Mapped]) -> None:
        super().__init__(io.BytesIO(packed))
        self.near = near

    def persistent_load(self, pid: Any) -> Mapped:
        """Return what is named."""
        return self.near(pid)


def packed(value: Any) -> bytes:
    """Return a value as bytes that `Unpacking` reads."""
    told = io.BytesIO()
    Packing(told, pickle.HIGHEST_PROTOCOL).dump(value)
    return told.getvalue()


@dataclass(frozen=True)
class Nearby:
    """Finds an array on this machine, or has it sent there, once for all workers of the machine.

    part: (file, start, size) -> bytes of a file where training was begun
    """

    folder: Path
    part: Callable[[Path, int, int], bytes]

    def __call__(self, place: Place) -> Mapped:
        """Return where it lies."""
        mapped = place.mapped
        if place.is_here():
            return mapped
        size = math.prod(mapped.shape) * np.dtype(mapped.dtype).itemsize
        # By the whole path: rows to learn from and rows to stop on lie in files of one name, and may be as many.
        named = hashlib.sha256(f"{mapped.file}:{mapped.offset}:{size}".encode()).hexdigest()
        file = self.folder / named
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with FileLock(f"{file}.lock"):
            if not file.exists():
                self._fetch(mapped, size, file)
        return replace(mapped, file=file, offset=0)

    def _fetch(self, mapped: Mapped, size: int, file: Path) -> None:
        partial = file.with_suffix(f".{os.getpid()}")
        with partial.open("wb") as opened:
            for start in range(0, size, PART):
                opened.write(self.part(mapped.file, mapped.offset + start, min(PART, size - start)))
        partial.replace(file)
