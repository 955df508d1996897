"""A version at work: rows of many requests, answered together, and counted."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
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
Done = Callable[[list[Item] | Exception], None]
"""Takes the answer to a request once it is on record, or why there is none."""
Waiting = tuple[Question, Done]
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

    unfilled: int = 0
    """Times that what rows lacked could not be read; of two threads one may be lost."""

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
    _waiting: list[Waiting] = field(default_factory=list)
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
        loop = self._running()
        if len(question.rows) <= MOST_ROWS_INLINE:
            answer: asyncio.Future[list[Item]] = loop.create_future()
            self.ask(question, partial(settle, answer))
            return await answer
        try:
            items = await loop.run_in_executor(self.room.worker, self.answerer.answer_now, question)
        except Exception as error:
            self.failed(error, question.unit())
            raise
        self.count(question, items)
        return items

    def ask(self, question: Question, done: Done) -> None:
        """Have a few rows answered, at once or with those of other requests of this moment; for the loop's own thread."""
        if self._is_first() and self._quiet:
            self._seen = 1
            self._answer([(question, done)])
        else:
            self._waiting.append((question, done))

    def failed(self, error: Exception, unit: str | None = None) -> None:
        """Count a request that the model could not answer, whatever it raised; not one that cannot be read or recorded.

        unit: as `Question.unit` says it
        """
        if self.counts is not None and not isinstance(error, (BadRequest, BadRows, TooLarge, NotRecorded)):
            self.counts.failed(unit)

    def count(self, question: Question, items: Sequence[Item], compared: bool = False) -> None:
        """Count a request as answered. compared: whether it took the way that those of other versions take."""
        if self.counts is not None and items:
            seconds, faded = time.perf_counter() - question.since, 0.999 * self.slowest
            self.slowest = seconds if seconds > faded else faded
            self.counts.answered(seconds, items[0].prediction, compared)

    def _running(self) -> asyncio.AbstractEventLoop:
        if self._loop is None:
            self._loop = asyncio.get_running_loop()
        return self._loop

    def _is_first(self) -> bool:
        """Take one more request of this moment, and tell whether it is the first."""
        self._asked += 1
        if self._asked > 1:
            return False
        self._running().call_soon(self._end_turn)
        return True

    def _end_turn(self) -> None:
        """End the moment with the first turn of the loop that brings no further request."""
        if self._asked > self._seen:
            self._seen = self._asked
            self._running().call_soon(self._end_turn)
            return
        self._quiet, self._asked, self._seen = self._asked == 1, 0, 0
        if self._waiting:
            waiting, self._waiting = self._waiting, []
            self._answer(waiting)

    def _answer(self, waiting: Sequence[Waiting]) -> None:
        try:
            answers, kept = self.answerer.answer([question for question, _ in waiting])
        except Exception as error:  # noqa: BLE001  a model may raise anything, and each request must hear of it
            self._answer_alone(waiting, error)
            return
        if kept is None:
            self._tell(waiting, answers)
        else:
            soon: Any = self._running().call_soon_threadsafe
            kept.add_done_callback(partial(soon, self._tell, waiting, answers))

    def _answer_alone(self, waiting: Sequence[Waiting], error: Exception) -> None:
        """Ask again for each request by itself, so that one that the model cannot answer does not fail the others."""
        if len(waiting) > 1:
            for one in waiting:
                self._answer([one])
            return
        ((question, done),) = waiting
        self.failed(error, question.unit())
        done(error)

    def _tell(self, waiting: Sequence[Waiting], answers: Sequence[list[Item]], kept: Kept = None) -> None:
        """Answer requests, whose records are kept by now, or cannot be."""
        error = None if kept is None else kept.exception()
        for (question, done), items in zip(waiting, answers, strict=True):
            if isinstance(error, Exception):
                self.failed(error, question.unit())
                done(error)
            else:
                self.count(question, items)
                done(items)


def settle(answer: Future[list[Item]] | asyncio.Future[list[Item]], told: list[Item] | Exception) -> None:
    """Keep a promise, unless it is kept already."""
    if answer.done():
        return
    if isinstance(told, Exception):
        # No future takes a StopIteration, which a model may raise as well as anything else.
        answer.set_exception(RuntimeError(repr(told)) if isinstance(told, StopIteration) else told)
    else:
        answer.set_result(told)


def _go_on(work: Iterator[T], done: list[T]) -> bool:
    """Go on for a step; returns whether there is more."""
    until = time.perf_counter() + STEP_SECONDS
    for item in work:
        done.append(item)
        if time.perf_counter() > until:
            return True
    return False
