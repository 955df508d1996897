"""Closed files of a log turned into Parquet, by day and version, and small ones made one; none that a writer still holds."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from hookline.errors import StoreError
from hookline.workspace.disk import FULL
from hookline.workspace.workspace import open_workspace

from ..segments import segment
from ..segments.merging import merged, small_segments
from ..segments.segment import try_lock
from ..segments.standing import standing
from ..segments.swapping import alone, swap
from ..segments.turning import Turning, Unread, timed_lines
from .predictions import whole_log

BATCH_BYTES = 256 * 1024 * 1024
"""Of files that are turned together; what is done when another is begun is not done again after a kill."""


@dataclass
class Compacted:
    """What became of the files of a log."""

    model: str
    files: int = 0
    """Files of lines that are Parquet now."""
    records: int = 0
    written: list[str] = field(default_factory=list)
    """The names of the new files."""
    open: int = 0
    """Files that a writer holds, and that stay as they are."""
    unread: dict[str, str] = field(default_factory=dict)
    """Files that stay as they are since they hold what is no record -> what that is."""
    before: int = 0
    """Bytes."""
    after: int = 0
    merged: int = 0
    """Small Parquet files of days that are over which are part of a larger one now."""


def compact_predictions(model: str, *, home: str | Path | None = None) -> Compacted:
    """Turn a model's closed files of lines into Parquet, from which the same records are read, and make small ones one.

    Raises UnknownName, UsageError for one version, and StoreError where another is at it or the disk is full; then what was on
    record still is.
    """
    log = whole_log(open_workspace(home), model)
    done = Compacted(log.model)
    if log.folder.is_dir():
        with changing(log.folder):
            for batch in _batches(log.folder, done):
                _turn(log.folder, batch, done)
            _merge(log.folder, done)
    return done


@contextmanager
def changing(folder: Path) -> Iterator[None]:
    """Let nobody else change closed files of a log; raises StoreError, also where the disk does not allow it."""
    try:
        with alone(folder):
            yield
    except OSError as error:
        if error.errno in FULL:
            told = f"the disk of {folder} is full; what was on record still is"
            raise StoreError(
                told, hint="free some space first: closed files are written anew before they are removed"
            ) from error
        raise StoreError(f"the log in {folder} cannot be changed: {error.strerror or error}") from error


def closed_lines(folder: Path, done: Compacted) -> Iterator[Path]:
    """Yield the files of lines that no writer holds; those that one holds are counted."""
    for path in standing(folder):
        if path.suffix == segment.SUFFIX:
            with path.open("rb") as file:
                # No writer comes back to a file: what is free once stays so.
                if try_lock(file):
                    yield path
                else:
                    done.open += 1


def _batches(folder: Path, done: Compacted) -> Iterator[Sequence[Path]]:
    batch: list[Path] = []
    size = 0
    for path in closed_lines(folder, done):
        batch.append(path)
        size += path.stat().st_size
        if size > BATCH_BYTES:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


def _turn(folder: Path, batch: Sequence[Path], done: Compacted) -> None:
    turning = Turning(folder)
    try:
        read = [path for path in batch if _is_taken(turning, path, done)]
        turning.finish()
    except BaseException:
        turning.forget()
        raise
    before = sum(path.stat().st_size for path in read)
    swap(folder, turning.written, [path.name for path in read])
    done.files += len(read)
    done.records += turning.records
    done.written += turning.written.values()
    done.before += before
    done.after += sum((folder / name).stat().st_size for name in turning.written.values())


def _merge(folder: Path, done: Compacted) -> None:
    """Make small Parquet files of one version one a day, of days that bring no more of them but late ones."""
    for kind, paths in small_segments(folder, datetime.now(UTC).date()):
        turning = merged(folder, kind, paths, done.unread)
        gone = [path.name for path in paths if path.name not in done.unread]
        if len(turning.written) >= len(gone):
            # Small as they are, they hold as much text as one file may.
            turning.forget()
            continue
        swap(folder, turning.written, gone)
        done.merged += len(gone)
        done.written = [*(name for name in done.written if name not in gone), *turning.written.values()]


def _is_taken(turning: Turning, path: Path, done: Compacted) -> bool:
    """Gather a file's records; False where it holds what is none."""
    try:
        turning.take(timed_lines(path), path.name)
    except Unread as error:
        done.unread[path.name] = error.message
        return False
    return True
