"""What a request asks, and what it is answered."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import chain
from typing import Any

import msgspec


class Question(msgspec.Struct, frozen=True, gc=False):
    """Rows that fit the input contract."""

    rows: Sequence[Any]
    """As they came, for the record: mappings, or msgspec's own rows."""
    values: Sequence[Sequence[Any]]
    """As the model takes them, in the order of the schema."""
    ids: Sequence[Any]
    """What each row calls itself, None where it does not."""
    warnings: Mapping[int, tuple[str, ...]]
    """Row position -> what is unlike anything in the training data."""


class Item(msgspec.Struct, frozen=True, gc=False):
    """What is answered for one row, under an id that a later label can name."""

    id: str
    prediction: Any
    probabilities: dict[str, float] | msgspec.UnsetType = msgspec.UNSET
    """By class; not there for regression."""
    warnings: tuple[str, ...] = ()


def joined(questions: Sequence[Question]) -> Question:
    """Return several questions as one."""
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
    )
