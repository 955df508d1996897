"""What one reading finds that is no row: kept together, and told once all is read."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from hookline import Finding
from hookline.errors import DataError
from hookline.telling.secrets import logger

from .letters import Letter

if TYPE_CHECKING:
    from .sources import EventsSource

log = logger("hookline.events")
TOGETHER = 1000
"""Dead letters that are written at a time."""


@dataclass
class Aside:
    """Events of one reading that are no rows."""

    source: EventsSource
    read: int = 0
    count: int = 0
    new: int = 0
    first: Letter | None = None
    held: list[Letter] = field(default_factory=list)

    def append(self, letter: Letter) -> None:
        """Take an event; raises DataError where that is asked."""
        if self.source.errors == "raise":
            raise DataError(
                f"event {letter.event.id} of topic '{self.source.topic}' is no row: it {_verb(letter.reason)}",
                hint="source.errors=keep puts such events into a file of dead letters, and goes on",
            )
        self.first = self.first or letter
        self.count += 1
        self.held.append(letter)
        if len(self.held) >= TOGETHER:
            self.write()

    def write(self) -> None:
        """Put what is held into the file."""
        if self.held:
            self.new += self.source.letters().keep(self.held)
            self.held.clear()

    def tell(self) -> None:
        """Tell people of all, and plugins of those that were not known."""
        if self.first is None:
            return
        from hookline.registry.registry import load_registry

        source = self.source
        told = (
            f"{self.count:,} of {self.read:,} events of topic '{source.topic}' are no rows, and are kept in "
            f"{source.letters().path}: {self.first.event.id} {_verb(self.first.reason)}"
        )
        log.warning("%s", told)
        if self.new:
            finding = Finding(source.topic, "dead_letters", float(self.new), 0.0, "warning", told)
            load_registry().tell("on_finding", finding=finding, run=None, model=None)


def _verb(reason: str) -> str:
    return reason if reason.startswith(("is ", "has ")) else f"has a wrong value: {reason}"
