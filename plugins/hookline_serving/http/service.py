"""Rows of many requests, answered together."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, TypeVar

from hookline import Predictor

from .answers import Answerer
from .clients.bounds import Bounds, Held
from .exchange import Item, Question

T = TypeVar("T")
THREADS = 2
"""Of large requests. Each keeps the loop waiting while it runs Python; with one, a slow model would hold up all of them."""
STEP_SECONDS = 0.002
MOST_ROWS_INLINE = 50
"""A request of more rows is predicted in a thread, so that others are not kept waiting."""


@dataclass
class Service:
    """What the routes answer from; requests that come at the same moment are predicted together."""

    answerer: Answerer
    info: Mapping[str, Any]
    bounds: Bounds = field(default_factory=Bounds)
    held: Held = field(init=False)
    """What is held for clients."""
    heavy: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(1))
    """Taken by whoever reads a large body: two of them would take twice the memory and no less time."""
    _worker: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(THREADS, "rows"), repr=False)
    _loop: asyncio.AbstractEventLoop | None = None
    """Kept, since asking for it is a system call."""
    _waiting: list[tuple[Question, asyncio.Future[list[Item]]]] = field(default_factory=list)
    _asked: int = 0
    """Requests of this moment."""
    _seen: int = 0
    """Of these, those that had asked a turn of the loop ago."""
    _quiet: bool = True
    """Whether the last moment with any had only one; the next one then need not wait for others."""

    def __post_init__(self) -> None:
        self.held = Held(self.bounds.in_flight)

    @property
    def predictor(self) -> Predictor:
        """The model that is asked."""
        return self.answerer.predictor

    async def answer(self, question: Question) -> list[Item]:
        """Predict rows: with those of other requests, or in a thread where there are many. Raises OSError."""
        if self._loop is None:
            self._loop = asyncio.get_running_loop()
        if len(question.rows) > MOST_ROWS_INLINE:
            return (await self._loop.run_in_executor(self._worker, self.answerer.answer, [question]))[0]
        self._asked += 1
        if self._asked == 1:
            self._loop.call_soon(self._end_turn)
            if self._quiet:
                self._seen = 1
                return self.answerer.answer([question])[0]
        answer: asyncio.Future[list[Item]] = self._loop.create_future()
        self._waiting.append((question, answer))
        return await answer

    async def in_turns(self, work: Iterator[T]) -> list[T]:
        """Go through what takes long, a step at a time in a thread, where others' steps come in between."""
        if self._loop is None:
            self._loop = asyncio.get_running_loop()
        done: list[T] = []
        while await self._loop.run_in_executor(self._worker, _go_on, work, done):
            pass
        return done

    def close(self) -> None:
        """End the threads."""
        self._worker.shutdown(wait=False)

    def _end_turn(self) -> None:
        """End the moment with the first turn of the loop that brings no further request."""
        if self._asked > self._seen:
            self._seen = self._asked
            assert self._loop is not None
            self._loop.call_soon(self._end_turn)
            return
        self._quiet, self._asked, self._seen = self._asked == 1, 0, 0
        if self._waiting:
            self._answer_waiting()

    def _answer_waiting(self) -> None:
        waiting, self._waiting = self._waiting, []
        try:
            answers = self.answerer.answer([question for question, _ in waiting])
        except Exception as error:  # noqa: BLE001  a model may raise anything, and each request must hear of it
            self._answer_alone(waiting, error)
            return
        for (_, future), answer in zip(waiting, answers, strict=True):
            if not future.done():
                future.set_result(answer)

    def _answer_alone(self, waiting: list[tuple[Question, asyncio.Future[list[Item]]]], error: Exception) -> None:
        """Ask again for each request by itself, so that one that the model cannot answer does not fail the others."""
        for question, future in waiting:
            if future.done():
                continue
            if len(waiting) == 1:
                future.set_exception(error)
                continue
            try:
                future.set_result(self.answerer.answer([question])[0])
            except Exception as own:  # noqa: BLE001  as above
                future.set_exception(own)


def _go_on(work: Iterator[T], done: list[T]) -> bool:
    """Go on for a step; returns whether there is more."""
    until = time.perf_counter() + STEP_SECONDS
    for item in work:
        done.append(item)
        if time.perf_counter() > until:
            return True
    return False
