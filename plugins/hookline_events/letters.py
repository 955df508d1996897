"""Events that are no rows, kept in a file with the reason: dead letters."""

from __future__ import annotations

import base64
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from hookline.errors import StoreError

from .brokers.broker import Event


@dataclass(frozen=True)
class Letter:
    """An event that is no row."""

    event: Event
    reason: str

    def line(self, place: str) -> bytes:
        """Return it as a line of the file; place: the broker and topic that it came from."""
        told = {
            "id": self.event.id,
            "time": datetime.fromtimestamp(self.event.time / 1_000_000, UTC).isoformat(),
            "from": place,
            "reason": self.reason,
            **body_of(self.event),
        }
        return json.dumps(told, ensure_ascii=False).encode("utf-8", "replace") + b"\n"


@dataclass(frozen=True)
class DeadLetters:
    """A file of NDJSON that many readings, and several processes, add to; each event is in it once."""

    path: Path
    place: str

    def keep(self, letters: Sequence[Letter]) -> int:
        """Add those that are not there, once the disk has them; returns how many. Raises StoreError."""
        from filelock import FileLock

        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with FileLock(self.path.with_name(f".{self.path.name}.lock")), self.path.open("a+b") as file:
                there = set(self._ids(file))
                new = [one for one in letters if one.event.id not in there]
                file.writelines(one.line(self.place) for one in new)
                file.flush()
                os.fsync(file.fileno())
                return len(new)
        except OSError as error:
            told = f"{self.path} cannot be written: {error.strerror or error}"
            raise StoreError(told, hint="free the disk, or name another file in source.dead_letters") from error

    def _ids(self, file: Any) -> Iterator[str]:
        """Yield the ids of this place that are there; what a killed writer left of a line is cut off."""
        file.seek(0)
        whole = 0
        for line in file:
            if not line.endswith(b"\n"):
                file.truncate(whole)
                return
            whole += len(line)
            told = json.loads(line)
            if told["from"] == self.place:
                yield told["id"]


def body_of(event: Event) -> dict[str, Any]:
    """Return what an event holds as it came, in texts."""
    if isinstance(event.body, Mapping):
        texts = {key.decode("utf-8", "replace"): value.decode("utf-8", "replace") for key, value in event.body.items()}
        return {"fields": texts}
    try:
        return {"event": event.body.decode()}
    except UnicodeDecodeError:
        return {"event_base64": base64.b64encode(event.body).decode()}
