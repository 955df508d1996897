"""Who answers which row at this moment: a policy, with the versions that it names at work."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import msgspec

from hookline.errors import DataError
from hookline.kinds.deployments import Deployment, Route
from hookline.live.routing import Router
from hookline.live.seen import Refusals
from hookline.telling.secrets import logger

from ..exchange import Item, Question
from ..log import Kept
from ..service import MOST_ROWS_INLINE, Done, Service
from .arm import Arm, Loading, Told
from .aside import PATIENCE_SECONDS, Aside, Closed
from .dividing import Division, Part, in_order, left_of, some_of
from .few import Few
from .shadow import Failed, Shadow

if TYPE_CHECKING:
    from hookline.live.seen import ArmCounts

log = logger("hookline.serving")

MOST_PATIENCE_SECONDS = 30.0
"""How long anybody waits for a version beside the one in charge, however long that one takes itself."""
SECONDS_A_ROW = 0.001
"""How much longer a version beside the one in charge may take for each row of many."""


@dataclass
class Traffic:
    """A policy, with the versions that it names at work or about to be; it never changes, and another takes its place."""

    policy: Deployment
    router: Router
    live: Service
    """The version in charge."""
    arms: Mapping[tuple[int, str], Arm] = field(default_factory=dict)
    """The others that it names, by version and arm."""
    alone: Aside | None = None
    """The thread of `live`, where it is a version that is not in charge, and was asked for by its number."""
    refused: Refusals = field(init=False)
    """What no version was asked while it was the traffic of the desk."""
    is_one: bool = field(init=False)
    """Whether the version in charge answers everything."""
    is_single: bool = field(init=False)
    """Whether no other is asked in the shadow, either."""
    is_plain: bool = field(init=False)
    """Whether it is asked as any version in charge is: not in the thread of one that was asked for by its number."""
    control: Aside | None = field(init=False, default=None)
    """The version in charge in a thread too, where others answer: asked as often as they are, so that times can be compared."""
    division: Division = field(init=False)
    _control_share: float = field(init=False, default=0.0)

    def __post_init__(self) -> None:
        self.refused = Refusals()
        self.division = Division(self.policy, self.router, self.live.predictor)
        beside = [route.weight for route in self.router.routes if self.is_beside(route)]
        if beside:
            self.control = Aside(self.live.answerer, "control")
            whole = sum(route.weight for route in self.router.routes)
            self._control_share = min(1.0, max(beside) / max(whole - sum(beside), 1e-9))
        self.is_one = len(self.router.routes) == 1 and not self.is_beside(self.router.routes[0])
        self.is_single = self.is_one and not self.router.shadows
        self.is_plain = self.is_single and self.alone is None
        self._few = Few(self)

    def version_of(self, items: Sequence[Item]) -> int | None:
        """Return the one version that answered; None where several did, or it has no number."""
        if self.is_one:
            return self._own_version
        versions = {item.version for item in items if item.version is not msgspec.UNSET}
        return next(iter(versions)) if len(versions) == 1 else None

    @property
    def _own_version(self) -> int | None:
        version: int | None = self.live.info["version"]
        return version

    def only(self, service: Service) -> Traffic:
        """Return the traffic in which one of the versions at work answers everything, as whoever asks wants it.

        One that is not in charge counts for no arm, and is asked in its thread, so that it keeps nobody else waiting.
        """
        policy = Deployment.single(self.policy.model, service.info["version"], self.policy.deployer)
        if service is self.live:
            return self if self.is_single else Traffic(policy, Router.of(policy), service)
        (aside,) = (arm.aside for arm in self.arms.values() if arm.service is service)
        return Traffic(policy, Router.of(policy), service.asked_for(), alone=aside)

    def services(self) -> Iterable[Service]:
        """Return every version at work, the one in charge first."""
        return [self.live, *(arm.service for arm in self.arms.values() if arm.service is not None)]

    def counted(self) -> Mapping[tuple[int, str], ArmCounts]:
        """Return what was seen of each version and arm."""
        own = self.live.answerer.stamp
        mine = {} if self.live.counts is None else {(self.policy.version, own.arm): self.live.counts}
        return {**mine, **{key: arm.counts for key, arm in self.arms.items()}}

    def ask(self, question: Question, done: Done) -> bool:
        """Have few rows answered without a task, in the thread of the loop; False where it takes one."""
        if self.is_plain:
            self.live.ask(question, done)
            return True
        return self.alone is None and self._few.ask(question, done)

    async def answer(self, question: Question) -> list[Item]:
        """Answer rows, each by the version that the policy says, or by the one in charge where that one cannot.

        Raises what the version in charge raises, and OSError where an answer cannot be recorded.
        """
        if self.alone is not None:
            items = await self.alone.answer(question, self.patience)
            await _until(self.live.answerer.record([(question, items)]))
            return items
        if self.is_single:
            return await self.live.answer(question)
        drawn = random.random()
        if self.is_one:
            question = self.division.keyed(question)
            items = await self.live.answer(question)
            self.ask_shadows(question, items, drawn, Shadow.ask_soon)
            return items
        question, parts = self.division.divided(question, drawn)
        # First those that may fail; nothing is on record before all have answered.
        told = {route: await self._aside(route, some_of(question, places)) for route, places in parts}
        left = left_of(parts, told)
        live = await self._in_charge(self._left(question, left, told)) if left else []
        beside = [one for one in told.values() if one is not None]
        await _until(self.record(beside, datetime.now(UTC)))
        for one in beside:
            one.tally()
        items = self._together(question, parts, told, live, left)
        if self.router.shadows:
            self.ask_shadows(question, items, drawn, Shadow.ask_soon)
        return items

    def answer_parts(self, parts: Iterable[Question]) -> Iterator[list[Item]]:
        """Answer the rows of one request, some at a time, from a thread that may wait, and record them once all are.

        Raises what the version in charge raises, and OSError where the answers cannot be recorded.
        """
        firsts: dict[int, Told] = {}
        failed: dict[Route, Exception] = {}
        answered: list[tuple[Question, list[Item]]] = []
        lines: list[bytes] = []
        now, drawn = datetime.now(UTC), random.random()
        try:
            for question in parts:
                keyed, told, items = self._answer_now(question, drawn, failed)
                lines += [one.service.answerer.lines([(one.question, one.items)], now) for one in told]
                for one in told:
                    firsts.setdefault(id(one.service), one)
                if self.router.shadows:
                    answered.append((keyed, items))
                yield items
        except Exception as error:
            self.live.failed(error)
            raise
        finally:
            for route, why in failed.items():
                self.arms[route.version, route.arm].failed(route, self.policy.version, why)
        kept = self.live.answerer.append(lines, now)
        if kept is not None:
            kept.result()
        # One request, however many parts it was answered in.
        for one in firsts.values():
            one.tally()
        for question, items in answered:
            self.ask_shadows(question, items, drawn, Shadow.ask)

    def close(self) -> None:
        """End the threads of the versions beside the one in charge, once what waits there is answered."""
        if self.control is not None:
            self.control.close()
        for arm in self.arms.values():
            arm.close()

    def join(self, seconds: float) -> None:
        """Wait until what waited for versions beside the one in charge is answered, but for each no longer than so."""
        if self.control is not None:
            self.control.join(seconds)
        for arm in self.arms.values():
            arm.wait(seconds)

    async def _aside(self, route: Route, question: Question) -> Told | None:
        """Return what a version beside the one in charge answers; None of that one, and where the other cannot."""
        if not self.is_beside(route):
            return None
        arm = self.arms[route.version, route.arm]
        try:
            own = await self._read_by(arm, question)
            service, aside = arm.at_work()
            return Told(service, own, await aside.answer(own, self._patience_for(own)))
        except Closed:
            return None
        except Exception as error:  # noqa: BLE001  a model may raise anything, and the one in charge answers
            arm.failed(route, self.policy.version, error, question.unit())
            return None

    async def _read_by(self, arm: Arm, question: Question) -> Question:
        """Return a question as a version reads it, in a thread where that may wait."""
        if not arm.waits:
            return arm.as_read(question, self.live)
        worker = self.live.room.worker
        return await asyncio.get_running_loop().run_in_executor(worker, arm.as_read, question, self.live)

    async def _in_charge(self, question: Question) -> list[Item]:
        """Return what the version in charge answers, on record."""
        if self.control is not None and self.is_control_due():
            try:
                items = await self.control.answer(question, self.patience)
            except Exception as error:  # noqa: BLE001  it is asked again below, which tells what is wrong
                log.debug("the version in charge did not answer in its thread: %s", error)
                question = question.afresh()
            else:
                await _until(self.live.answerer.record([(question, items)]))
                Told(self.live, question, items).tally()
                return items
        return await self.live.answer(question)

    @property
    def patience(self) -> float:
        """How long a version beside the one in charge may take, in seconds: longer where that one takes long itself."""
        return min(max(PATIENCE_SECONDS, 5 * self.live.slowest), MOST_PATIENCE_SECONDS)

    def _patience_for(self, question: Question) -> float:
        return self.patience + SECONDS_A_ROW * max(0, len(question.rows) - MOST_ROWS_INLINE)

    def _answer_now(
        self, question: Question, drawn: float, failed: dict[Route, Exception]
    ) -> tuple[Question, Sequence[Told], list[Item]]:
        """Answer rows as `answer` does, from a thread that may wait; records and counts nothing.

        failed: gets who could not answer, and why; whoever is in it already is not asked again
        """
        if self.alone is not None:
            items = self.alone.answer_now(question, self._patience_for(question))
            return question, [Told(self.live, question, items)], items
        if self.is_one:
            question = self.division.keyed(question)
            items = self.live.answerer.predict([question])[0]
            return question, [Told(self.live, question, items)], items
        question, parts = self.division.divided(question, drawn)
        told = {route: self._aside_now(route, some_of(question, places), failed) for route, places in parts}
        left = left_of(parts, told)
        live: list[Item] = []
        every = [one for one in told.values() if one is not None]
        if left:
            some = self._left(question, left, told)
            live = self.live.answerer.predict([some])[0]
            every.append(Told(self.live, some, live))
        return question, every, self._together(question, parts, told, live, left)

    def _aside_now(self, route: Route, question: Question, failed: dict[Route, Exception]) -> Told | None:
        """Return the same as `_aside`, from a thread that may wait, and say in `failed` why there is no answer."""
        if not self.is_beside(route) or route in failed:
            return None
        arm = self.arms[route.version, route.arm]
        try:
            own = arm.as_read(question, self.live)
            service, aside = arm.at_work()
            return Told(service, own, aside.answer_now(own, self._patience_for(own)))
        except Closed:
            return None
        except Exception as error:  # noqa: BLE001  as in `_aside`
            failed[route] = error
            return None

    def is_beside(self, route: Route) -> bool:
        """Tell whether a route is of another version than the one in charge."""
        return route.version != self.policy.version

    def _left(self, question: Question, left: Sequence[int], told: Mapping[Route, Told | None]) -> Question:
        """Return what is left to the version in charge; what others took who could not is none of its time."""
        some = some_of(question, left)
        return some.afresh() if any(self.is_beside(route) and one is None for route, one in told.items()) else some

    def is_control_due(self) -> bool:
        """Draw whether a request of the version in charge is answered in its thread."""
        return random.random() < self._control_share

    def record(self, told: Sequence[Told], now: datetime) -> Kept:
        """Record what versions answered to a request, or to several, all of it at once; raises OSError."""
        by_service: dict[Service, list[tuple[Question, Sequence[Item]]]] = {}
        for one in told:
            by_service.setdefault(one.service, []).append((one.question, one.items))
        lines = [service.answerer.lines(answered, now) for service, answered in by_service.items()]
        return self.live.answerer.append(lines, now) if lines else None

    def _together(
        self,
        question: Question,
        parts: Sequence[Part],
        told: Mapping[Route, Told | None],
        live: Sequence[Item],
        left: Sequence[int],
    ) -> list[Item]:
        """Return the answers in the order of the rows. live: those of the version in charge to `left`"""
        beside = [(route.version, places, one.items) for route, places in parts if (one := told[route]) is not None]
        return in_order(len(question.rows), [(self._own_version, left, live), *beside])

    def ask_shadows(
        self,
        question: Question,
        items: Sequence[Item],
        drawn: float,
        ask: Callable[[Shadow, Question, Sequence[str]], None],
    ) -> None:
        """Have the rows that are due asked of each version in the shadow, too. ask: as the loop does it, or a thread"""
        for route, numbers in self.division.shadowed(question, drawn):
            arm = self.arms[route.version, route.arm]
            try:
                ask(arm.in_shadow(), some_of(question, numbers), [items[number].id for number in numbers])
            except (DataError, Loading, Failed) as error:  # Nobody waits for its answer, and it is counted.
                arm.failed(route, self.policy.version, error)


async def _until(kept: Kept) -> None:
    """Wait until a record is kept; raises OSError where it is not."""
    if kept is not None:
        await asyncio.wrap_future(kept)
