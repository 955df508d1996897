"""A version that is not in charge, asked in a thread of its own, so that one that is slow or hangs keeps nobody waiting."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future, wait
from functools import partial
from queue import Empty, SimpleQueue
from threading import Lock, Thread
from typing import NamedTuple, NoReturn

from ..answers import Answerer
from ..exchange import Item, Question
from ..reading.faults import Overdue

PATIENCE_SECONDS = 1.0
"""How long whoever asked waits for a version that is not in charge, before the one in charge answers."""
MOST_WAITING = 256
"""Requests that wait for it; a further one is refused at once."""
MOST_TOGETHER = 256
"""Rows that it is asked for at once."""


class Closed(Exception):
    """Another policy is in force, and nobody is asked under this one any more."""


class Asked(NamedTuple):
    """A question, and who is to be told the answer, or what the model raised."""

    question: Question
    until: float
    """When whoever asked stops waiting, as `time.perf_counter` counts."""
    tell: Callable[[list[Item] | Exception], None]


class Aside:
    """Asks an answerer in a thread; what comes in while it is busy is answered together."""

    def __init__(self, answerer: Answerer, name: str) -> None:
        self._answerer, self._name = answerer, name
        self._queue: SimpleQueue[Asked | None] = SimpleQueue()
        self._asked = self._done = 0
        self._lock = Lock()
        self._begun: float | None = None
        """When the model was asked that has not answered yet."""
        self._thread: Thread | None = None
        self._closed = False
        self.dropped = 0
        """Questions that it did not answer, since too many waited, or nobody any more."""

    @property
    def waiting(self) -> int:
        """Questions that were asked and are not answered yet."""
        return self._asked - self._done

    async def answer(self, question: Question, patience: float = PATIENCE_SECONDS) -> list[Item]:
        """Return what it answers; raises Overdue where that takes too many seconds, Closed, and what the model raises."""
        told = asyncio.wrap_future(self._promise(question, patience))
        try:
            await asyncio.wait((told,), timeout=patience)
            return told.result() if told.done() else self._late(patience)
        finally:
            told.cancel()

    def answer_now(self, question: Question, patience: float) -> list[Item]:
        """Return what it answers, from a thread that may wait; raises as `answer` does."""
        told = self._promise(question, patience)
        wait((told,), patience)
        return told.result() if told.done() else self._late(patience)

    def _promise(self, question: Question, patience: float) -> Future[list[Item]]:
        told: Future[list[Item]] = Future()
        # It can be told also once nobody waits for it any more.
        told.set_running_or_notify_cancel()
        if not self.ask(question, partial(_settle, told), patience):
            raise Overdue(f"{self._name} has {MOST_WAITING} requests waiting")
        return told

    def _late(self, patience: float) -> NoReturn:
        raise Overdue(f"{self._name} did not answer within {patience:.3g} s")

    def ask(
        self, question: Question, tell: Callable[[list[Item] | Exception], None], patience: float = PATIENCE_SECONDS
    ) -> bool:
        """Ask, and have the answer told from the thread; False where too many wait. Raises Closed."""
        with self._lock:
            if self._closed:
                raise Closed
            if self.waiting >= MOST_WAITING or self._is_stuck(patience):
                self.dropped += 1
                return False
            if self._thread is None:
                # A daemon's: one that hangs does not keep the process from ending.
                self._thread = Thread(target=self._work, name=self._name, daemon=True)
                self._thread.start()
            self._asked += 1
            self._queue.put(Asked(question, time.perf_counter() + patience, tell))
            return True

    def _is_stuck(self, patience: float) -> bool:
        """Tell whether what was asked before takes so long that nobody needs to wait for this, too."""
        return self._begun is not None and time.perf_counter() - self._begun > patience

    def close(self) -> None:
        """End the thread, once what waits is answered; nobody can ask after that."""
        with self._lock:
            self._closed = True
            if self._thread is not None:
                self._queue.put(None)

    def join(self, seconds: float) -> None:
        """Wait until what waited when it was closed is answered, but no longer than so."""
        if self._thread is not None:
            self._thread.join(seconds)

    def _work(self) -> None:
        while (first := self._queue.get()) is not None:
            asked, goes_on = self._further(first)
            self._begun = time.perf_counter()
            self._answer(asked)
            self._begun = None
            self._done += len(asked)
            if not goes_on:
                return

    def _further(self, first: Asked) -> tuple[list[Asked], bool]:
        """Return what waits by now, and whether more may come."""
        asked, rows = [first], len(first.question.rows)
        while rows < MOST_TOGETHER:
            try:
                another = self._queue.get_nowait()
            except Empty:
                break
            if another is None:
                return asked, False
            asked.append(another)
            rows += len(another.question.rows)
        return asked, True

    def _answer(self, asked: Sequence[Asked]) -> None:
        # Whoever stopped waiting is not answered, and the model need not be asked for them.
        fresh = [one for one in asked if time.perf_counter() < one.until]
        if len(fresh) < len(asked):
            with self._lock:
                self.dropped += len(asked) - len(fresh)
        try:
            answers = self._answerer.predict([one.question for one in fresh]) if fresh else []
        except Exception as error:  # noqa: BLE001  a model may raise anything
            self._answer_alone(fresh, error)
            return
        for one, items in zip(fresh, answers, strict=True):
            one.tell(items)

    def _answer_alone(self, asked: Sequence[Asked], error: Exception) -> None:
        """Ask again for each question by itself, so that one that the model cannot answer does not fail the others."""
        for one in asked:
            if len(asked) == 1:
                one.tell(error)
                continue
            try:
                one.tell(self._answerer.predict([one.question])[0])
            except Exception as own:  # noqa: BLE001  as above
                one.tell(own)


def _settle(told: Future[list[Item]], answer: list[Item] | Exception) -> None:
    if isinstance(answer, Exception):
        told.set_exception(answer)
    else:
        told.set_result(answer)
