"""The finished chunks of a table that is being scored, in a folder beside the output, which outlive whoever is killed."""

from __future__ import annotations

import fcntl
import os
import re
import secrets
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from hookline.data.spreadsheets import without_formulas
from hookline.errors import DataError, UsageError
from hookline.workspace.files import write_whole
from hookline.workspace.processes.interrupts import interruptible_in

if TYPE_CHECKING:
    import polars as pl

KEY_LETTERS = 16
"""Hexadecimal digits of a job in its folder's name."""
MARK = "mark"
"""The file that holds what tells this job from an earlier one that did the same."""
PART = re.compile(r"(\d{8})-(\d+)-(\d+)\.arrow")
"""The number of a finished chunk, its rows, and those unlike the training data."""


@dataclass
class Parts:
    """What is finished of one job."""

    path: Path
    """The output."""
    folder: Path
    mark: str
    """Random digits, the same for as long as the job is gone on with."""
    joined: Path
    """Where the output is written before it gets its name."""
    count: int = 0
    rows: int = 0
    strange: int = 0
    owed: bool = False
    """Whether answers may be on record that the output does not hold yet."""
    _files: list[Path] = field(default_factory=list)

    @classmethod
    def open(cls, path: Path, folder: Path, joined: Path) -> Parts:
        """Make the folder of a job, or find in it what is finished; raises OSError."""
        folder.mkdir(parents=True, exist_ok=True)
        if not (folder / MARK).is_file():
            write_whole(folder / MARK, new_mark())
        parts = cls(path, folder, (folder / MARK).read_text("ascii"), joined)
        for file in sorted(folder.iterdir()):
            match = PART.fullmatch(file.name)
            if match and int(match[1]) == parts.count:
                parts._add(file, int(match[2]), int(match[3]))
        return parts

    def write(self, number: int, frame: pl.DataFrame, strange: int) -> None:
        """Keep a chunk's answers, so that they count once the disk has them."""
        file = self.folder / f"{number:08d}-{frame.height}-{strange}.arrow"
        temporary = self.folder / f"{number:08d}.part"
        frame.write_ipc(temporary)
        sync(temporary)
        temporary.replace(file)
        self._add(file, frame.height, strange)

    def join(self, *, formulas: bool, publish: Callable[[Path], None] | None) -> None:
        """Write the parts, in order, as one file in the format of the output's suffix, and put records of them in place."""
        self._sink(self.joined, formulas=formulas)
        sync(self.joined)
        # Between the two nobody may leave: what is on record was answered.
        with interruptible_in():
            self.owed = publish is not None
            if publish is not None:
                publish(self.folder)
            self.joined.replace(self.path)
            self.owed = False

    def _sink(self, path: Path, *, formulas: bool) -> None:
        import polars as pl

        # By their names, and as these are: the folder is called like the output, which may read as a glob.
        whole = pl.scan_ipc(self._files, glob=False)
        sinks: dict[str, Any] = {
            ".csv": (whole if formulas else without_formulas(whole)).sink_csv,
            ".parquet": whole.sink_parquet,
            ".ndjson": whole.sink_ndjson,
            ".arrow": whole.sink_ipc,
        }
        sinks[self.path.suffix](path)

    def _add(self, file: Path, rows: int, strange: int) -> None:
        self._files.append(file)
        self.count += 1
        self.rows += rows
        self.strange += strange


@contextmanager
def parts_of(path: Path, job: str | None) -> Iterator[Parts]:
    """Give what is finished of a job with this output; nothing of it is left after the block.

    But where the process is killed, or answers are on record that the output lacks, what is finished is found again.
    job: hexadecimal digits, KEY_LETTERS of them; None: of a job that is never found again
    Raises UsageError where another process writes the same output, or a folder is called so; DataError where it cannot be
    written.
    """
    with _told(path), _alone(path) as certain:
        again = job is not None and certain
        key = job if job is not None and certain else secrets.token_hex(KEY_LETTERS // 2)
        folder = path.with_name(f".{path.name}.{key}.parts")
        # No process number: those of two containers that share a folder may be the same.
        joined = path.with_name(f".{path.name}.{secrets.randbits(40)}")
        parts = None
        try:
            if certain:
                _tidy(path, but=folder)
            parts = Parts.open(path, folder, joined)
            yield parts
        except KeyboardInterrupt:
            # polars raises it and leaves it to Python to raise again, which here would cut the tidying short.
            try:  # noqa: SIM105  it would be raised where suppress() is called
                time.sleep(0)
            except KeyboardInterrupt:
                pass
            raise
        finally:
            if not (again and parts is not None and parts.owed):
                shutil.rmtree(folder, ignore_errors=True)
            with suppress(OSError):
                joined.unlink(missing_ok=True)


@contextmanager
def _told(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise DataError(f"{path} cannot be written: {error.strerror or error}") from error


@contextmanager
def _alone(path: Path) -> Iterator[bool]:
    """Keep others from an output until the block ends, or the process dies; gives False where the file system has no locks."""
    if path.is_dir():
        raise UsageError(f"'{path}' is a folder", hint="name a file that is to be written")
    path.parent.mkdir(parents=True, exist_ok=True)
    lock = path.with_name(f".{path.name}.lock")
    file, certain = _locked(lock, path)
    try:
        yield certain
    finally:
        # Removed while it is held: whoever has opened it meanwhile sees that it is no longer there.
        with suppress(OSError):
            lock.unlink()
        file.close()


def _locked(lock: Path, path: Path) -> tuple[IO[bytes], bool]:
    while True:
        file = lock.open("ab")
        try:
            fcntl.flock(file.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.close()
            raise UsageError(
                f"another process is writing '{path}'", hint="wait for its end, or name another --output"
            ) from None
        except OSError:
            return file, False
        if _is_still(file, lock):
            return file, True
        file.close()


def _is_still(file: IO[bytes], path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(file.fileno()), path.stat())
    except FileNotFoundError:
        return False


def _tidy(path: Path, but: Path) -> None:
    """Remove what killed processes left of other jobs with this output."""
    left = re.compile(rf"\.{re.escape(path.name)}\.([0-9a-f]{{{KEY_LETTERS}}}\.parts|\d+)")
    for file in path.parent.iterdir():
        if left.fullmatch(file.name) and file != but:
            shutil.rmtree(file, ignore_errors=True)
            with suppress(OSError):
                file.unlink()


def new_mark() -> str:
    """Return random digits that tell one job from all others."""
    return secrets.token_hex(8)


def sync(path: Path) -> None:
    """Have the disk take a file; raises OSError."""
    with path.open("rb") as file:
        os.fsync(file.fileno())
