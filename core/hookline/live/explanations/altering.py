"""The search for rows near a row that are answered otherwise: few changes first, then small ones."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

Changes: TypeAlias = Mapping[str, Any]
"""Column -> the value that it has instead."""
WIDTH = 30
"""Combinations of changes from which one more change is tried."""
STEPS = 16
"""Values between a number and what it was changed to that are tried at a time."""
ROUNDS = 2


@dataclass(frozen=True)
class Tried:
    """Changes that were asked about. short: how far the answer is from what is wanted, 0 where it is that"""

    changes: Changes
    short: float
    distance: float


@dataclass
class Search:
    """One search, which ends with its budget.

    ask: changes of the row, many at a time -> how far each answer is from what is wanted, 0 where it is that
    moves: column -> the values that may be tried; far: (column, value) -> how far that is from the row's own
    between: (column, value, share) -> a value that share of the way from the row's own; None where there is none
    """

    ask: Callable[[Sequence[Changes]], Sequence[float]]
    moves: Mapping[str, Sequence[Any]]
    far: Callable[[str, Any], float]
    between: Callable[[str, Any, float], Any]
    most_asked: int
    seconds: float
    asked: int = 0
    since: float = field(default_factory=time.monotonic)

    def find(self, most_changes: int, wanted: int) -> tuple[list[Tried], Tried | None]:
        """Return what was found, few and small changes first, of each set of columns one; and what came closest otherwise."""
        found: dict[frozenset[str], Tried] = {}
        frontier = [Tried({}, float("inf"), 0.0)]
        closest: Tried | None = None
        for _ in range(most_changes):
            tried = self._tried(self._wider(frontier, found))
            for one in tried:
                if one.short == 0:
                    columns = frozenset(one.changes)
                    found[columns] = min(found.get(columns, one), one, key=lambda other: other.distance)
            missed = [one for one in tried if one.short]
            known = missed if closest is None else [closest, *missed]
            closest = min(known, key=_order, default=None)
            frontier = sorted(missed, key=_order)[:WIDTH]
            if len(found) >= wanted or not frontier or self.is_over:
                break
        chosen = sorted(found.values(), key=_fewest)[:wanted]
        smaller = (self._smaller(one) for one in chosen)
        return sorted({frozenset(one.changes): one for one in smaller}.values(), key=_fewest), closest

    @property
    def is_over(self) -> bool:
        """Whether the budget is spent."""
        return self.asked >= self.most_asked or time.monotonic() - self.since > self.seconds

    def _wider(self, frontier: Iterable[Tried], found: Iterable[frozenset[str]]) -> list[Changes]:
        """Return combinations with one change more, none of them around columns that do it without."""
        known, seen = list(found), set()
        wider: list[Changes] = []
        for one in frontier:
            for column, values in self.moves.items():
                columns = frozenset((*one.changes, column))
                if column in one.changes or any(enough <= columns for enough in known):
                    continue
                for value in values:
                    changes = {**one.changes, column: value}
                    if (key := frozenset(changes.items())) not in seen:
                        seen.add(key)
                        wider.append(changes)
        return wider

    def _tried(self, changes: Sequence[Changes]) -> list[Tried]:
        """Ask about combinations, as many as the budget allows, in batches."""
        found: list[Tried] = []
        for start in range(0, len(changes), BATCH):
            if self.is_over:
                break
            some = changes[start : start + min(BATCH, self.most_asked - self.asked)]
            self.asked += len(some)
            found += [
                Tried(one, short, sum(self.far(column, value) for column, value in one.items()))
                for one, short in zip(some, self.ask(some), strict=True)
            ]
        return found

    def _smaller(self, one: Tried) -> Tried:
        """Return the same with every change that it can do without undone, and its numbers as near as they may be."""
        for column in sorted(one.changes, key=lambda name: -self.far(name, one.changes[name])):
            fewer = {name: value for name, value in one.changes.items() if name != column}
            one = min([one, *self._enough([fewer] if fewer else [])], key=_fewest)
        for column in one.changes:
            for _ in range(ROUNDS):
                one = min([one, *self._enough(self._nearer(one.changes, column))], key=_fewest)
        return one

    def _nearer(self, changes: Changes, column: str) -> list[Changes]:
        values = (self.between(column, changes[column], step / STEPS) for step in range(1, STEPS))
        return [{**changes, column: value} for value in values if value is not None and value != changes[column]]

    def _enough(self, changes: Sequence[Changes]) -> list[Tried]:
        return [one for one in self._tried(changes) if one.short == 0]


BATCH = 2_000
"""Rows that are asked about at a time."""


def _order(one: Tried) -> tuple[float, float]:
    return one.short, one.distance


def _fewest(one: Tried) -> tuple[int, float]:
    return len(one.changes), one.distance
