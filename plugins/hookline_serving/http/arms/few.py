"""Requests of few rows that fall to one of several versions, answered without a task each, and recorded a turn at a time."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Any

import msgspec

from hookline.kinds.deployments import Route
from hookline.telling.secrets import logger

from ..exchange import Item, Question
from ..service import Done, Service
from .arm import Told
from .aside import Closed
from .shadow import Shadow

if TYPE_CHECKING:
    from .traffic import Traffic

log = logger("hookline.serving")

Answered = Sequence[tuple[Told, Done]]


class Few:
    """Has requests answered as a traffic's policy says, in the thread of the loop."""

    def __init__(self, traffic: Traffic) -> None:
        self._traffic = traffic
        self._answered: list[tuple[Told, Done]] = []
        """By versions in their threads, in this turn of the loop; not on record yet."""

    def ask(self, question: Question, done: Done) -> bool:
        """Have a request answered, unless its rows fall to several versions, or one of them may have to wait to read them."""
        traffic, drawn = self._traffic, random.random()
        # Before it is drawn who answers: one who may wait would else be drawn twice.
        if not traffic.is_one and any(arm.waits for arm in traffic.arms.values()):
            return False
        if traffic.is_one:
            question = traffic.division.keyed(question)
            traffic.live.ask(question, partial(self._and_shadows, question, drawn, done))
            return True
        question, parts = traffic.division.divided(question, drawn)
        if len(parts) > 1:
            return False
        if traffic.router.shadows:
            done = partial(self._and_shadows, question, drawn, done)
        ((route, _),) = parts
        if traffic.is_beside(route):
            self._ask_beside(route, question, done)
        elif traffic.control is not None and traffic.is_control_due():
            self._ask_control(question, done)
        else:
            self._ask_live(question, done)
        return True

    def _ask_live(self, question: Question, done: Done) -> None:
        traffic = self._traffic
        traffic.live.ask(question, partial(_named, traffic.policy.version, done))

    def _ask_beside(self, route: Route, question: Question, done: Done) -> None:
        traffic = self._traffic
        arm = traffic.arms[route.version, route.arm]

        def otherwise(error: Exception) -> None:
            arm.failed(route, traffic.policy.version, error, question.unit())
            self._ask_live(question.afresh(), done)

        try:
            own = arm.as_read(question, traffic.live)
            service, aside = arm.at_work()
            aside.ask_soon(own, partial(self._take, service, own, done, otherwise), traffic.patience)
        except Closed:
            self._ask_live(question.afresh(), done)
        except Exception as error:  # noqa: BLE001  what a version cannot read it may refuse in whatever way
            otherwise(error)

    def _ask_control(self, question: Question, done: Done) -> None:
        traffic = self._traffic

        def otherwise(error: Exception) -> None:
            log.debug("the version in charge did not answer in its thread: %s", error)
            self._ask_live(question.afresh(), done)

        assert traffic.control is not None
        try:
            take = partial(self._take, traffic.live, question, done, otherwise)
            traffic.control.ask_soon(question, take, traffic.patience)
        except Exception as error:  # noqa: BLE001  it is asked again, which tells what is wrong
            otherwise(error)

    def _take(
        self,
        service: Service,
        question: Question,
        done: Done,
        otherwise: Callable[[Exception], None],
        told: list[Item] | Exception,
    ) -> None:
        """Take what a version answered in its thread, to be recorded with what else is in this turn of the loop."""
        if isinstance(told, Exception):
            otherwise(told)
            return
        self._answered.append((Told(service, question, told), done))
        if len(self._answered) == 1:
            asyncio.get_running_loop().call_soon(self._end_turn)

    def _end_turn(self) -> None:
        answered, self._answered = self._answered, []
        self._record(answered)

    def _record(self, answered: Answered) -> None:
        try:
            kept = self._traffic.record([told for told, _ in answered], datetime.now(UTC))
        except Exception as error:  # noqa: BLE001  a model may answer what no record holds, and each request must hear of it
            if len(answered) > 1:
                for one in answered:
                    self._record([one])
            else:
                _tell(answered, error)
            return
        if kept is None:
            _tell(answered, None)
        else:
            soon: Any = asyncio.get_running_loop().call_soon_threadsafe
            kept.add_done_callback(lambda kept: soon(_tell, answered, kept.exception()))

    def _and_shadows(self, question: Question, drawn: float, done: Done, told: list[Item] | Exception) -> None:
        done(told)
        if not isinstance(told, Exception):
            self._traffic.ask_shadows(question, told, drawn, Shadow.ask_soon)


def _named(version: int, done: Done, told: list[Item] | Exception) -> None:
    """Tell an answer with the version that gave it."""
    if not isinstance(told, Exception):
        told = [msgspec.structs.replace(item, version=version) for item in told]
    done(told)


def _tell(answered: Answered, error: Any) -> None:
    """Tell answers whose records are kept by now, or cannot be."""
    for told, done in answered:
        if isinstance(error, Exception):
            told.service.failed(error, told.question.unit())
            done(error)
        else:
            told.tally()
            _named(told.service.info["version"], done, [*told.items])
