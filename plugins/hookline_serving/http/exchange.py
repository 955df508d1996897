"""What a request asks, and what it is answered."""

from __future__ import annotations

import secrets
import time
from collections.abc import Mapping, Sequence
from itertools import chain
from typing import Any

import msgspec


class Question(msgspec.Struct, frozen=True, gc=False):
    """Rows that fit the input contract."""

    rows: Sequence[Any]
    """As they came, and were filled, for the record: mappings, or msgspec's own rows."""
    values: Sequence[Sequence[Any]]
    """As the model takes them, in the order of the schema."""
    ids: Sequence[Any]
    """What each row calls itself, None where it does not."""
    warnings: Mapping[int, tuple[str, ...]]
    """Row position -> what is unlike anything in the training data."""
    since: float
    """When it was read, as `time.perf_counter` counts."""
    keys: Sequence[str | None] = ()
    """Of each row, what decided which version answers it; empty where nothing did."""
    request: str | None = None
    """What whoever asked calls the request."""
    sent: Sequence[Any] = ()
    """The rows without what they were filled with, which is of one version; empty where they are the same."""
    of: Sequence[str | None] = ()
    """Of each row the id of the answer that was given in the place of this one's; empty where this one's is."""

    def at(self, places: Sequence[int]) -> Question:
        """Return what is asked of some rows, by their positions."""
        warnings = {i: self.warnings[place] for i, place in enumerate(places) if place in self.warnings}
        rows, values = [self.rows[place] for place in places], [self.values[place] for place in places]
        ids, keys = [self.ids[place] for place in places], [self.keys[place] for place in places if self.keys]
        sent = [self.sent[place] for place in places if self.sent]
        return Question(rows, values, ids, warnings, self.since, keys, self.request, sent)

    def afresh(self) -> Question:
        """Return the same as asked now."""
        return msgspec.structs.replace(self, since=time.perf_counter())

    def unit(self) -> str | None:
        """Return the key of the first row, which stands for all; a word of its own where that has none, None without keys."""
        if not self.keys:
            return None
        return secrets.token_hex(8) if self.keys[0] is None else self.keys[0]


class Item(msgspec.Struct, frozen=True, gc=False):
    """What is answered for one row, under an id that a later label can name."""

    id: str
    prediction: Any
    probabilities: dict[str, float] | msgspec.UnsetType = msgspec.UNSET
    """By class; not there for regression."""
    warnings: tuple[str, ...] = ()
    version: int | msgspec.UnsetType | None = msgspec.UNSET
    """Who answered, where a policy lets several versions answer."""
    lower: float | msgspec.UnsetType = msgspec.UNSET
    """Where the interval around a number begins; not there where the model tells none."""
    upper: float | msgspec.UnsetType = msgspec.UNSET
    set: Sequence[Any] | msgspec.UnsetType = msgspec.UNSET
    """The classes that may be true; not there where the model tells none."""


def joined(questions: Sequence[Question]) -> Question:
    """Return several questions as one for a model to answer; each is recorded by itself."""
    if len(questions) == 1:
        return questions[0]
    warnings: dict[int, tuple[str, ...]] = {}
    start = 0
    for question in questions:
        if question.warnings:
            warnings.update((start + row, texts) for row, texts in question.warnings.items())
        start += len(question.rows)
    return Question(
        [*chain.from_iterable([question.rows for question in questions])],
        [*chain.from_iterable([question.values for question in questions])],
        [*chain.from_iterable([question.ids for question in questions])],
        warnings,
        questions[0].since,
    )
