"""The files of a prediction log: which may hold a span of time, read from their ends, and followed as they grow."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import IO

from ..segments import segment
from ..segments.standing import standing

NAME = re.compile(r"\.?predictions-(\d{4}-\d{2}-\d{2})-(?:v(\d+)-)?")
"""What a file's name begins with: the day, UTC, in which its records were written, and of a closed one the version."""
SLACK = timedelta(days=1)
"""A record may lie a moment before or after its file's day, where clocks were set."""
BLOCK = 64 * 1024


def files_between(
    folder: Path, since: datetime | None, until: datetime | None, version: int | None = None
) -> Sequence[Path]:
    """Return the files that may hold such records, in the order of their days; none where there is no log."""
    found = []
    for path in standing(folder):
        day, answered = _said(path)
        early = day is not None and since is not None and since.date() - day > SLACK
        late = day is not None and until is not None and day - until.date() > SLACK
        other = None not in (version, answered) and version != answered
        if not early and not late and not other:
            found.append(path)
    # Of one day those that are closed first, since what is still written came after it.
    return sorted(found, key=lambda path: (path.name.lstrip(".")[:22], path.suffix == segment.SUFFIX, path.name))


def _said(path: Path) -> tuple[date | None, int | None]:
    """Return the day and the version that a file's name says."""
    found = NAME.match(path.name)
    if found is None:
        return None, None
    return _date(found[1]), None if found[2] is None else int(found[2])


def _day(path: Path) -> date | None:
    return _said(path)[0]


def _date(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def by_day(files: Sequence[Path]) -> Iterator[Sequence[Path]]:
    """Yield the files of each day, the last day first; those whose names tell none come with the last."""
    undated = [path for path in files if _day(path) is None]
    days = sorted({day for path in files if (day := _day(path)) is not None}, reverse=True)
    for day in days:
        yield [*(path for path in files if _day(path) == day), *undated]
        undated = []
    if undated:
        yield undated


def backwards(path: Path) -> Iterator[bytes]:
    """Yield the lines of a file from its end, with their line breaks; holds no more of it than a few lines."""
    with path.open("rb") as file:
        place = file.seek(0, 2)
        rest = b""
        while place:
            size = min(BLOCK, place)
            place -= size
            file.seek(place)
            first, *whole = (file.read(size) + rest).splitlines(keepends=True)
            yield from reversed(whole)
            rest = first
        if rest:
            yield rest


def sizes(folder: Path) -> dict[Path, int]:
    """Return how long each file of lines is now."""
    found = {}
    for path in _lines(folder):
        with suppress(FileNotFoundError):
            found[path] = path.stat().st_size
    return found


def follow(folder: Path, places: Mapping[Path, int], pause: float = 0.5) -> Iterator[bytes]:
    """Yield each line that is written to a log, in whatever file, once it is whole; goes on until it is closed.

    places: how far each file is read, as `sizes` gave it; one that is not among them is read from its beginning
    """
    read = dict(places)
    files: dict[Path, IO[bytes]] = {}
    try:
        while True:
            there = _growing(folder)
            _open(files, there)
            for path, file in files.items():
                yield from _further(file, path, read)
            # What was closed and compacted is still read to its end, once.
            for path in files.keys() - set(there):
                files.pop(path).close()
            time.sleep(pause)
    finally:
        for file in files.values():
            file.close()


def _growing(folder: Path) -> Sequence[Path]:
    """Return the files that may still be written: of the last two days, and those whose names tell no day."""
    files = _lines(folder)
    days = sorted({day for path in files if (day := _day(path)) is not None})[-2:]
    return [path for path in files if _day(path) in (None, *days)]


def _lines(folder: Path) -> list[Path]:
    return [path for path in files_between(folder, None, None) if path.suffix == segment.SUFFIX]


def _open(files: dict[Path, IO[bytes]], paths: Sequence[Path]) -> None:
    """Open those that are not yet, and keep them open, since they may be compacted before they are read to their end."""
    for path in paths:
        if path not in files:
            with suppress(FileNotFoundError):
                files[path] = path.open("rb")


def _further(file: IO[bytes], path: Path, places: dict[Path, int]) -> Iterator[bytes]:
    # A writer cuts off what it did not answer, so that a file may have become shorter.
    place = file.seek(min(places.get(path, 0), file.seek(0, 2)))
    for line in file:
        if not line.endswith(b"\n"):
            break
        place += len(line)
        places[path] = place
        yield line
    places[path] = place
