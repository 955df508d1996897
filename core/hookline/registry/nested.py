"""Components that stand in the fields of others."""

from __future__ import annotations

import dataclasses
import typing
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from hookline.errors import ConfigError, HooklineError, Problem
from hookline.kinds.component import COMPONENT, Component
from hookline.kinds.kinds import KIND_TABLE

Build = Callable[[str, str, Mapping[str, Any], str], Component]
"""Makes a component of its kind, its name, its fields and its path in config."""


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


def build_nested(build: Build, cls: type[Component], values: Mapping[str, Any], path: str) -> dict[str, Any]:
    """Return a component's values with the components in its fields built; raises ConfigError with every problem in them."""
    kinds = _kinds_of(cls)
    built = dict(values)
    problems: list[Problem] = []
    for name in (name for name in kinds if name in values):
        built[name] = _built(build, kinds[name], values[name], f"{path}.{name}", problems)
    if problems:
        raise ConfigError(f"bad config for {cls.kind} '{cls.name}'", problems)
    return built


def kind_in(hint: Any) -> str | None:
    """Return the kind of component that an annotation stands for, alone or in a tuple, mapping or union; None for none."""
    if isinstance(hint, type) and issubclass(hint, Component):
        return hint.kind if hint is KIND_TABLE[hint.kind].cls else None
    return next((kind for inner in typing.get_args(hint) if (kind := kind_in(inner))), None)


def _kinds_of(cls: type[Component]) -> dict[str, str]:
    """Return field -> kind of the fields that hold components."""
    hints = typing.get_type_hints(cls, include_extras=True)
    found = {field.name: kind_in(hints[field.name]) for field in dataclasses.fields(cls)}
    return {name: kind for name, kind in found.items() if kind}


def _built(build: Build, kind: str, value: Any, path: str, problems: list[Problem]) -> Any:
    if isinstance(value, (list, tuple)):
        return tuple(_built(build, kind, item, f"{path}.{place}", problems) for place, item in enumerate(value))
    if isinstance(value, str) and value != "???":
        value = {COMPONENT: value}
    if not isinstance(value, Mapping):
        return value
    if value.get(COMPONENT, "???") == "???":
        if value and COMPONENT not in value and all(isinstance(item, (Mapping, Component)) for item in value.values()):
            return {name: _built(build, kind, item, f"{path}.{name}", problems) for name, item in value.items()}
        problems.append(Problem(f"{path}.{COMPONENT}", f"required: the name of a registered {kind}"))
        return value
    fields = {name: item for name, item in value.items() if name != COMPONENT}
    try:
        return build(kind, str(value[COMPONENT]), fields, path)
    except ConfigError as error:
        problems += error.problems
    except HooklineError as error:
        problems.append(Problem(path, f"{error.message}{f'; {error.hint}' if error.hint else ''}"))
    return value
