"""Options that are for some of a trainer's tasks alone, held against what is to be learned."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Iterator, Mapping
from typing import Any

from hookline.kinds.capabilities import NarrowsTasks
from hookline.kinds.component import Component
from hookline.registry.fields import default_of


@dataclasses.dataclass(frozen=True)
class Narrowing:
    """An option that is set otherwise than by default, at its path in config, and is for some tasks alone."""

    path: str
    value: Any
    usual: Any
    tasks: frozenset[str]
    left_by: str = ""
    """Which option before it goes with none of these tasks; empty where the trainer itself does not."""

    def __str__(self) -> str:
        return f"{self.path}={_typed(self.value)} is for {' or '.join(sorted(self.tasks))}"

    @property
    def hint(self) -> str:
        """What to type instead."""
        return f"{self.path}={_typed(self.usual)}"


def narrowings(component: Component, path: str) -> Iterator[Narrowing]:
    """Yield the options of a component, and of those in its fields, that are set and for some tasks alone."""
    only: Mapping[str, frozenset[str]] = component.only_for if isinstance(component, NarrowsTasks) else {}
    for field in dataclasses.fields(component):
        value = getattr(component, field.name)
        if field.name in only and value != (usual := default_of(type(component), field)):
            yield Narrowing(f"{path}.{field.name}", value, usual, only[field.name])
        yield from _within(value, f"{path}.{field.name}")


def unfit(component: Component, path: str, tasks: Collection[str]) -> list[Narrowing]:
    """Return those of its options that none of some tasks, or of those that the options before them leave, goes with."""
    left, by, found = frozenset(tasks), "", []
    for one in narrowings(component, path):
        if not left & one.tasks:
            found.append(dataclasses.replace(one, left_by=by))
        elif left - one.tasks:
            left, by = left & one.tasks, str(one)
    return found


def _within(value: Any, path: str) -> Iterator[Narrowing]:
    if isinstance(value, Component):
        yield from narrowings(value, path)
    elif isinstance(value, (list, tuple)):
        for place, item in enumerate(value):
            yield from _within(item, f"{path}.{place}")


def _typed(value: Any) -> str:
    return "null" if value is None else str(value)
