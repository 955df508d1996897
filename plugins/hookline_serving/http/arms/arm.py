"""A version beside the one in charge, and what it answered."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec

from hookline.errors import DataError
from hookline.kinds.deployments import Route
from hookline.telling.secrets import logger

from ..exchange import Item, Question
from ..service import MOST_ROWS_INLINE, Service
from .aside import Aside

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


@dataclass
class Arm:
    """A version beside the one in charge: at work, or known not to be able to."""

    service: Service | None
    counts: ArmCounts
    told: str = ""
    """Why it is not at work."""
    failing: str = ""
    """What was said last of why it did not answer."""
    aside: Aside | None = field(init=False, default=None)
    """Its thread, which begins with the first question."""

    def __post_init__(self) -> None:
        if self.service is not None:
            self.aside = Aside(self.service.answerer, self.service.answerer.stamp.arm)

    def at_work(self) -> tuple[Service, Aside]:
        """Return the version and its thread; raises DataError where it is not at work."""
        if self.service is None or self.aside is None:
            raise DataError(self.told)
        return self.service, self.aside

    def as_read(self, question: Question, live: Service) -> Question:
        """Return a question as it reads it, whose input contract may be another than that of the version in charge."""
        service, _ = self.at_work()
        if service.predictor.schema == live.predictor.schema:
            return question
        rows = [row if isinstance(row, Mapping) else _named(row) for row in question.rows]
        read = service.answerer.reader.read(rows, question.since)
        return msgspec.structs.replace(read, keys=question.keys, request=question.request)

    def failed(self, route: Route, in_charge: int, error: Exception) -> None:
        """Count a request that it did not answer, and say why where that is new."""
        self.counts.failed()
        said = f"{type(error).__name__}: {error}"
        if said != self.failing:
            self.failing = said
            who = f"version {route.version} ({route.arm})"
            log.warning("%s did not answer, and version %d did: %s", who, in_charge, said)

    def in_shadow(self, question: Question, of: Sequence[str], told: list[Item] | Exception) -> None:
        """Record and count what it answers in the shadow; nobody waits for it, and what cannot be recorded is left out."""
        service, _ = self.at_work()
        if isinstance(told, Exception):
            self.counts.failed()
            return
        try:
            service.answerer.record([(question, told)], of)
        except (OSError, RuntimeError) as error:  # The latter where the log is closed by now.
            log.warning("an answer in the shadow could not be recorded: %s", error)
            return
        service.count(question, told)


def _named(row: Any) -> Mapping[str, Any]:
    named: Mapping[str, Any] = msgspec.to_builtins(row)
    return named
