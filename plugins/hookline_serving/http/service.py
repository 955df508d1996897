"""A version at work: rows of many requests, answered together, and counted."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar

from hookline import Predictor

from .answers import Answerer
from .clients.bounds import Bounds, Held
from .exchange import Item, Question
from .log import Kept, NotRecorded
from .reading.faults import BadRequest, BadRows, TooLarge

if TYPE_CHECKING:
    from hookline.live.seen import ArmCounts

T = TypeVar("T")
THREADS = 2
"""Of large requests. Each keeps the loop waiting while it runs Python; with one, a slow model would hold up all of them."""
STEP_SECONDS = 0.002
MOST_ROWS_INLINE = 50
"""A request of more rows is predicted in a thread, so that others are not kept waiting."""


@dataclass
class Room:
    """What all versions of a server share: the bounds, what is held within them, and the threads of large requests."""

    bounds: Bounds = field(default_factory=Bounds)
    held: Held = field(init=False)
    """What is held for clients."""
    heavy: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(1))
    """Taken by whoever reads a large body: two of them would take twice the memory and no less time."""
    worker: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(THREADS, "rows"), repr=False)

    def __post_init__(self) -> None:
        self.held = Held(self.bounds.in_flight)

    async def in_turns(self, work: Iterator[T]) -> list[T]:
        """Go through what takes long, a step at a time in a thread, where others' steps come in between."""
        loop = asyncio.get_running_loop()
        done: list[T] = []
        while await loop.run_in_executor(self.worker, _go_on, work, done):
            pass
        return done

    def close(self) -> None:
        """End the threads."""
        self.worker.shutdown(wait=False)


@dataclass(eq=False)
class Service:
    """One version at work; requests that come at the same moment are predicted together."""

    answerer: Answerer
    info: Mapping[str, Any]
    room: Room = field(default_factory=Room)
    counts: ArmCounts | None = None
    """What was seen of it, where somebody asks."""
    slowest: float = 0.0
    """Seconds that its slowest requests take, which fades with every other one; a guess, of which two threads may lose one."""
    _loop: asyncio.AbstractEventLoop | None = None
    """Kept, since asking for it is a system call."""
    _waiting: list[tuple[Question, asyncio.Future[list[Item]]]] = field(default_factory=list)
    _asked: int = 0
    """Requests of this moment."""
    _seen: int = 0
    """Of these, those that had asked a turn of the loop ago."""
    _quiet: bool = True
    """Whether the last moment with any had only one; the next one then need not wait for others."""

    @property
    def predictor(self) -> Predictor:
        """The model that is asked."""
        return self.answerer.predictor

    @property
    def waiting(self) -> int:
        """Requests that wait for the model."""
        return len(self._waiting)

    def asked_for(self) -> Service:
        """Return the same version as one that plays no part in a policy: what it answers counts for none."""
        return Service(self.answerer.apart(), self.info, self.room)

    async def answer(self, question: Question) -> list[Item]:
        """Predict rows: with those of other requests, or in a thread where there are many. Raises OSError."""
        # In one piece, since each coroutine around another takes as long as a part of a small model does.
        if self._loop is None:
            self._loop = asyncio.get_running_loop()
        try:
            if len(question.rows) > MOST_ROWS_INLINE:
                items = await self._loop.run_in_executor(self.room.worker, self.answerer.answer_now, question)
            elif self._is_first() and self._quiet:
                self._seen = 1
                (items,), kept = self.answerer.answer([question])
                if kept is not None:
                    await asyncio.wrap_future(kept)
            else:
                answer: asyncio.Future[list[Item]] = self._loop.create_future()
                self._waiting.append((question, answer))
                items = await answer
        except Exception as error:
            self.failed(error, question.unit())
            raise
        self.count(question, items)
        return items

    def failed(self, error: Exception, unit: str | None = None) -> None:
        """Count a request that the model could not answer, whatever it raised; not one that cannot be read or recorded.

        unit: as `Question.unit` says it
        """
        if self.counts is not None and not isinstance(error, (BadRequest, BadRows, TooLarge, NotRecorded)):
            self.counts.failed(unit)

    def count(self, question: Question, items: Sequence[Item], compared: bool = False) -> None:
        """Count a request as answered. compared: whether it took the way that those of other versions take."""
        if self.counts is not None and items:
            first = items[0]
            seconds = time.perf_counter() - question.since
            self.slowest = max(seconds, 0.999 * self.slowest)
            self.counts.answered(seconds, first.prediction, compared)

    def _is_first(self) -> bool:
        """Take one more request of this moment, and tell whether it is the first."""
        self._asked += 1
        if self._asked > 1:
            return False
        assert self._loop is not None
        self._loop.call_soon(self._end_turn)
        return True

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
            answers, kept = self.answerer.answer([question for question, _ in waiting])
        except Exception as error:  # noqa: BLE001  a model may raise anything, and each request must hear of it
            self._answer_alone(waiting, error)
            return
        for (_, future), answer in zip(waiting, answers, strict=True):
            if kept is not None:
                self._settle_once(future, answer, kept)
            elif not future.done():
                future.set_result(answer)

    def _settle_once(self, future: asyncio.Future[list[Item]], answer: list[Item], kept: Kept) -> None:
        """Answer a request once its record is kept."""
        if kept is None:
            if not future.done():
                future.set_result(answer)
            return
        loop = self._loop
        assert loop is not None
        kept.add_done_callback(lambda done: loop.call_soon_threadsafe(_settle, future, answer, done))

    def _answer_alone(self, waiting: list[tuple[Question, asyncio.Future[list[Item]]]], error: Exception) -> None:
        """Ask again for each request by itself, so that one that the model cannot answer does not fail the others."""
        for question, future in waiting:
            if future.done():
                continue
            if len(waiting) == 1:
                future.set_exception(error)
                continue
            try:
                (items,), kept = self.answerer.answer([question])
            except Exception as own:  # noqa: BLE001  as above
                future.set_exception(own)
                continue
            self._settle_once(future, items, kept)


def _settle(future: asyncio.Future[list[Item]], answer: list[Item], kept: Future[None]) -> None:
    error = kept.exception()
    if future.done():
        return
    if error is None:
        future.set_result(answer)
    else:
        future.set_exception(error)


def _go_on(work: Iterator[T], done: list[T]) -> bool:
    """Go on for a step; returns whether there is more."""
    until = time.perf_counter() + STEP_SECONDS
    for item in work:
        done.append(item)
        if time.perf_counter() > until:
            return True
    return False
