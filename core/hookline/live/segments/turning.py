"""Records on their way to Parquet: gathered by day and version, and written under temporary names as they grow."""

from __future__ import annotations

import re
import secrets
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from hookline.errors import DataError
from hookline.workspace.files import temporary_for

from . import parquet
from .lines import lines_of, record_of
from .moments import time_of
from .parquet import Timed

if TYPE_CHECKING:
    import polars as pl

AT_ONCE = 10_000
"""Records that are held as Python values."""
MOST_BYTES = 64 * 1024 * 1024
"""Of the text of one closed segment's records."""
Kind = tuple[str, int | None]
"""A day and a version."""
NAME = re.compile(rf"predictions-(\d{{4}}-\d{{2}}-\d{{2}})-v(none|\d+)-[0-9a-f]{{8}}{re.escape(parquet.SUFFIX)}")
"""What a closed segment is called, of one day and version."""


class Unread(DataError):
    """A file that stays as it is, since it holds something that is no record."""


def timed_lines(path: Path) -> Iterator[Timed]:
    """Yield the records of a file of lines; raises Unread where one in between is none, or says no time."""
    for number, line in lines_of(path):
        try:
            # A text is read faster than bytes of which nobody has said that they are UTF-8.
            text = line.rstrip(b"\r\n").decode()
            record = record_of(text)
            time = None if record is None else time_of(record)
        except UnicodeDecodeError:
            raise Unread(f"line {number} is not UTF-8") from None
        except DataError as error:
            raise Unread(f"line {number}: {error.message}") from None
        if record is None or time is None:
            raise Unread(f"line {number} is no record")
        yield Timed(record, text, time)


@dataclass
class Turning:
    """What is gathered for closed segments, and which of them are written already."""

    folder: Path
    written: dict[str, str] = field(default_factory=dict)
    """Temporary name -> the name to get."""
    records: int = 0
    _held: dict[Kind, list[pl.DataFrame]] = field(default_factory=lambda: defaultdict(list), repr=False)
    _bytes: dict[Kind, int] = field(default_factory=lambda: defaultdict(int), repr=False)

    def take(self, found: Iterable[Timed], origin: str) -> None:
        """Gather the records that stood in a file, all of them or none; raises what reading them raises, and OSError."""
        frames: list[tuple[Kind, pl.DataFrame]] = []
        some: list[Timed] = []
        for one in found:
            some.append(one)
            if len(some) == AT_ONCE:
                frames += _frames(some, origin)
                some = []
        for kind, frame in [*frames, *_frames(some, origin)]:
            self.hold(kind, frame)

    def finish(self) -> None:
        """Write what is left; raises OSError."""
        for kind in list(self._held):
            self._write(kind)

    def forget(self) -> None:
        """Remove what was written, which counts for nobody yet."""
        for temporary in self.written:
            (self.folder / temporary).unlink(missing_ok=True)

    def hold(self, kind: Kind, frame: pl.DataFrame) -> None:
        """Gather rows of one day and version; raises OSError."""
        self.records += frame.height
        self._held[kind].append(frame)
        self._bytes[kind] += int(frame[parquet.RECORD].str.len_bytes().sum())
        if self._bytes[kind] > MOST_BYTES:
            self._write(kind)

    def _write(self, kind: Kind) -> None:
        import polars as pl

        frames = self._held.pop(kind)
        self._bytes.pop(kind)
        path = self.folder / _name_of(kind)
        temporary = temporary_for(path)
        # Named first, so that it is removed where it cannot be written whole.
        self.written[temporary.name] = path.name
        try:
            whole = pl.concat(frames, how="diagonal_relaxed")
        except pl.exceptions.PolarsError:
            # Values of the parts have no type in common.
            whole = pl.concat([parquet.untyped(frame) for frame in frames])
        parquet.write(whole, temporary)


def kind_of(name: str) -> Kind | None:
    """Return the day and the version that a closed segment's name says; None where it is none."""
    found = NAME.fullmatch(name)
    return None if found is None else (found[1], None if found[2] == "none" else int(found[2]))


def _name_of(kind: Kind) -> str:
    day, version = kind
    return f"predictions-{day}-v{'none' if version is None else version}-{secrets.token_hex(4)}{parquet.SUFFIX}"


def _frames(some: Sequence[Timed], origin: str) -> Iterator[tuple[Kind, pl.DataFrame]]:
    kinds: dict[Kind, list[Timed]] = defaultdict(list)
    for one in some:
        kinds[one.time.date().isoformat(), one.record["version"]].append(one)
    for kind, timed in kinds.items():
        try:
            yield kind, parquet.frame_of(timed, origin)
        except (ValueError, OverflowError) as error:
            raise Unread(f"an id or a version cannot be kept: {error}") from None
