"""Which rows of a question go to which version, and their answers put together again."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import msgspec

from hookline import Predictor
from hookline.kinds.deployments import Deployment, Route
from hookline.live.routing import Router, key_text

from ..exchange import Item, Question
from .arm import Told

Part = tuple[Route, Sequence[int]]
"""Who answers, and which rows, by their positions."""


@dataclass(frozen=True)
class Division:
    """A policy's word on who answers a row, by its key where the policy names one."""

    policy: Deployment
    router: Router
    live: Predictor
    """The version in charge, by whose input contract questions are read."""

    def divided(self, question: Question, drawn: float) -> tuple[Question, Sequence[Part]]:
        """Return a question with its keys, and its rows by who is to answer them; those without a key go where was drawn."""
        if self.policy.key is None:
            return question, [(self.router.at(drawn), range(len(question.rows)))]
        places, question = self.places(question, drawn), self.keyed(question)
        by_route: dict[Route, list[int]] = {}
        for number, place in enumerate(places):
            by_route.setdefault(self.router.at(place), []).append(number)
        return question, [*by_route.items()]

    def keyed(self, question: Question) -> Question:
        """Return a question with the keys of its rows, where the policy has one."""
        if self.policy.key is None:
            return question
        keys = [None if key is None else key_text(key) for key in self._keys(question, self.policy.key)]
        return msgspec.structs.replace(question, keys=keys)

    def places(self, question: Question, drawn: float) -> Sequence[float]:
        """Return the place of each row in the router's interval."""
        if self.policy.key is None:
            return [drawn] * len(question.rows)
        keys = self._keys(question, self.policy.key)
        return [drawn if key is None else self.router.place(key) for key in keys]

    def shadowed(self, question: Question, drawn: float) -> Sequence[Part]:
        """Return the rows that are due to each version in the shadow."""
        if self.policy.key is None:
            return [(route, range(len(question.rows))) for route in self.router.beside(drawn)]
        due: dict[Route, list[int]] = {}
        for number, place in enumerate(self.places(question, drawn)):
            for route in self.router.beside(place):
                due.setdefault(route, []).append(number)
        return [*due.items()]

    def _keys(self, question: Question, key: str) -> Sequence[Any]:
        place = self._key_place
        if place is not None:
            return [row[place] for row in question.values]
        if key == self.live.roles.id and any(one is not None for one in question.ids):
            return question.ids
        return [row.get(key) if isinstance(row, Mapping) else None for row in question.rows]

    @cached_property
    def _key_place(self) -> int | None:
        names = [*self.live.schema.names]
        return names.index(self.policy.key) if self.policy.key in names else None


def some_of(question: Question, places: Sequence[int]) -> Question:
    """Return what is asked of some rows, or of all of them."""
    return question if len(places) == len(question.rows) else question.at(places)


def left_of(parts: Sequence[Part], told: Mapping[Route, Told | None]) -> list[int]:
    """Return the rows that are left to the version in charge: its own, and those of who could not answer."""
    return [place for route, places in parts if told[route] is None for place in places]


def in_order(count: int, answers: Iterable[tuple[int | None, Sequence[int], Sequence[Item]]]) -> list[Item]:
    """Return answers to so many rows in their order, each with who gave it. answers: version, rows, and their answers"""
    items: list[Any] = [None] * count
    for version, places, given in answers:
        for place, item in zip(places, given, strict=True):
            items[place] = msgspec.structs.replace(item, version=version)
    return items
