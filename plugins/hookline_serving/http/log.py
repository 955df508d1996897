"""The record of every prediction: written before the answer is sent, as NDJSON, to files that nobody else writes."""

from __future__ import annotations

import os
import secrets
import time
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from itertools import repeat
from pathlib import Path
from threading import Lock
from typing import IO, Any, NamedTuple

import msgspec

from hookline.errors import StoreError

from .exchange import Item, Question

SYNC_SECONDS = 1.0
"""How often the disk is asked to take what was written, so that a power cut takes little.

A killed process loses nothing, because each record is handed to the system first.
"""


class Stamp(NamedTuple):
    """Who answered."""

    model: str
    version: int | None
    arm: str


class Record(msgspec.Struct, frozen=True, gc=False):
    """One line of the record."""

    id: str
    time: datetime
    model: str
    version: int | None
    arm: str
    """The part that the version plays, such as `live`, `canary` or `shadow`."""
    row: Any
    """Raw columns as they came."""
    row_id: Any
    """What the row calls itself, None where it does not."""
    prediction: Any
    probabilities: Sequence[float] | None
    warnings: Sequence[str]
    latency: float
    """Seconds from when the request was read until its answer was at hand."""
    key: str | None = None
    """What decided which version answers."""
    request: str | None = None
    """What whoever asked calls the request."""
    of: str | None = None
    """Of an answer that nobody was given: the id of the one that was given in its place."""


@dataclass
class PredictionLog:
    """Appends records to files of its own in a folder, `predictions-<day>-<time>-<random>.ndjson`: one writer a file."""

    folder: Path
    written: int = 0
    """Records."""
    failures: int = 0
    """Times that some could not be written."""
    _day: date | None = None
    _file: IO[bytes] | None = field(default=None, repr=False)
    _synced: float = 0.0
    _syncing: Future[None] | None = field(default=None, repr=False)
    _syncer: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(1, "sync"), repr=False)
    """Its own thread, since a disk may hold up what waits for it for as long as many requests take."""
    _lock: Lock = field(default_factory=Lock, repr=False)
    _encoder: msgspec.json.Encoder = field(default_factory=msgspec.json.Encoder, repr=False)

    @classmethod
    def open(cls, folder: Path) -> PredictionLog:
        """Open today's file; raises StoreError where the folder cannot be written."""
        log = cls(folder)
        try:
            log._turn(datetime.now(UTC))
        except OSError as error:
            raise StoreError(
                f"predictions cannot be recorded in {folder}: {error.strerror}", hint="see --log"
            ) from error
        return log

    def write(self, stamp: Stamp, question: Question, items: Sequence[Item], of: Sequence[str] = ()) -> None:
        """Record what is answered; raises OSError, after which none of it may be.

        of: of each row the id of the answer that was given, where this one is not
        """
        now = datetime.now(UTC)
        self.append([self.lines(stamp, question, items, now, of)], now)

    def append(self, lines: Sequence[bytes], now: datetime) -> None:
        """Record lines that were made before; raises OSError, after which none of what they answer may be."""
        # One file for all versions, of which some are asked in threads of their own, as many rows are.
        with self._lock:
            try:
                self._append_all(lines, now)
            except OSError:
                self.failures += 1
                raise
            # An encoded text holds no line break, so each ends a record.
            for some in lines:
                self.written += some.count(b"\n")

    def _append_all(self, lines: Sequence[bytes], now: datetime) -> None:
        file = self._current(now)
        self._append(file, lines)
        if not os.fstat(file.fileno()).st_nlink:
            # The file was removed, perhaps with its folder: what was just written is on record in another, or not answered.
            self._give_up()
            self._append(self._current(now), lines)

    def lines(
        self, stamp: Stamp, question: Question, items: Sequence[Item], now: datetime, of: Sequence[str] = ()
    ) -> bytes:
        """Return the records of what is answered, a line each."""
        model, version, arm = stamp
        latency = round(time.perf_counter() - question.since, 6)
        keys = question.keys or repeat(None)
        records = [
            Record(
                item.id,
                now,
                model,
                version,
                arm,
                row,
                row_id,
                item.prediction,
                list(item.probabilities.values()) if item.probabilities else None,
                item.warnings,
                latency,
                key,
                question.request,
                beside,
            )
            for item, row, row_id, key, beside in zip(items, question.rows, question.ids, keys, of or repeat(None))  # noqa: B905  some have no end
        ]
        return self._encoder.encode_lines(records)

    def close(self) -> None:
        """Flush to the disk and close."""
        if self._file is not None:
            self._end_sync()
            os.fsync(self._file.fileno())
            self._file.close()
            self._file = None

    def _current(self, now: datetime) -> IO[bytes]:
        if self._file is None or now.date() != self._day:
            self._turn(now)
        assert self._file is not None
        return self._file

    def _append(self, file: IO[bytes], lines: Sequence[bytes]) -> None:
        written = 0
        try:
            for some in lines:
                left = memoryview(some)
                while left:
                    # A disk that is nearly full takes a part, and says so only of the rest.
                    count = file.write(left)
                    left, written = left[count:], written + count
            self._sync(file)
        except OSError:
            self._take_back(file, written)
            raise

    def _take_back(self, file: IO[bytes], size: int) -> None:
        """Cut off what was written of records that are not answered, so that the next one does not join a torn line."""
        try:
            os.ftruncate(file.fileno(), os.fstat(file.fileno()).st_size - size)
        except OSError:
            # Then the torn line stays the last of its file, which readers leave out, and the next record gets another.
            self._give_up()

    def _give_up(self) -> None:
        """Let go of a file that is lost, or ends with a torn line."""
        syncing, file, self._syncing, self._file = self._syncing, self._file, None, None
        if syncing is not None:
            wait((syncing,))
        if file is not None:
            with suppress(OSError):
                file.close()

    def _turn(self, now: datetime) -> None:
        """Begin another file, as with each day; where the last one cannot be closed, that is told once."""
        try:
            self.close()
        except OSError:
            self._give_up()
            raise
        self.folder.mkdir(parents=True, exist_ok=True)
        # No process number: those of two containers may be the same.
        path = self.folder / f"predictions-{now:%Y-%m-%d-%H%M%S}-{secrets.token_hex(4)}.ndjson"
        exclusive = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND
        # Unbuffered, so that a written record is the system's and outlives this process.
        self._file = os.fdopen(os.open(path, exclusive, 0o666), "wb", buffering=0)
        self._day = now.date()

    def _sync(self, file: IO[bytes]) -> None:
        """Have the disk take what was written, once in a while; raises OSError where it did not take what was written before."""
        if time.monotonic() - self._synced > SYNC_SECONDS:
            self._end_sync()
            self._syncing = self._syncer.submit(os.fsync, file.fileno())
            self._synced = time.monotonic()

    def _end_sync(self) -> None:
        syncing, self._syncing = self._syncing, None
        if syncing is not None:
            syncing.result()
