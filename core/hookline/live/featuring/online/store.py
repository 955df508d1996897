"""The online store: the newest values of feature sets by key, in a file of a home or wherever a plugin keeps them."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from hookline.errors import FeaturesAway, UsageError
from hookline.kinds.features.online import Held, HoldsFeatures
from hookline.telling.secrets import learn

from .sqlite import SqliteFeatures

URL = "HOOKLINE_ONLINE_STORE"
"""The variable that names another store than the home's own."""
WHOLE = re.compile(r"0|-?[1-9]\d{0,18}", re.ASCII)
"""A text that is a whole number, said in the one way that one has."""
ON_THE_SECOND = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)\.0+", re.ASCII)
"""A moment whose fraction says nothing, as tables are written out and Python does not write it."""
MOMENTS: Mapping[str, Any] = {"datetime": datetime.fromisoformat, "date": date.fromisoformat}
"""How texts of the store become what they were."""


@dataclass(frozen=True)
class Stored:
    """What the store holds of one join of a feature set.

    on: the columns of the key; columns: those that are stored, in order, each with how it is read back
    moment: the values are what was known then; written: when they were put into the store, UTC
    absent: the values of a key that no row has
    fresh: how old `moment` may be, in seconds; None: as old as it likes
    """

    set: str
    join: str
    version: str
    on: tuple[str, ...]
    columns: Mapping[str, str]
    moment: str
    written: datetime
    keys: int
    absent: tuple[Any, ...]
    fresh: float | None
    meanings: Mapping[str, str] = field(default_factory=dict)
    """Column -> what it means, as a version; of those that are known before any row is read."""
    writing: str = ""
    """Which time of being written, where the store tells them apart."""

    @property
    def age(self) -> float:
        """Seconds since the moment that the values are of, or since they were written where that is no time."""
        try:
            # A whole number may read as a date, such as 20260131.
            moment = self.written if WHOLE.fullmatch(self.moment) else datetime.fromisoformat(self.moment)
        except ValueError:
            moment = self.written
        moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
        return max(0.0, (datetime.now(UTC) - moment).total_seconds())

    @property
    def stale(self) -> bool:
        """Whether the values are older than the set allows."""
        return self.fresh is not None and self.age > self.fresh


class OnlineStore:
    """The stored values of a home; used by one thread at a time, and closed at the end."""

    def __init__(self, home: Path) -> None:
        """Open the store that HOOKLINE_ONLINE_STORE names, or the home's own; raises UsageError, and MissingBackend."""
        self._kept = opened(home)

    @property
    def place(self) -> str:
        """What it is called in messages."""
        return self._kept.place

    @property
    def waits(self) -> bool:
        """Whether it is asked over a network."""
        return self._kept.waits

    def reading(self) -> AbstractContextManager[None]:
        """See the store as it is at one moment until the block ends; raises Replaced where that moment is too long ago."""
        return self._kept.reading()

    def write(self, facts: Stored, rows: Iterable[tuple[Sequence[Any], Sequence[Any]]]) -> None:
        """Put the values of a join in the place of those there were, in one step: a reader sees the old ones or the new ones.

        rows: key and values, each in the order of `facts`; raises FeaturesAway where they cannot be written
        """
        told = {
            name: value for name, value in asdict(facts).items() if name not in ("set", "join", "version", "writing")
        }
        self._kept.write(
            Held(facts.set, facts.join, facts.version, _text(told)),
            ((key_text(key), _text(held)) for key, held in rows),
        )

    def stored(self, name: str | None = None) -> list[Stored]:
        """Return what is held of every set, or of one; nothing where nothing was ever stored."""
        return [self._told(one) for one in self._kept.held() if name in (None, one.set)]

    def values(self, facts: Stored, keys: Sequence[Sequence[Any]]) -> list[tuple[tuple[Any, ...], bool]]:
        """Return of each key, in order, the values in the order of `facts.columns`, and whether any row had that key."""
        held = Held(facts.set, facts.join, facts.version, "", facts.writing)
        texts = self._kept.values(held, [key_text(key) for key in keys])
        return [(self._read(facts, text), text is not None) for text in texts]

    def close(self) -> None:
        """Let go of the store."""
        self._kept.close()

    def __enter__(self) -> OnlineStore:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def _read(self, facts: Stored, text: str | None) -> tuple[Any, ...]:
        try:
            held = facts.absent if text is None else json.loads(text)
            return tuple(_values(held, facts.columns.values()))
        except (ValueError, TypeError) as error:
            raise self._damaged(facts.set, facts.join) from error

    def _told(self, held: Held) -> Stored:
        try:
            told = json.loads(held.facts)
            return Stored(
                held.set,
                held.join,
                held.version,
                tuple(told["on"]),
                {str(name): str(read) for name, read in told["columns"].items()},
                str(told["moment"]),
                datetime.fromisoformat(told["written"]),
                int(told["keys"]),
                tuple(told["absent"]),
                told["fresh"],
                dict(told["meanings"]),
                held.writing,
            )
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            raise self._damaged(held.set, held.join) from error

    def _damaged(self, name: str, part: str) -> FeaturesAway:
        return FeaturesAway(
            f"the online store {self.place} holds something else than values of {name}.{part}",
            hint=f"`hookline features materialize {name}` writes them anew",
        )


def opened(home: Path) -> HoldsFeatures:
    """Return the store that the environment names, or the home's own; raises UsageError, and MissingBackend."""
    url = os.environ.get(URL)
    if not url:
        return SqliteFeatures(home)
    from hookline.registry.named import online_store
    from hookline.registry.registry import load_registry

    learn(url)
    scheme, separated, _ = url.partition("://")
    if not separated:
        raise UsageError(f"{URL} is no URL", hint="write one such as redis://host:6379/0")
    return online_store(load_registry().plugins, scheme)(url)


def key_text(key: Sequence[Any]) -> str:
    """Return a key as the store has it; 5, 5.0 and "5" are the same, which a command line cannot tell apart."""
    return _text([_part(part) for part in key])


def _part(part: Any) -> Any:
    if isinstance(part, float) and part.is_integer():
        return int(part)
    if not isinstance(part, str):
        return part
    if WHOLE.fullmatch(part):
        return int(part)
    moment = ON_THE_SECOND.fullmatch(part)
    return moment.group(1) if moment else part


def _values(held: Any, reads: Iterable[str]) -> Iterator[Any]:
    for read, one in zip(reads, held, strict=True):
        yield MOMENTS[read](one) if read in MOMENTS and one is not None else one


def _text(value: Any) -> str:
    return json.dumps(value, default=_said, separators=(",", ":"))


def _said(value: Any) -> str:
    return value.isoformat() if isinstance(value, (date, datetime)) else str(value)
