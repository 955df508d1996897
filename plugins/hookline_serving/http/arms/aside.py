"""A version that is not in charge, asked in a thread of its own, so that one that is slow or hangs keeps nobody waiting."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, wait
from contextlib import suppress
from functools import partial
from queue import Empty, SimpleQueue
from threading import Lock, Thread
from typing import NamedTuple

from ..answers import Answerer
from ..exchange import Item, Question
from ..reading.faults import Overdue

PATIENCE_SECONDS = 1.0
"""How long whoever asked waits for a version that is not in charge, before the one in charge answers."""
MOST_WAITING = 256
"""Requests that wait for it; a further one is refused at once."""
MOST_TOGETHER = 256
"""Rows that it is asked for at once."""


Tell = Callable[[list[Item] | Exception], None]
"""Takes what was answered, or what the model raised."""


class Closed(Exception):
    """Another policy is in force, and nobody is asked under this one any more."""


class Asked(NamedTuple):
    """A question, and who is to be told the answer, or what the model raised."""

    question: Question
    until: float
    """When whoever asked stops waiting, as `time.perf_counter` counts."""
    tell: Tell | asyncio.Future[list[Item]]
    """Called from the thread; or a promise of the loop, which is kept there."""


class Aside:
    """Asks an answerer in a thread; what comes in while it is busy, or in one turn of a loop, is answered together.

    A thread is woken once a turn, and wakes the loop once for all that it answered: waking takes longer than a small model.
    """

    def __init__(self, answerer: Answerer, name: str) -> None:
        self._answerer, self._name = answerer, name
        self._queue: SimpleQueue[list[Asked] | None] = SimpleQueue()
        self._turn: list[Asked] = []
        """What was asked in this turn of the loop."""
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
        loop = asyncio.get_running_loop()
        told: asyncio.Future[list[Item]] = loop.create_future()
        self._require(self.ask_soon(question, told, patience))
        timer = loop.call_later(patience, self._give_up, told, patience)
        try:
            return await told
        finally:
            timer.cancel()

    def _give_up(self, told: asyncio.Future[list[Item]], patience: float) -> None:
        if not told.done():
            told.set_exception(self._late(patience))

    def answer_now(self, question: Question, patience: float) -> list[Item]:
        """Return what it answers, from a thread that may wait; raises as `answer` does."""
        told = self._promise(question, patience)
        wait((told,), patience)
        if not told.done():
            raise self._late(patience)
        return told.result()

    def _promise(self, question: Question, patience: float) -> Future[list[Item]]:
        told: Future[list[Item]] = Future()
        # It can be told also once nobody waits for it any more.
        told.set_running_or_notify_cancel()
        self._require(self.ask(question, partial(_settle, told), patience))
        return told

    def _require(self, taken: bool) -> None:
        if not taken:
            raise Overdue(f"{self._name} has {MOST_WAITING} requests waiting")

    def _late(self, patience: float) -> Overdue:
        return Overdue(f"{self._name} did not answer within {patience:.3g} s")

    def ask(self, question: Question, tell: Tell, patience: float = PATIENCE_SECONDS) -> bool:
        """Ask at once, and have the answer told from the thread; False where too many wait. Raises Closed."""
        with self._lock:
            taken = self._takes(patience)
            if taken:
                self._queue.put([Asked(question, time.perf_counter() + patience, tell)])
            return taken

    def ask_soon(
        self,
        question: Question,
        tell: Tell | asyncio.Future[list[Item]],
        patience: float = PATIENCE_SECONDS,
    ) -> bool:
        """Ask together with what else is asked in this turn of the loop that runs; False and Closed as `ask` has them."""
        with self._lock:
            taken = self._takes(patience)
            if taken:
                self._turn.append(Asked(question, time.perf_counter() + patience, tell))
                if len(self._turn) == 1:
                    asyncio.get_running_loop().call_soon(self._end_turn)
            return taken

    def _takes(self, patience: float) -> bool:
        """Count a question, and have the thread run; False where it is one too many. Raises Closed. Under the lock."""
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
        return True

    def _end_turn(self) -> None:
        with self._lock:
            self._put_turn()

    def _put_turn(self) -> None:
        asked, self._turn = self._turn, []
        if asked:
            self._queue.put(asked)

    def _is_stuck(self, patience: float) -> bool:
        """Tell whether what was asked before takes so long that nobody needs to wait for this, too."""
        return self._begun is not None and time.perf_counter() - self._begun > patience

    def close(self) -> None:
        """End the thread, once what waits is answered; nobody can ask after that."""
        with self._lock:
            self._closed = True
            if self._thread is not None:
                self._put_turn()
                self._queue.put(None)

    def join(self, seconds: float) -> None:
        """Wait until what waited when it was closed is answered, but no longer than so."""
        if self._thread is not None:
            self._thread.join(seconds)

    def _work(self) -> None:
        while (first := self._queue.get()) is not None:
            asked, goes_on = self._further(first)
            for some in _cut(asked):
                self._begun = time.perf_counter()
                self._answer(some)
                self._begun = None
                self._done += len(some)
            if not goes_on:
                return

    def _further(self, first: list[Asked]) -> tuple[list[Asked], bool]:
        """Return what waits by now, and whether more may come."""
        asked = first
        while len(asked) < MOST_TOGETHER:
            try:
                others = self._queue.get_nowait()
            except Empty:
                break
            if others is None:
                return asked, False
            asked += others
        return asked, True

    def _answer(self, asked: Sequence[Asked]) -> None:
        # Whoever stopped waiting is not answered, and the model need not be asked for them.
        now = time.perf_counter()
        fresh = [one for one in asked if now < one.until]
        if len(fresh) < len(asked):
            with self._lock:
                self.dropped += len(asked) - len(fresh)
        try:
            answers = self._answerer.predict([one.question for one in fresh]) if fresh else []
        except Exception as error:  # noqa: BLE001  a model may raise anything
            self._answer_alone(fresh, error)
            return
        _tell([*zip(fresh, answers, strict=True)])

    def _answer_alone(self, asked: Sequence[Asked], error: Exception) -> None:
        """Ask again for each question by itself, so that one that the model cannot answer does not fail the others."""
        told: list[tuple[Asked, list[Item] | Exception]] = []
        for one in asked:
            try:
                told.append((one, error if len(asked) == 1 else self._answerer.predict([one.question])[0]))
            except Exception as own:  # noqa: BLE001  as above
                told.append((one, own))
        _tell(told)


def _cut(asked: Sequence[Asked]) -> Iterator[list[Asked]]:
    """Yield questions in parts of about MOST_TOGETHER rows."""
    some: list[Asked] = []
    rows = 0
    for one in asked:
        some.append(one)
        rows += len(one.question.rows)
        if rows >= MOST_TOGETHER:
            yield some
            some, rows = [], 0
    if some:
        yield some


def _tell(told: Sequence[tuple[Asked, list[Item] | Exception]]) -> None:
    """Tell whoever asked, those that wait in a loop all at once."""
    promised: list[tuple[asyncio.Future[list[Item]], list[Item] | Exception]] = []
    for one, answer in told:
        if isinstance(one.tell, asyncio.Future):
            promised.append((one.tell, answer))
        else:
            one.tell(answer)
    if promised:
        # A loop that is closed has nobody who waits.
        with suppress(RuntimeError):
            promised[0][0].get_loop().call_soon_threadsafe(_keep, promised)


def _keep(promised: Sequence[tuple[asyncio.Future[list[Item]], list[Item] | Exception]]) -> None:
    for promise, answer in promised:
        if not promise.done():
            _settle(promise, answer)


def _settle(told: Future[list[Item]] | asyncio.Future[list[Item]], answer: list[Item] | Exception) -> None:
    if isinstance(answer, Exception):
        told.set_exception(answer)
    else:
        told.set_result(answer)
