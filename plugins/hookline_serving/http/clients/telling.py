"""What a server says on stderr: never so that it waits for whoever reads it, and of the same kind no more than one a minute."""

from __future__ import annotations

import logging
import os
import select
import sys
import time
from contextlib import suppress
from typing import Any

SAME_SECONDS = 60.0
"""How long what is said again and again is only counted."""
MOST_WAITING = 64 * 1024
"""Bytes that are kept for a reader who does not read."""
MOST_KINDS = 200
"""Kinds of messages that are told apart, since who may cause them may cause many."""

Kind = tuple[str, int, str]


def log_config() -> dict[str, Any]:
    """Return uvicorn's config of logging, but that what is said goes by `Telling`, also what no handler is there for."""
    from uvicorn.config import LOGGING_CONFIG

    if sys.__stderr__ is None or sys.stderr is not sys.__stderr__:
        return LOGGING_CONFIG
    handler = {"()": Telling, "descriptor": sys.__stderr__.fileno(), "formatter": "default"}
    config = {**LOGGING_CONFIG, "handlers": {**LOGGING_CONFIG["handlers"], "default": handler}}
    if not logging.getLogger().handlers:
        config["root"] = {"handlers": ["default"], "level": "WARNING"}
    return config


class Telling(logging.Handler):
    """Writes to a file descriptor what that takes at once, and keeps or counts the rest: a full pipe would stop the server."""

    def __init__(self, descriptor: int) -> None:
        super().__init__()
        self._descriptor = descriptor
        self._waiting = b""
        self._lost = 0
        self._said: dict[Kind, float] = {}
        self._more: dict[Kind, int] = {}

    def emit(self, record: logging.LogRecord) -> None:
        """Say a message, or count it where its like was said a moment ago."""
        kind, now = _kind(record), time.monotonic()
        if now - self._said.get(kind, -SAME_SECONDS) < SAME_SECONDS:
            self._more[kind] = self._more.get(kind, 0) + 1
            return
        if len(self._said) >= MOST_KINDS:
            self._said = {known: since for known, since in self._said.items() if now - since < SAME_SECONDS}
        if len(self._said) >= MOST_KINDS:
            self._lost += 1
            return
        self._said[kind] = now
        self._say(self.format(record) + _more(self._more.pop(kind, 0)))

    def close(self) -> None:
        """Say how much was only counted."""
        for (name, _, begin), count in self._more.items():
            self._say(f"{name}: {begin}{_more(count)}")
        self._more.clear()
        super().close()

    def _say(self, text: str) -> None:
        self._write()
        if self._lost:
            text = f"{self._lost:,} of what was to be said could not be written\n{text}"
        line = text.encode("utf-8", "backslashreplace") + b"\n"
        if len(self._waiting) + len(line) > MOST_WAITING:
            self._lost += 1
        else:
            self._waiting += line
            self._lost = 0
        self._write()

    def _write(self) -> None:
        with suppress(OSError):
            # A pipe is ready when it takes this much.
            while self._waiting and select.select((), (self._descriptor,), (), 0)[1]:
                written = os.write(self._descriptor, self._waiting[: select.PIPE_BUF])
                self._waiting = self._waiting[written:]


def _kind(record: logging.LogRecord) -> Kind:
    """Return what messages have in common that are of one kind: who says it, where, and of which sort of error."""
    error = record.exc_info[0].__name__ if record.exc_info and record.exc_info[0] else ""
    if record.exc_text:
        error = record.exc_text.rpartition("\n")[2].partition(":")[0]
    return record.name, record.lineno, error or record.getMessage()[:60]


def _more(count: int) -> str:
    return f" (and {count:,} more like it)" if count else ""
