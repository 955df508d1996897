"""The files of a prediction log: which may hold a span of time, read from their ends, and followed as they grow."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime, timedelta
from pathlib import Path

DAY = re.compile(r"predictions-(\d{4}-\d{2}-\d{2})-")
"""What a file's name begins with: the day, UTC, in which its records were written."""
SLACK = timedelta(days=1)
"""A record may lie a moment before or after its file's day, where clocks were set."""
BLOCK = 64 * 1024


def files_between(folder: Path, since: datetime | None, until: datetime | None) -> Sequence[Path]:
    """Return the files that may hold records of a span of time, in the order of their days; none where there is no log."""
    found = []
    for path in sorted(folder.glob("*.ndjson")):
        day = _day(path)
        early = day is not None and since is not None and day < (since - SLACK).date()
        late = day is not None and until is not None and day > (until + SLACK).date()
        if not early and not late and path.is_file():
            found.append(path)
    return found


def _day(path: Path) -> date | None:
    found = DAY.match(path.name)
    try:
        return date.fromisoformat(found[1]) if found else None
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
    """Return how long each file is now."""
    return {path: path.stat().st_size for path in files_between(folder, None, None)}


def follow(folder: Path, places: Mapping[Path, int], pause: float = 0.5) -> Iterator[bytes]:
    """Yield each line that is written to a log, in whatever file, once it is whole; goes on until it is closed.

    places: how far each file is read, as `sizes` gave it; one that is not among them is read from its beginning
    """
    read = dict(places)
    while True:
        for path in files_between(folder, None, None):
            yield from _further(path, read)
        time.sleep(pause)


def _further(path: Path, places: dict[Path, int]) -> Iterator[bytes]:
    with path.open("rb") as file:
        # A writer cuts off what it did not answer, so that a file may have become shorter.
        place = file.seek(min(places.get(path, 0), file.seek(0, 2)))
        for line in file:
            if not line.endswith(b"\n"):
                break
            place += len(line)
            places[path] = place
            yield line
        places[path] = place
