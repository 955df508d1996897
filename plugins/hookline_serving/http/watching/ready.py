"""`/ready`: whether a version can answer, asked of the example row, and again where it could not."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from threading import Thread
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

from ..openapi.columns import example_row
from ..reading.faults import BadRows

if TYPE_CHECKING:
    from ..service import Service

PATIENCE_SECONDS = 1.0
"""How long a version may take for the example row, before it is said not to be ready."""
AGAIN_SECONDS = 1.0
"""After how long a version that could not answer is asked again."""


@dataclass
class Probe:
    """What is known of one version: one that has answered is taken to go on answering."""

    is_able: bool = False
    asked: float = field(default_factory=lambda: time.monotonic() - AGAIN_SECONDS)
    thread: Thread | None = None

    async def look(self, service: Service) -> bool:
        """Tell whether the version answers, which is not held; nothing of this is on record."""
        if self.is_able:
            return True
        busy = self.thread is not None and self.thread.is_alive()
        if not busy and time.monotonic() - self.asked >= AGAIN_SECONDS:
            await self._ask(service)
        return self.is_able

    async def _ask(self, service: Service) -> None:
        loop = asyncio.get_running_loop()
        answered = asyncio.Event()

        def ask() -> None:
            self.is_able = _answers(service)
            # The loop may be gone by the time that a slow version answers.
            with suppress(RuntimeError):
                loop.call_soon_threadsafe(answered.set)

        # A thread of its own, and a daemon's: one that hangs holds up nobody, and does not keep the process from ending.
        self.thread, self.asked = Thread(target=ask, name="ready", daemon=True), time.monotonic()
        self.thread.start()
        with suppress(TimeoutError):
            async with asyncio.timeout(PATIENCE_SECONDS):
                await answered.wait()


@dataclass
class Readiness:
    """What is known of the versions at work."""

    _probes: WeakKeyDictionary[Service, Probe] = field(default_factory=WeakKeyDictionary)
    """By version, and no longer than others have a use for it: a model takes memory."""

    async def is_ready(self, services: Iterable[Service]) -> bool:
        """Tell whether one of these versions answers."""
        for service in services:
            if await self._probes.setdefault(service, Probe()).look(service):
                return True
        return False


def _answers(service: Service) -> bool:
    """Ask for the example row, which a contract may be unable to make up: then what can be read can be answered."""
    answerer = service.answerer
    try:
        question = answerer.reader.read([example_row(service.predictor.schema)])
        answerer.predict([question])
    except BadRows:
        return True
    except Exception:  # noqa: BLE001  a model may raise anything, and then it does not answer
        return False
    return True
