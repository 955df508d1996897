"""The writer of a prediction log: records are on file before they are answered, on disk at once or within a second."""

from __future__ import annotations

import time
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Event, Lock
from typing import Literal

from hookline.errors import StoreError
from hookline.telling.secrets import logger
from hookline.workspace.disk import FULL

from ..segments.segment import Segment, Waiting

Durability = Literal["fast", "strict"]
"""When a record counts as written: handed to the system, which a killed process does not undo; or taken by the disk."""
OnFull = Literal["refuse", "drop"]
"""What a full disk means: no answer, or one that is not on record."""
SYNC_SECONDS = 1.0
"""How long the disk may lack what was written fast, so that a power cut takes little."""
MOST_BYTES = 64 * 1024 * 1024
"""Of a file before the next one begins, so that it can be compacted."""
BACK = timedelta(minutes=1)
"""So far a record may stand before an earlier one of its file; readers count on it. A clock that jumps back begins another."""
TOLD_SECONDS = 60.0
"""How often it is told that records are dropped."""


@dataclass
class Segments:
    """The files that one writer appends records to, one after the other, in a folder that it may share with others."""

    folder: Path
    durability: Durability = "fast"
    on_full: OnFull = "refuse"
    most_bytes: int = MOST_BYTES
    dropped: int = 0
    """Records that were not written since the disk was full, where that is allowed."""
    _segment: Segment | None = field(default=None, repr=False)
    _failed: OSError | None = field(default=None, repr=False)
    """Why the disk did not take what was written fast; told once."""
    _told: float | None = field(default=None, repr=False)
    _lock: Lock = field(default_factory=Lock, repr=False)
    _closing: Event = field(default_factory=Event, repr=False)
    _syncer: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(1, "sync"), repr=False)
    """Its own thread, since a disk may hold up what waits for it for as long as many requests take."""

    def open(self) -> None:
        """Open a file before the first record comes; raises StoreError where the folder cannot be written."""
        try:
            with self._lock:
                self._current(datetime.now(UTC))
        except OSError as error:
            raise StoreError(
                f"predictions cannot be recorded in {self.folder}: {error.strerror}", hint="see --log"
            ) from error

    def append(self, lines: Sequence[bytes], now: datetime) -> Future[None] | None:
        """Record whole lines, all or none; raises OSError, after which nothing of what they answer may be answered.

        Strict, the answer must wait for what is returned, which fails with OSError where the disk does not take them.
        """
        with self._lock:
            try:
                segment = self._write(lines, now)
            except OSError as error:
                if not self._may_drop(error):
                    raise
                self._drop(_count(lines))
                return None
            return self._promise(segment, lines)

    def close(self) -> None:
        """Have the disk take what was written, and end; raises OSError where it does not."""
        with self._lock:
            segment, self._segment = self._segment, None
        self._closing.set()
        if segment is not None:
            self._syncer.submit(self._end, segment)
        self._syncer.shutdown()
        if self._told is not None:
            self._tell()
        failed, self._failed = self._failed, None
        if failed is not None:
            raise failed

    def _write(self, lines: Sequence[bytes], now: datetime) -> Segment:
        failed, self._failed = self._failed, None
        if failed is not None:
            raise failed
        segment = self._written(lines, now)
        if segment.is_there():
            return segment
        # The file was removed, perhaps with its folder: what was just written is on record in another, or not answered.
        self._turn()
        return self._written(lines, now)

    def _written(self, lines: Sequence[bytes], now: datetime) -> Segment:
        segment = self._current(now)
        try:
            segment.write(lines)
        except OSError:
            if segment.torn:
                self._turn()
            raise
        if now > segment.latest:
            segment.latest = now
        return segment

    def _current(self, now: datetime) -> Segment:
        """Return the file for records of this moment: another with each day, when it is large, or when a clock was set back."""
        held = self._segment
        if held is not None:
            is_of_now = now < held.midnight and (now >= held.latest or held.latest - now <= BACK)
            if is_of_now and held.size < self.most_bytes:
                return held
            self._turn()
        self._segment = Segment.create(self.folder, now)
        return self._segment

    def _turn(self) -> None:
        """Let go of the file; who waits for it is told once the disk has it."""
        segment, self._segment = self._segment, None
        if segment is not None:
            self._syncer.submit(self._end, segment)

    def _promise(self, segment: Segment, lines: Sequence[bytes]) -> Future[None] | None:
        future = None
        if self.durability == "strict":
            future = Future[None]()
            segment.waiting.append(Waiting(future, _count(lines)))
        if not segment.scheduled:
            segment.scheduled = True
            self._syncer.submit(self._sync_soon, segment)
        return future

    def _sync_soon(self, segment: Segment) -> None:
        if self.durability == "fast":
            self._closing.wait(SYNC_SECONDS)
        if not segment.file.closed:
            self._sync(segment)

    def _end(self, segment: Segment) -> None:
        if not segment.file.closed:
            self._sync(segment)
            segment.close()

    def _sync(self, segment: Segment) -> None:
        """Have the disk take what is written until now; all that is written meanwhile shares the next time."""
        with self._lock:
            waiting, segment.waiting = segment.waiting, []
            size, segment.scheduled = segment.size, False
        try:
            segment.sync()
        except OSError as error:
            self._fail(segment, waiting, error)
            return
        segment.synced = size
        for one in waiting:
            one.future.set_result(None)

    def _fail(self, segment: Segment, waiting: Sequence[Waiting], error: OSError) -> None:
        """Give up a file of which nobody knows what the disk holds: a system says so once, and then forgets it."""
        with self._lock:
            waiting, segment.waiting = [*waiting, *segment.waiting], []
            if self._segment is segment:
                self._segment = None
            if self.durability == "strict":
                segment.cut(segment.synced)
            else:
                self._failed = error
            segment.close()
            drops = self._may_drop(error)
            if drops:
                self._failed = None
                self._drop(sum(one.records for one in waiting))
        for one in waiting:
            if drops:
                one.future.set_result(None)
            else:
                one.future.set_exception(error)

    def _may_drop(self, error: OSError) -> bool:
        return self.on_full == "drop" and error.errno in FULL

    def _drop(self, records: int) -> None:
        self.dropped += records
        if self._told is None or time.monotonic() - self._told > TOLD_SECONDS:
            self._tell()

    def _tell(self) -> None:
        self._told = time.monotonic()
        logger("hookline.predictions").warning(
            "the disk of %s is full: %d answers of this process are not on record", self.folder, self.dropped
        )


def _count(lines: Sequence[bytes]) -> int:
    return sum(some.count(b"\n") for some in lines)
