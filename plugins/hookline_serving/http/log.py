"""The record of every prediction, encoded a line each, and written before the answer is sent."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec

from hookline.live.log.rules import Rules
from hookline.live.log.writing import Segments

from .exchange import Item, Question


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
    arm: str | None = None
    """The part that the version plays in the policy."""
    latency: float | None = None
    """Seconds from the request to this record."""
    key: str | None = None
    """The value that decided the arm."""
    request: str | None = None
    """The request's id."""
    of: str | None = None
    """Of a shadow's answer: the id of the answer that was given."""


@dataclass
class PredictionLog:
    """Records answers in files of its own in a folder."""

    files: Segments
    """Its `append` says when the disk has taken lines, for those who need not wait here."""
    rules: Rules
    model: str
    version: int | None
    _encoder: msgspec.json.Encoder = field(default_factory=msgspec.json.Encoder, repr=False)

    @classmethod
    def open(cls, folder: Path, info: Mapping[str, Any]) -> PredictionLog:
        """Open a file of now, as `log.yaml` in the folder says; raises ConfigError for that, StoreError for the disk."""
        rules = Rules.of(folder)
        files = rules.settings.segments(folder)
        files.open()
        return cls(files, rules, str(info["model"]), info.get("version"))

    @property
    def folder(self) -> Path:
        """Where its files lie."""
        return self.files.folder

    def write(self, question: Question, items: Sequence[Item]) -> None:
        """Record what is answered; raises OSError, after which none of it may be."""
        now = datetime.now(UTC)
        self.append([self.lines(question, items, now)], now)

    def append(self, lines: Sequence[bytes], now: datetime) -> None:
        """Record lines that were made before, and wait where the disk must have them; raises OSError, as above."""
        taken = self.files.append(lines, now)
        if taken is not None:
            taken.result()

    def lines(self, question: Question, items: Sequence[Item], now: datetime) -> bytes:
        """Return the records of what is answered, a line each."""
        records = [
            Record(
                item.id,
                now,
                self.model,
                self.version,
                self.rules.row(row) if self.rules.changes else row,
                self.rules.beside(row_id, row),
                item.prediction,
                list(item.probabilities.values()) if item.probabilities else None,
                item.warnings,
            )
            for item, row, row_id in zip(items, question.rows, question.ids, strict=True)
        ]
        return self._encoder.encode_lines(records)

    def close(self) -> None:
        """Flush to the disk and close."""
        self.files.close()
