"""One file of a prediction log while it is written: whole lines only, locked as long as its writer lives."""

from __future__ import annotations

import fcntl
import os
import secrets
from collections.abc import Sequence
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import IO

from hookline.workspace.files import temporary_for

SUFFIX = ".ndjson"


@dataclass
class Waiting:
    """Somebody who waits until the disk has taken some records."""

    future: Future[None]
    records: int


@dataclass
class Segment:
    """A file that nobody else writes."""

    path: Path
    file: IO[bytes] = field(repr=False)
    latest: datetime
    """The time of its newest record."""
    midnight: datetime
    """When its day ends."""
    size: int = 0
    """Bytes of whole lines."""
    synced: int = 0
    """Of these, those that the disk has taken."""
    torn: bool = False
    """Whether its last line is one that could not be taken back, so that nothing may follow."""
    entered: bool = False
    """Whether the disk knows the file by its name."""
    scheduled: bool = False
    """Whether a sync is to come."""
    waiting: list[Waiting] = field(default_factory=list)

    @classmethod
    def create(cls, folder: Path, now: datetime) -> Segment:
        """Make a file of a name that no other writer gives, `predictions-<day>-<time>-<random>.ndjson`; raises OSError."""
        folder.mkdir(parents=True, exist_ok=True)
        while True:
            # No process number: those of two containers may be the same.
            path = folder / f"predictions-{now:%Y-%m-%d-%H%M%S}-{secrets.token_hex(4)}{SUFFIX}"
            file = _locked_file(path)
            if file is not None:
                day = now.replace(hour=0, minute=0, second=0, microsecond=0)
                return cls(path, file, now, day + timedelta(days=1))

    def write(self, lines: Sequence[bytes]) -> None:
        """Hand lines to the system, all or none; raises OSError."""
        whole = lines[0] if len(lines) == 1 else b"".join(lines)
        try:
            taken = self.file.write(whole)
            while taken < len(whole):
                # A disk that is nearly full takes a part, and says so only of the rest.
                taken += self.file.write(memoryview(whole)[taken:])
        except OSError:
            self.cut(self.size)
            raise
        self.size += len(whole)

    def cut(self, size: int) -> None:
        """Cut off what is not answered, so that the next record does not join a torn line."""
        try:
            os.ftruncate(self.file.fileno(), size)
            self.size = size
        except OSError:
            # Then the torn line stays the last of its file, which readers leave out.
            self.torn = True

    def sync(self) -> None:
        """Have the disk take the file, and the first time its name; raises OSError."""
        os.fsync(self.file.fileno())
        if not self.entered:
            # A folder that was moved or removed takes its names along.
            with suppress(FileNotFoundError, NotADirectoryError):
                sync_folder(self.path.parent)
            self.entered = True

    def is_there(self) -> bool:
        """Tell whether the file still has a name, here or elsewhere."""
        return os.fstat(self.file.fileno()).st_nlink > 0

    def close(self) -> None:
        """Let go of the file and its lock."""
        with suppress(OSError):
            self.file.close()


def _locked_file(path: Path) -> IO[bytes] | None:
    """Make a file that is locked before it has its name, so that whoever compacts never finds it free; raises OSError.

    None where it was taken away before, as one that a killed writer had left, or where the name is given.
    """
    temporary = temporary_for(path)
    exclusive = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND
    # Unbuffered, so that a written record is the system's and outlives this process.
    file = os.fdopen(os.open(temporary, exclusive, 0o666), "wb", buffering=0)
    try:
        try_lock(file)
        if not path.exists():
            temporary.rename(path)
            return file
    except FileNotFoundError:
        # Its folder may be gone, which the next one says.
        file.close()
        return None
    except OSError:
        file.close()
        raise
    finally:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)
    file.close()
    return None


def sync_folder(folder: Path) -> None:
    """Have the disk take which files a folder holds; raises OSError."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def try_lock(file: IO[bytes]) -> bool | None:
    """Lock a file until it is closed, by its process's death at the latest; False where another holds it.

    None where its file system has no locks: then nobody can tell that no writer holds it.
    """
    try:
        fcntl.flock(file.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:
        return None
    return True
