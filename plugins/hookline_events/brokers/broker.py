"""What is asked of every broker: where its events end, those between two places, and to take some more."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, NamedTuple

from hookline.errors import DataError
from hookline.telling.secrets import redacted

Place = Mapping[str, Any]
"""Where events end, as plain data of a broker's own."""
Lost = Callable[[str], None]
"""Is told that events are gone which nobody has read; raises, or lets the reading go on."""
BATCH = 1000
"""Events that are asked for at a time."""
LONGEST = 200
"""Letters of a broker's own words that are told."""


class Event(NamedTuple):
    """An event as a broker keeps it."""

    id: str
    """What tells it from all others of its topic."""
    time: int
    """When the broker took it, or the sender says that it was sent: microseconds since 1970, UTC."""
    body: bytes | Mapping[bytes, bytes]
    """Of Redis, its fields."""


@dataclass(frozen=True)
class Access:
    """Where a broker is, and who asks."""

    scheme: str
    hosts: tuple[str, ...]
    """`host:port`, those that have one."""
    path: str
    """What stands behind the hosts in the URL, without its slash."""
    topic: str
    stream: str | None
    user: str | None
    password: str | None
    token: str | None
    mechanism: str
    """Kafka: how the password is shown."""
    ca: Path | None
    timeout: float
    """Seconds for which a broker may say nothing."""

    @property
    def shown(self) -> str:
        """The broker as errors name it."""
        return f"{self.scheme}://{','.join(self.hosts)}"

    def missing(self, what: str, known: Sequence[str]) -> Missing:
        """Return the error for a topic that is not there."""
        names = ", ".join(sorted(known)[:10])
        hint = f"there are: {names}" if names else "look at source.topic, or send a first event"
        return Missing(f"{self.shown} has no {what} '{self.topic}'", hint=hint)

    def fault(self, error: BaseException | str, hint: str) -> DataError:
        """Return what a library raised as an error of ours, in its own words."""
        words = str(error).strip().partition("\n")[0] or type(error).__name__
        return DataError(redacted(f"{self.shown}: {words[:LONGEST]}"), hint=hint)

    def refused(self, error: BaseException | str) -> DataError:
        """Return the error for credentials that the broker does not take."""
        return self.fault(error, "give source.user and source.password=${oc.env:BROKER_PASSWORD}, or source.token")

    def away(self, error: BaseException | str) -> DataError:
        """Return the error for a broker that does not answer."""
        return self.fault(error, "look at source.url, and whether the broker runs; nothing that was half read is kept")

    def anew(self, what: str) -> DataError:
        """Return the error for a topic that was deleted and made again."""
        return DataError(
            f"{what} '{self.topic}' of {self.shown} ends before the position: it was deleted and made anew",
            hint="begin anew: collect under another name, or leave source.after out",
        )


class Missing(DataError):
    """A topic that is not there."""


class Broker(ABC):
    """A topic of a broker."""

    what: ClassVar[str]
    """What the broker calls a topic."""

    def __init__(self, access: Access) -> None:
        self.access = access

    @abstractmethod
    def end(self) -> Place:
        """Return where the events end now; raises Missing where there is no such topic, DataError where nobody answers."""

    @abstractmethod
    def begin(self) -> Place:
        """Return where the events begin that are still kept; raises as `end` does."""

    @abstractmethod
    def between(self, after: Place | None, upto: Place, lost: Lost) -> Iterator[Event]:
        """Yield the events after one place (None: from the first that is kept) up to another, in an order that stays."""

    @abstractmethod
    def send(self, rows: Sequence[Mapping[str, Any]]) -> None:
        """Add events; returns once the broker has all of them, and raises DataError where it may not."""
