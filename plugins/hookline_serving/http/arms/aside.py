"""A version that is not in charge, asked in a thread of its own, so that one that is slow or hangs keeps nobody waiting."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, wait
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from queue import Empty, SimpleQueue
from threading import Lock, Thread
from typing import cast

from ..answers import Answerer
from ..exchange import Item, Question
from ..reading.faults import Overdue
from ..service import Done, settle

PATIENCE_SECONDS = 1.0
"""How long whoever asked waits for a version that is not in charge, before the one in charge answers."""
MOST_WAITING = 256
"""Requests that wait for it; a further one is refused at once."""
MOST_TOGETHER = 256
"""Rows that it is asked for at once."""


class Closed(Exception):
    """Another policy is in force, and nobody is asked under this one any more."""


@dataclass(eq=False, slots=True)
class Asked:
    """A question, and who is to be told the answer, or what the model raised; once."""

    question: Question
    until: float
    """When whoever asked stops waiting, as `time.perf_counter` counts."""
    done: Done | None
    loop: asyncio.AbstractEventLoop | None = None
    """Where that is told; None: in the thread that asks the model."""

    def tell(self, answer: list[Item] | Exception) -> None:
        """Tell whoever waits, if anybody still does."""
        done, self.done = self.done, None
        if done is not None:
            done(answer)


class Aside:
    """Asks an answerer in a thread; what comes in while it is busy, or in one turn of a loop, is answered together.

    A thread is woken once a turn, and wakes the loop once for all that it answered: waking takes longer than a small model.
    """

    def __init__(self, answerer: Answerer, name: str) -> None:
        self._answerer, self._name = answerer, name
        self._queue: SimpleQueue[list[Asked] | None] = SimpleQueue()
        self._turn: list[Asked] = []
        """What was asked in this turn of the loop."""
        self._unanswered: deque[Asked] = deque()
        """What was asked in the loop, where one timer tells all who have waited too long."""
        self._timer: asyncio.TimerHandle | None = None
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
        asked = self._ask(question, partial(settle, told), patience)
        timer = loop.call_later(patience, asked.tell, self._late(patience))
        try:
            return await told
        finally:
            timer.cancel()

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
        with self._lock:
            self._take(patience)
            self._queue.put([Asked(question, time.perf_counter() + patience, partial(settle, told))])
        return told

    def _late(self, patience: float) -> Overdue:
        return Overdue(f"{self._name} did not answer within {patience:.3g} s")

    def ask_soon(self, question: Question, done: Done, patience: float = PATIENCE_SECONDS) -> None:
        """Ask, and have the answer told in the loop that runs: Overdue where it takes too many seconds.

        Raises Overdue at once where too many wait, and Closed.
        """
        asked = self._ask(question, done, patience)
        self._unanswered.append(asked)
        if self._timer is None and asked.loop is not None:
            self._timer = asked.loop.call_later(patience, self._give_up, asked.loop, patience)

    def _give_up(self, loop: asyncio.AbstractEventLoop, patience: float) -> None:
        """Tell those that have waited too long, and come back for the others: one timer is quicker than one for each."""
        now = time.perf_counter()
        left = [one for one in self._unanswered if one.done is not None]
        self._unanswered = deque(one for one in left if one.until > now)
        self._timer = None
        if self._unanswered:
            self._timer = loop.call_later(self._unanswered[0].until - now, self._give_up, loop, patience)
        for one in left:
            if one.until <= now:
                one.tell(self._late(patience))

    def _ask(self, question: Question, done: Done, patience: float) -> Asked:
        """Ask together with what else is asked in this turn of the loop that runs; raises as `ask_soon` does."""
        loop = asyncio.get_running_loop()
        asked = Asked(question, time.perf_counter() + patience, done, loop)
        with self._lock:
            self._take(patience)
            self._turn.append(asked)
            if len(self._turn) == 1:
                loop.call_soon(self._end_turn)
        return asked

    def _take(self, patience: float) -> None:
        """Count a question, and have the thread run; raises Overdue where it is one too many, and Closed. Under the lock."""
        if self._closed:
            raise Closed
        if self.waiting >= MOST_WAITING or self._is_stuck(patience):
            self.dropped += 1
            raise Overdue(f"{self._name} has {MOST_WAITING} requests waiting")
        if self._thread is None:
            # A daemon's: one that hangs does not keep the process from ending.
            self._thread = Thread(target=self._work, name=self._name, daemon=True)
            self._thread.start()
        self._asked += 1

    def _end_turn(self) -> None:
        with self._lock:
            self._put_turn()

    def _put_turn(self) -> None:
        asked, self._turn = self._turn, []
        if asked:
            self._queue.put(asked)

    def _is_stuck(self, patience: float) -> bool:
        """Tell whether what was asked before takes so long that nobody needs to wait for this, too."""
        # Read once, since the thread may be done in between.
        begun = self._begun
        return begun is not None and time.perf_counter() - begun > patience

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
        self._tell([*zip(fresh, answers, strict=True)])

    def _answer_alone(self, asked: Sequence[Asked], error: Exception) -> None:
        """Ask again for each question by itself, so that one that the model cannot answer does not fail the others."""
        told: list[tuple[Asked, list[Item] | Exception]] = []
        for one in asked:
            try:
                told.append((one, error if len(asked) == 1 else self._answerer.predict([one.question])[0]))
            except Exception as own:  # noqa: BLE001  as above
                told.append((one, own))
        self._tell(told)

    def _tell(self, told: Sequence[tuple[Asked, list[Item] | Exception]]) -> None:
        """Tell whoever asked, those that wait in a loop all at once."""
        for one, answer in told:
            if one.loop is None:
                one.tell(answer)
        waiting = [both for both in told if both[0].loop is not None]
        if waiting:
            # A loop that is closed has nobody who waits.
            with suppress(RuntimeError):
                cast("asyncio.AbstractEventLoop", waiting[0][0].loop).call_soon_threadsafe(self._tell_all, waiting)

    def _tell_all(self, told: Sequence[tuple[Asked, list[Item] | Exception]]) -> None:
        for one, answer in told:
            one.tell(answer)
        # They are answered in the order in which they were asked.
        while self._unanswered and self._unanswered[0].done is None:
            self._unanswered.popleft()


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
