"""Components that stand in the fields of others."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from typing import Any

from hookline.kinds.component import Component


def nested_components(component: Component) -> tuple[Component, ...]:
    """Return the components in the fields of a component, and those in theirs, in the order of the fields."""
    return tuple(found for field in dataclasses.fields(component) for found in _within(getattr(component, field.name)))


def _within(value: Any) -> Iterator[Component]:
    if isinstance(value, Component):
        yield value
        yield from nested_components(value)
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from _within(item)
    elif isinstance(value, (list, tuple)):
        for item in value:
            yield from _within(item)
