"""Events that are no rows, kept in a file with the reason: dead letters."""

from __future__ import annotations

import base64
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

from hookline.errors import StoreError

from .brokers.broker import Event
from .shapes import EPOCH

BEGUN = b'{"id": "'
"""How each line begins, by which one that was torn is known from what is no dead letter."""


@dataclass(frozen=True)
class Letter:
    """An event that is no row."""

    event: Event
    reason: str

    def line(self, place: str) -> bytes:
        """Return it as a line of the file; place: the broker and topic that it came from."""
        told = {
            "id": self.event.id,
            "time": _moment(self.event.time),
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
    _read: _Read = field(default_factory=lambda: _Read(), compare=False, repr=False)

    def keep(self, letters: Sequence[Letter]) -> int:
        """Add those that are not there, once the disk has them; returns how many.

        Raises StoreError where the file cannot be written, or holds other things, which stay as they are.
        """
        from filelock import FileLock

        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with FileLock(self.path.with_name(f".{self.path.name}.lock")), self.path.open("a+b") as file:
                there = self._there(file)
                new = [one for one in letters if one.event.id not in there]
                file.writelines(one.line(self.place) for one in new)
                file.flush()
                os.fsync(file.fileno())
                there.update(one.event.id for one in new)
                self._read.whole = file.seek(0, os.SEEK_END)
                return len(new)
        except OSError as error:
            told = f"{self.path} cannot be written: {error.strerror or error}"
            raise StoreError(told, hint="free the disk, or name another file in source.dead_letters") from error

    def _there(self, file: Any) -> set[str]:
        """Return the ids of this place that are there, having read what was added since the last time."""
        now, read = os.fstat(file.fileno()), self._read
        if read.inode != now.st_ino or now.st_size < read.whole:
            read.inode, read.whole, read.ids = now.st_ino, 0, set()
        read.ids.update(self._ids_beyond(file, read.whole))
        return read.ids

    def _ids_beyond(self, file: Any, whole: int) -> Iterator[str]:
        """Yield the ids of this place beyond a line's end; what a killed writer left of a line is cut off."""
        file.seek(whole)
        for line in file:
            if not line.endswith(b"\n") and line[: len(BEGUN)] == BEGUN[: len(line)]:
                file.truncate(whole)
                return
            whole += len(line)
            try:
                told = json.loads(line)
                place, name = told["from"], told["id"]
            except (ValueError, KeyError, TypeError):
                hint = "name a new file in source.dead_letters"
                raise StoreError(f"{self.path} holds other things than dead letters", hint=hint) from None
            if place == self.place:
                yield name


@dataclass
class _Read:
    """How far a file was read, and the ids that were there: of a long one each further writing reads what came since."""

    inode: int | None = None
    whole: int = 0
    ids: set[str] = field(default_factory=set)


def _moment(time: int) -> str | None:
    """Return a time in ISO 8601; None for one that no calendar has, as senders may say what they like."""
    try:
        return (EPOCH + timedelta(microseconds=time)).isoformat()
    except OverflowError:
        return None


def body_of(event: Event) -> dict[str, Any]:
    """Return what an event holds as it came, in texts."""
    if isinstance(event.body, Mapping):
        texts = {key.decode("utf-8", "replace"): value.decode("utf-8", "replace") for key, value in event.body.items()}
        return {"fields": texts}
    try:
        return {"event": event.body.decode()}
    except UnicodeDecodeError:
        return {"event_base64": base64.b64encode(event.body).decode()}
