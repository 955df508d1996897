"""The record of every prediction: written before the answer is sent, as NDJSON, one file a day and process."""

from __future__ import annotations

import os
import time
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path
from typing import IO, Any

import msgspec

from hookline.errors import StoreError

from .exchange import Item, Question

SYNC_SECONDS = 1.0
"""How often the disk is asked to take what was written, so that a power cut takes little.

A killed process loses nothing, because each record is handed to the system first.
"""


class Record(msgspec.Struct, frozen=True, gc=False):
    """One line of the record."""

    id: str
    time: datetime
    model: str
    version: int | None
    row: Any
    """Raw columns as they came."""
    row_id: Any
    """What the row calls itself, None where it does not."""
    prediction: Any
    probabilities: Sequence[float] | None
    warnings: Sequence[str]


@dataclass
class PredictionLog:
    """Appends records to `predictions-<day>-<pid>.ndjson` in a folder."""

    folder: Path
    model: str
    version: int | None
    _day: date | None = None
    _file: IO[bytes] | None = field(default=None, repr=False)
    _synced: float = 0.0
    _syncing: Future[None] | None = field(default=None, repr=False)
    _syncer: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(1, "sync"), repr=False)
    """Its own thread, since a disk may hold up what waits for it for as long as many requests take."""
    _encoder: msgspec.json.Encoder = field(default_factory=msgspec.json.Encoder, repr=False)

    @classmethod
    def open(cls, folder: Path, info: Mapping[str, Any]) -> PredictionLog:
        """Open today's file; raises StoreError where the folder cannot be written."""
        log = cls(folder, str(info["model"]), info.get("version"))
        try:
            folder.mkdir(parents=True, exist_ok=True)
            log._turn(datetime.now(UTC))
        except OSError as error:
            raise StoreError(
                f"predictions cannot be recorded in {folder}: {error.strerror}", hint="see --log"
            ) from error
        return log

    def write(self, question: Question, items: Sequence[Item]) -> None:
        """Record what is answered; raises OSError, after which none of it may be."""
        now = datetime.now(UTC)
        self.append([self.lines(question, items, now)], now)

    def append(self, lines: Iterable[bytes], now: datetime) -> None:
        """Record lines that were made before; raises OSError, after which none of them stands there."""
        self._turn(now)
        assert self._file is not None
        written = 0
        try:
            for some in lines:
                left = memoryview(some)
                while left:
                    # A disk that is nearly full takes a part, and says so only of the rest.
                    count = self._file.write(left)
                    left, written = left[count:], written + count
            self._sync()
        except OSError:
            # What a full disk cut off would join the next record's line.
            with suppress(OSError):
                size = os.fstat(self._file.fileno()).st_size
                os.ftruncate(self._file.fileno(), size - written)
            raise

    def close(self) -> None:
        """Flush to the disk and close."""
        if self._file is not None:
            self._end_sync()
            os.fsync(self._file.fileno())
            self._file.close()
            self._file = None

    def lines(self, question: Question, items: Sequence[Item], now: datetime) -> bytes:
        """Return the records of what is answered, a line each."""
        records = [
            Record(
                item.id,
                now,
                self.model,
                self.version,
                row,
                row_id,
                item.prediction,
                list(item.probabilities.values()) if item.probabilities else None,
                item.warnings,
            )
            for item, row, row_id in zip(items, question.rows, question.ids, strict=True)
        ]
        return self._encoder.encode_lines(records)

    def _turn(self, now: datetime) -> None:
        """Begin another file with the day."""
        day = now.date()
        if day != self._day:
            self.close()
            # Unbuffered, so that a written record is the system's and outlives this process.
            self._file = (self.folder / f"predictions-{day}-{os.getpid()}.ndjson").open("ab", buffering=0)
            self._day = day

    def _sync(self) -> None:
        """Have the disk take what was written, once in a while; raises OSError where it did not take what was written before."""
        assert self._file is not None
        if time.monotonic() - self._synced > SYNC_SECONDS:
            self._end_sync()
            self._syncing = self._syncer.submit(os.fsync, self._file.fileno())
            self._synced = time.monotonic()

    def _end_sync(self) -> None:
        syncing, self._syncing = self._syncing, None
        if syncing is not None:
            syncing.result()
