"""Who answers which row at this moment: a policy, with the versions that it names at work."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any

import msgspec

from hookline.errors import DataError
from hookline.kinds.deployments import Deployment, Route
from hookline.live.routing import Router
from hookline.telling.secrets import logger

from ..exchange import Item, Question
from ..log import Kept
from ..service import MOST_ROWS_INLINE, Service
from .aside import PATIENCE_SECONDS, Aside, Overdue

if TYPE_CHECKING:
    from hookline.live.seen import ArmCounts

log = logger("hookline.serving")

SECONDS_A_ROW = 0.001
"""How much longer a version beside the one in charge may take for each row of many."""
Part = tuple[Route, Sequence[int]]
"""Who answers, and which rows, by their positions."""


@dataclass
class Arm:
    """A version beside the one in charge: at work, or known not to be able to."""

    service: Service | None
    counts: ArmCounts
    told: str = ""
    """Why it is not at work."""
    failing: str = ""
    """What was said last of why it did not answer."""

    @cached_property
    def aside(self) -> Aside:
        """Its thread."""
        assert self.service is not None
        return Aside(self.service.answerer, self.service.answerer.stamp.arm)

    def at_work(self) -> Aside:
        """Return its thread; raises DataError where it is not at work."""
        if self.service is None:
            raise DataError(self.told)
        return self.aside


@dataclass
class Traffic:
    """A policy, with the versions that it names at work; it never changes, and another takes its place."""

    policy: Deployment
    router: Router
    live: Service
    """The version in charge."""
    arms: Mapping[tuple[int, str], Arm] = field(default_factory=dict)
    """The others that it names, by version and arm."""
    is_single: bool = field(init=False)
    """Whether the version in charge answers everything, and no other is asked."""
    control: Aside | None = field(init=False, default=None)
    """The version in charge in a thread too, where others answer: asked as often as they are, so that times can be compared."""
    _control_share: float = field(init=False, default=0.0)

    def __post_init__(self) -> None:
        beside = [route.weight for route in self.router.routes if self._is_beside(route)]
        if beside:
            self.control = Aside(self.live.answerer, "control")
            whole = sum(route.weight for route in self.router.routes)
            self._control_share = min(1.0, max(beside) / max(whole - sum(beside), 1e-9))
        self.is_single = self.router.is_single and self.router.routes[0].version == self.policy.version

    def version_of(self, items: Sequence[Item]) -> int | None:
        """Return the one version that answered; None where several did, or it has no number."""
        if self.is_single:
            return self._own_version
        versions = {item.version for item in items if item.version is not msgspec.UNSET}
        return next(iter(versions)) if len(versions) == 1 else None

    @property
    def _own_version(self) -> int | None:
        version: int | None = self.live.info["version"]
        return version

    def only(self, service: Service) -> Traffic:
        """Return the traffic in which one of the versions at work answers everything."""
        if service is self.live and self.is_single:
            return self
        policy = Deployment.single(self.policy.model, service.info["version"], self.policy.deployer)
        return Traffic(policy, Router.of(policy), service)

    def services(self) -> Iterable[Service]:
        """Return every version at work, the one in charge first."""
        return [self.live, *(arm.service for arm in self.arms.values() if arm.service is not None)]

    def counted(self) -> Mapping[tuple[int, str], ArmCounts]:
        """Return what was seen of each version and arm."""
        own = self.live.answerer.stamp
        mine = {} if self.live.counts is None else {(self.policy.version, own.arm): self.live.counts}
        return {**mine, **{key: arm.counts for key, arm in self.arms.items()}}

    def asides(self) -> Mapping[tuple[int, str], Aside]:
        """Return the threads of the versions beside the one in charge that have been asked anything."""
        return {key: arm.aside for key, arm in self.arms.items() if "aside" in vars(arm)}

    async def answer(self, question: Question) -> list[Item]:
        """Answer rows, each by the version that the policy says, or by the one in charge where that one cannot.

        Raises what the version in charge raises, and OSError where an answer cannot be recorded.
        """
        if self.is_single:
            return await self.live.answer(question)
        question, parts = self._divided(question)
        given = [await self._part(route, places, question) for route, places in parts]
        items = self._in_order(question, parts, given)
        if self.router.shadows:
            self._ask_shadows(question, items)
        return items

    def answer_parts(self, parts: Iterable[Question]) -> Iterator[list[Item]]:
        """Answer the rows of one request, some at a time, from a thread that may wait, and record them once all are.

        Raises what the version in charge raises, and OSError where the answers cannot be recorded.
        """
        answered: list[tuple[Question, list[Item]]] = []
        lines: list[bytes] = []
        now = datetime.now(UTC)
        try:
            for question in parts:
                keyed, items = self._answer_now(question, lines, now)
                if self.router.shadows or not answered:
                    answered.append((keyed, items))
                yield items
        except Exception as error:
            self.live.failed(error)
            raise
        self.live.answerer.append_now(lines, now)
        if self.is_single and answered:
            self.live.count(*answered[0])
        for question, items in answered if self.router.shadows else ():
            self._ask_shadows(question, items)

    def close(self) -> None:
        """End the threads of the versions beside the one in charge, once what waits there is answered."""
        if self.control is not None:
            self.control.close()
        for aside in self.asides().values():
            aside.close()

    def _divided(self, question: Question) -> tuple[Question, Sequence[Part]]:
        """Return a question with its keys, and its rows by who is to answer them; without a key all go the same way."""
        router, every = self.router, range(len(question.rows))
        if self.policy.key is None:
            return question, [(router.route(), every)]
        values = self._keys(question, self.policy.key)
        keyed = msgspec.structs.replace(question, keys=[None if value is None else str(value) for value in values])
        by_route: dict[Route, list[int]] = {}
        for place, value in enumerate(values):
            by_route.setdefault(router.route(value), []).append(place)
        return keyed, [*by_route.items()]

    def _keys(self, question: Question, key: str) -> Sequence[Any]:
        place = self._key_place
        if place is not None:
            return [row[place] for row in question.values]
        if key == self.live.predictor.roles.id and any(one is not None for one in question.ids):
            return question.ids
        return [row.get(key) if isinstance(row, Mapping) else None for row in question.rows]

    @cached_property
    def _key_place(self) -> int | None:
        names = [*self.live.predictor.schema.names]
        return names.index(self.policy.key) if self.policy.key in names else None

    async def _part(self, route: Route, places: Sequence[int], question: Question) -> list[Item]:
        some = _some(question, places)
        if self._is_beside(route):
            items = await self._aside(route, some)
            if items is not None:
                return _stamped(items, route.version)
            some = _afresh(some)
        return _stamped(await self._in_charge(some), self._own_version)

    async def _in_charge(self, question: Question) -> list[Item]:
        """Return what the version in charge answers, on record."""
        if self.control is not None and random.random() < self._control_share:
            try:
                items = await self.control.answer(question, self.patience)
            except Exception as error:  # noqa: BLE001  it is asked again below, which tells what is wrong
                log.debug("the version in charge did not answer in its thread: %s", error)
            else:
                await _until(self.live.answerer.record(question, items))
                self.live.count(question, items, compared=len(question.rows) <= MOST_ROWS_INLINE)
                return items
        return await self.live.answer(question)

    @property
    def patience(self) -> float:
        """How long a version beside the one in charge may take, in seconds: longer where that one takes long itself."""
        return max(PATIENCE_SECONDS, 5 * self.live.slowest)

    def _answer_now(self, question: Question, lines: list[bytes], now: datetime) -> tuple[Question, list[Item]]:
        """Answer rows as `answer` does, and add their records to lines instead of writing them."""
        if self.is_single:
            items = self.live.answerer.predict([question])[0]
            lines.append(self.live.answerer.lines(question, items, now))
            return question, items
        question, parts = self._divided(question)
        given = []
        for route, places in parts:
            some = _some(question, places)
            told = self._aside_now(route, some) if self._is_beside(route) else None
            own, items, who = told or self._live_now(_afresh(some) if self._is_beside(route) else some)
            lines.append(who.answerer.lines(own, items, now))
            given.append(_stamped(items, who.info["version"]))
        return question, self._in_order(question, parts, given)

    def _live_now(self, question: Question) -> tuple[Question, list[Item], Service]:
        items = self.live.answerer.predict([question])[0]
        self.live.count(question, items)
        return question, items, self.live

    def _is_beside(self, route: Route) -> bool:
        return route.version != self.policy.version

    async def _aside(self, route: Route, question: Question) -> list[Item] | None:
        """Return what a version beside the one in charge answers, on record; None where it cannot, which is counted."""
        arm = self.arms[route.version, route.arm]
        try:
            own = self._as_read_by(arm, question)
            items = await arm.at_work().answer(own, self.patience)
        except Exception as error:  # noqa: BLE001  a model may raise anything, and the one in charge answers
            self._failed(arm, route, error)
            return None
        assert arm.service is not None
        await _until(arm.service.answerer.record(own, items))
        arm.service.count(own, items, compared=len(own.rows) <= MOST_ROWS_INLINE)
        return items

    def _aside_now(self, route: Route, question: Question) -> tuple[Question, list[Item], Service] | None:
        """Return the same from a thread that may wait, with who answered which question, and record nothing."""
        arm = self.arms[route.version, route.arm]
        told: Future[list[Item]] = Future()
        try:
            own = self._as_read_by(arm, question)
            if not arm.at_work().ask(own, partial(_settle, told)):
                raise Overdue("too many requests wait")
            items = told.result(self.patience + SECONDS_A_ROW * len(question.rows))
        except Exception as error:  # noqa: BLE001  as in `_aside`
            self._failed(arm, route, error)
            return None
        assert arm.service is not None
        arm.service.count(own, items)
        return own, items, arm.service

    def _as_read_by(self, arm: Arm, question: Question) -> Question:
        """Return a question as a version reads it, whose input contract may be another than that of the one in charge."""
        if arm.service is None:
            raise DataError(arm.told)
        if arm.service.predictor.schema == self.live.predictor.schema:
            return question
        rows = [row if isinstance(row, Mapping) else _named(row) for row in question.rows]
        read = arm.service.answerer.reader.read(rows, question.since)
        return msgspec.structs.replace(read, keys=question.keys, request=question.request)

    def _failed(self, arm: Arm, route: Route, error: Exception) -> None:
        arm.counts.failed()
        said = f"{type(error).__name__}: {error}"
        if said != arm.failing:
            arm.failing = said
            log.warning(
                "version %d (%s) did not answer, and version %d did: %s",
                route.version,
                route.arm,
                self.policy.version,
                said,
            )

    def _in_order(self, question: Question, parts: Sequence[Part], given: Sequence[Sequence[Item]]) -> list[Item]:
        items: list[Any] = [None] * len(question.rows)
        for (_, places), some in zip(parts, given, strict=True):
            for place, item in zip(places, some, strict=True):
                items[place] = item
        return items

    def _ask_shadows(self, question: Question, items: Sequence[Item]) -> None:
        keys = self._keys(question, self.policy.key) if self.policy.key is not None else [None]
        for route in self.router.shadow(keys[0]):
            arm = self.arms[route.version, route.arm]
            try:
                own = self._as_read_by(arm, question)
                arm.at_work().ask(own, partial(_in_shadow, arm, own, [item.id for item in items]))
            except Exception as error:  # noqa: BLE001  nobody waits for its answer, and it is counted
                self._failed(arm, route, error)


async def _until(kept: Kept) -> None:
    """Wait until a record is kept; raises OSError where it is not."""
    if kept is not None:
        await asyncio.wrap_future(kept)


def _afresh(question: Question) -> Question:
    """Return a question as asked now: what another version took over it counts for none but that one."""
    return msgspec.structs.replace(question, since=time.perf_counter())


def _some(question: Question, places: Sequence[int]) -> Question:
    return question if len(places) == len(question.rows) else question.at(places)


def _stamped(items: Sequence[Item], version: int | None) -> list[Item]:
    return [msgspec.structs.replace(item, version=version) for item in items]


def _named(row: Any) -> Mapping[str, Any]:
    named: Mapping[str, Any] = msgspec.to_builtins(row)
    return named


def _settle(told: Future[list[Item]], answer: list[Item] | Exception) -> None:
    if isinstance(answer, Exception):
        told.set_exception(answer)
    else:
        told.set_result(answer)


def _in_shadow(arm: Arm, question: Question, of: Sequence[str], told: list[Item] | Exception) -> None:
    """Record and count what a shadow answers; nobody waits for it, and what cannot be recorded is left out."""
    assert arm.service is not None
    if isinstance(told, Exception):
        arm.counts.failed()
        return
    try:
        arm.service.answerer.record(question, told, of)
    except OSError as error:
        log.warning("an answer in the shadow could not be recorded: %s", error)
        return
    arm.service.count(question, told)
