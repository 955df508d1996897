"""The record of every prediction, encoded a line each, and written before the answer is sent."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from threading import Lock
from typing import Any, NamedTuple

import msgspec

from hookline.live.log.rules import Rules
from hookline.live.log.writing import Segments

from .exchange import Item, Question

Kept = Future[None] | None
"""Done once a record is kept as durably as is asked for, or fails with NotRecorded; None where it is already."""


class NotRecorded(OSError):
    """A record that could not be written, as the disk says; a model's own OSError is none."""

    @classmethod
    def of(cls, error: OSError) -> NotRecorded:
        """Return the same said of a record."""
        return cls(error.errno, error.strerror or str(error), error.filename)


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
    """Records answers in files of its own in a folder."""

    files: Segments
    rules: Rules
    written: int = 0
    """Records."""
    failures: int = 0
    """Times that some could not be written."""
    _encoder: msgspec.json.Encoder = field(default_factory=msgspec.json.Encoder, repr=False)
    _counting: Lock = field(default_factory=Lock, repr=False)
    """Held by whoever counts: the loop, threads of large requests, and those of versions beside the one in charge."""

    def __post_init__(self) -> None:
        # Asked once, since it is needed for each request.
        self._changes = self.rules.changes

    @classmethod
    def open(cls, folder: Path) -> PredictionLog:
        """Open a file of now, as `log.yaml` in the folder says; raises ConfigError for that, StoreError for the disk."""
        record = cls.later(folder)
        record.files.open()
        return record

    @classmethod
    def later(cls, folder: Path) -> PredictionLog:
        """Return the same but that its first file is opened with the first record; raises ConfigError."""
        rules = Rules.of(folder)
        return cls(rules.settings.segments(folder), rules)

    @property
    def folder(self) -> Path:
        """Where its files lie."""
        return self.files.folder

    def append(self, lines: Sequence[bytes], now: datetime) -> Kept:
        """Record lines; raises NotRecorded, after which none of what they answer may be."""
        try:
            kept = self.files.append(lines, now)
        except OSError as error:
            with self._counting:
                self.failures += 1
            raise NotRecorded.of(error) from error
        # An encoded text holds no line break, so each ends a record.
        records = lines[0].count(b"\n") if len(lines) == 1 else sum(some.count(b"\n") for some in lines)
        with self._counting:
            self.written += records
        return None if kept is None else _promised(kept)

    def lines(self, stamp: Stamp, answered: Iterable[tuple[Question, Sequence[Item]]], now: datetime) -> bytes:
        """Return the records of what several requests are answered, a line each."""
        records: list[Record] = []
        for question, items in answered:
            records += self._records(stamp, question, items, now)
        return self._encoder.encode_lines(records)

    def _records(self, stamp: Stamp, question: Question, items: Sequence[Item], now: datetime) -> list[Record]:
        model, version, arm = stamp
        latency = round(time.perf_counter() - question.since, 6)
        nothing = [None] * len(items)
        keys = question.keys or nothing
        rows: Iterable[tuple[Any, Any, Any]] = zip(question.rows, question.ids, keys, strict=True)
        if self._changes:
            rows = map(self._kept_of, rows)
        return [
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
                other,
            )
            for item, (row, row_id, key), other in zip(items, rows, question.of or nothing, strict=True)
        ]

    def _kept_of(self, told: tuple[Any, Any, Any]) -> tuple[Any, Any, Any]:
        """Return what the log's rules keep of a row, of what it calls itself, and of what decided who answers it."""
        row, row_id, key = told
        named = row if isinstance(row, Mapping) else msgspec.to_builtins(row)
        return self.rules.row(named), self.rules.beside(row_id, named), self.rules.beside(key, named)

    def close(self) -> None:
        """Flush to the disk and close."""
        self.files.close()


def _promised(kept: Future[None]) -> Future[None]:
    """Return the same promise, which fails with NotRecorded."""
    promised: Future[None] = Future()

    def settle(done: Future[None]) -> None:
        error = done.exception()
        if error is None:
            promised.set_result(None)
        else:
            promised.set_exception(NotRecorded.of(error) if isinstance(error, OSError) else error)

    kept.add_done_callback(settle)
    return promised
