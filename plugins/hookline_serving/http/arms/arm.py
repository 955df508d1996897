"""A version beside the one in charge, and what it answered."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from threading import Lock
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec

from hookline.errors import DataError
from hookline.kinds.deployments import Route
from hookline.telling.secrets import logger

from ..exchange import Item, Question
from ..service import MOST_ROWS_INLINE, Service
from .aside import Aside
from .shadow import Shadow

if TYPE_CHECKING:
    from hookline.live.seen import ArmCounts

log = logger("hookline.serving")


class Told(NamedTuple):
    """What a version answered to a question as it reads it; not on record yet."""

    service: Service
    question: Question
    items: Sequence[Item]

    def tally(self) -> None:
        """Count it; times of many rows are not compared with those of other versions."""
        self.service.count(self.question, self.items, compared=len(self.question.rows) <= MOST_ROWS_INLINE)


class Loading(Exception):
    """A version that is being loaded, and may join in a moment; that it is not asked until then is no fault of its own."""


@dataclass
class Arm:
    """A version beside the one in charge: at work, about to be, or known not to be able to."""

    service: Service | None
    counts: ArmCounts
    fault: str = ""
    """Why it is not at work."""
    due: float = 0.0
    """Until when it may be in the making, as `time.monotonic` counts."""
    failing: str = ""
    """What was said last of why it did not answer."""
    aside: Aside | None = field(init=False, default=None)
    """Its thread, which begins with the first question."""
    shadow: Shadow | None = field(init=False, default=None)
    """Its process, where it is asked in the shadow."""
    _unasked: int = field(init=False, default=0)
    """Requests that came while it was being loaded."""
    _compared: tuple[Service, bool] | None = field(init=False, default=None)
    """A version in charge, and whether it has the same input contract."""
    _closed: bool = field(init=False, default=False)
    _lock: Lock = field(init=False, default_factory=Lock, repr=False)

    def __post_init__(self) -> None:
        if self.service is not None:
            self.join(self.service)

    @property
    def told(self) -> str:
        """Why it is not at work, in a sentence."""
        return "it is being loaded" if self._is_loading() else self.fault

    @property
    def dropped(self) -> int:
        """Requests that it was not asked: it was not loaded yet, or too many waited."""
        return self._unasked + sum(one.dropped for one in self._asked)

    @property
    def waiting(self) -> int:
        """Requests that wait for it."""
        return sum(one.waiting for one in self._asked)

    @property
    def _asked(self) -> Sequence[Aside | Shadow]:
        return [one for one in (self.aside, self.shadow) if one is not None]

    def join(self, service: Service, shadow: Shadow | None = None) -> None:
        """Be at work from now on, by whichever thread loaded it, unless nobody is asked any more."""
        with self._lock:
            if self._closed:
                return
            service.counts = self.counts
            self.aside = Aside(service.answerer, service.answerer.stamp.arm)
            self.shadow = shadow
            if shadow is not None:
                shadow.start()
            self.failing = ""
            # Last: whoever sees it finds the thread as well.
            self.service = service

    def give_up(self, fault: str) -> None:
        """Be not at work, for a reason."""
        self.fault, self.due = fault, 0.0

    def close(self) -> None:
        """End its thread, once what waits is answered; it does not join after that."""
        with self._lock:
            self._closed = True
        for one in self._asked:
            one.close()

    def wait(self, seconds: float) -> None:
        """Wait until what waits is answered once it is closed, but for each no longer than so."""
        for one in self._asked:
            one.join(seconds)

    @property
    def waits(self) -> bool:
        """Whether reading a question may take asking over a network."""
        return self.service is not None and self.service.answerer.reader.waits

    def at_work(self) -> tuple[Service, Aside]:
        """Return the version and its thread; raises DataError where it is not at work, Loading where it may be in a moment."""
        if self.service is not None and self.aside is not None:
            return self.service, self.aside
        raise Loading(self.told) if self._is_loading() else DataError(self.told)

    def _is_loading(self) -> bool:
        return self.service is None and time.monotonic() < self.due

    def as_read(self, question: Question, live: Service) -> Question:
        """Return a question as it reads it, whose input contract may be another than that of the version in charge."""
        service, _ = self.at_work()
        reader, is_alike = service.answerer.reader, self._reads_as(service, live)
        if is_alike and not (question.sent or reader.fills):
            return question
        # What one version's rows were filled with may mean something else to another.
        rows = [row if isinstance(row, Mapping) else _named(row) for row in question.sent or question.rows]
        if is_alike and not question.sent and not reader.may_fill(rows):
            return question
        read = reader.read(rows, question.since)
        return msgspec.structs.replace(read, keys=question.keys, request=question.request)

    def _reads_as(self, service: Service, live: Service) -> bool:
        """Tell whether it has the same input contract as the version in charge; compared once, since that takes long."""
        if self._compared is None or self._compared[0] is not live:
            self._compared = live, service.predictor.schema == live.predictor.schema
        return self._compared[1]

    def failed(self, route: Route, in_charge: int, error: Exception, unit: str | None = None) -> None:
        """Count a request that it did not answer, and say why where that is new. unit: as `Question.unit` says it"""
        if isinstance(error, Loading):
            with self._lock:
                self._unasked += 1
            said = str(error)
        else:
            self.counts.failed(unit)
            said = f"{type(error).__name__}: {error}"
        if said != self.failing:
            self.failing = said
            who = f"version {route.version} ({route.arm})"
            log.warning("%s did not answer, and version %d did: %s", who, in_charge, said)

    def in_shadow(self) -> Shadow:
        """Return the process that asks it; raises DataError and Loading as `at_work` does."""
        self.at_work()
        assert self.shadow is not None, "its route says that it is asked in the shadow"
        return self.shadow


def _named(row: Any) -> Mapping[str, Any]:
    named: Mapping[str, Any] = msgspec.to_builtins(row)
    return named
