"""Where stored values of feature sets lie: what an online store must be able to do, whoever brings it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Protocol

from hookline.errors import FeaturesAway


@dataclass(frozen=True)
class Held:
    """One join of a feature set as a store holds it.

    facts: what is told of it, as a text that a store only keeps; writing: which time of being written, where a store tells
    them apart
    """

    set: str
    join: str
    version: str
    facts: str
    writing: str = ""


class Replaced(FeaturesAway):
    """Values that were asked of a writing which another has taken the place of: who asks for what is held sees the new one."""


class HoldsFeatures(Protocol):
    """A store of texts by set, join and key; all of it may be asked in one thread at a time.

    A writing takes the place of the one before in one step: a reader sees the old values or the new ones, and those of a
    writer that was killed are never seen. Its methods raise FeaturesAway where the store is damaged or does not answer, after
    seconds at most.
    """

    @property
    def place(self) -> str:
        """What it is called in messages, without any secret: `redis://localhost:6379/0`."""
        ...

    @property
    def waits(self) -> bool:
        """Whether it is asked over a network, so that whoever asks may wait."""
        ...

    def reading(self) -> AbstractContextManager[None]:
        """See the store as it is at one moment until the block ends, as far as it can; values of another may raise Replaced."""
        ...

    def held(self) -> Sequence[Held]:
        """Return what is held, by set and join; nothing where nothing was ever stored."""
        ...

    def values(self, held: Held, keys: Sequence[str]) -> Sequence[str | None]:
        """Return the texts of keys in order, None for one that is not held; raises Replaced, as above."""
        ...

    def write(self, held: Held, rows: Iterable[tuple[str, str]]) -> None:
        """Put keys with their texts, and what is told of them, in the place of those there were of the same set and join."""
        ...

    def close(self) -> None:
        """Let go of it; it opens again where it is asked again."""
        ...


OpenFeatures = Callable[[str], HoldsFeatures]
"""Opens the store at a URL, whose password no error may tell; raises UsageError for a URL that it does not take."""
