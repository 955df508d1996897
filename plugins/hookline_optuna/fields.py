"""What components say of their own fields: who has which, of what type, and between what bounds."""

from __future__ import annotations

import dataclasses
import math
import types
import typing
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from hookline.errors import ConfigError, Problem, UnknownName, suggestion
from hookline.kinds.component import COMPONENT
from hookline.kinds.kinds import KINDS, MULTIPLE
from hookline.plans.placing.components import key_of
from hookline.registry.registry import Registry

from .space import Choices, Condition, Numbers, Parameter, choices_of, components_in

LOG_RATIO = 1000
"""Bounds so many times apart are searched on a log scale."""


@dataclasses.dataclass(frozen=True)
class Chosen:
    """The components that a sweep may choose from.

    searched: kind -> names, where the kind itself is searched
    composed: kind -> names, where it is not
    """

    registry: Registry
    searched: Mapping[str, tuple[str, ...]]
    composed: Mapping[str, tuple[str, ...]]

    def condition(self, key: str) -> Condition | None:
        """Return when a key counts; None for always. Raises ConfigError where no component ever has it."""
        kind, _, rest = key.partition(".")
        if not rest or kind not in self.searched:
            return None
        names = self.searched[kind]
        fit = [name for name in names if self._type(kind, name, rest) is not None]
        if not fit:
            raise ConfigError("nothing was run: the space is wrong", [Problem(key, self._unknown(kind, names, rest))])
        return Condition(kind, frozenset(fit))

    def is_whole(self, key: str) -> bool:
        """Tell whether every component that has a field takes whole numbers only."""
        kind, _, rest = key.partition(".")
        names = (*self.searched.get(kind, ()), *self.composed.get(kind, ()))
        found = [hint for name in names if (hint := self._type(kind, name, rest)) is not None]
        return bool(found) and all(_number(hint) is int for hint in found)

    def parameters(self, path: str, given: Sequence[str]) -> Iterator[Parameter]:
        """Yield what the bounds of the components at a path allow, but for keys that were given; raises UnknownName.

        path: a kind such as `trainer`, or one component of several such as `transform.impute`
        """
        kind, _, option = path.partition(".")
        if kind not in KINDS:
            raise UnknownName("kind", kind, KINDS)
        names = self.searched.get(kind) or self.composed.get(kind, ())
        domains: dict[str, dict[str, Numbers | Choices]] = {}
        for name in names:
            if option in ("", key_of(name)):
                before = f"{kind}.{key_of(name)}" if kind in MULTIPLE else kind
                for field, hint in self._hints(kind, name).items():
                    if field != "seed" and f"{before}.{field}" not in given and (domain := _bounds(hint)):
                        domains.setdefault(f"{before}.{field}", {})[name] = domain
        for key, by_name in domains.items():
            yield from self._apart(kind, key, by_name)

    def _apart(self, kind: str, key: str, by_name: Mapping[str, Numbers | Choices]) -> Iterator[Parameter]:
        """Yield one parameter where components agree on a field's bounds, else one for each."""
        if len(set(by_name.values())) == 1:
            yield Parameter(key, key, next(iter(by_name.values())), self._when(kind, *by_name))
            return
        for name, domain in by_name.items():
            yield Parameter(f"{key} ({name})", key, domain, self._when(kind, name))

    def _when(self, kind: str, *names: str) -> Condition | None:
        return Condition(kind, frozenset(names)) if kind in self.searched else None

    def _type(self, kind: str, name: str, rest: str) -> Any:
        """Return the type of a component's field by what follows the kind in a key, or None if it has no such field."""
        if kind in MULTIPLE:
            option, _, rest = rest.partition(".")
            if option != key_of(name):
                return None
        hints = self._hints(kind, name)
        field, _, deeper = rest.partition(".")
        return typing.Any if field in hints and deeper else hints.get(field)

    def _hints(self, kind: str, name: str) -> dict[str, Any]:
        cls = self.registry.entry(kind, name).cls
        hints = typing.get_type_hints(cls, include_extras=True)
        return {field.name: hints[field.name] for field in dataclasses.fields(cls)}

    def _unknown(self, kind: str, names: Sequence[str], rest: str) -> str:
        before = [f"{key_of(name)}." if kind in MULTIPLE else "" for name in names]
        known = {
            f"{prefix}{field}" for prefix, name in zip(before, names, strict=True) for field in self._hints(kind, name)
        }
        return f"none of {', '.join(names)} has it; {suggestion(rest, known, 'field')}"


def chosen_in(registry: Registry, searched: Mapping[str, Sequence[str]], config: Mapping[str, Any]) -> Chosen:
    """Return what may be chosen: from the choices that are searched, and from a composed config; raises UnknownName."""
    names = {
        kind: tuple(dict.fromkeys(n for text in texts for n in components_in(text))) for kind, texts in searched.items()
    }
    for kind, found in names.items():
        for name in found:
            registry.entry(kind, name)
    composed = {kind: tuple(_components(config.get(kind))) for kind in KINDS if kind not in names}
    return Chosen(registry, names, composed)


def _components(node: Any) -> Iterator[str]:
    if not isinstance(node, Mapping):
        return
    if COMPONENT in node:
        yield str(node[COMPONENT])
        return
    for inner in node.values():
        yield from _components(inner)


def _bounds(hint: Any) -> Numbers | Choices | None:
    """Return what a field's annotation allows, or None where that has no end."""
    if hint is bool:
        return choices_of([False, True])
    members = typing.get_args(hint) if _is_union(hint) else (hint,)
    if any(typing.get_origin(member) is typing.Literal for member in members):
        return _literals(members)
    kind = _number(hint)
    if kind is None or typing.get_origin(hint) is not typing.Annotated:
        return None
    low, high = -math.inf, math.inf
    for bound in _flat(hint.__metadata__):
        low = max(low, _end(bound, "ge", "gt", kind, up=True))
        high = min(high, _end(bound, "le", "lt", kind, up=False))
    if not (math.isfinite(low) and math.isfinite(high) and low <= high):
        return None
    log = low > 0 and high / low >= LOG_RATIO
    return Numbers(int(low), int(high), 1, log, whole=True) if kind is int else Numbers(low, high, None, log)


def _literals(members: Sequence[Any]) -> Choices | None:
    values: list[Any] = []
    for member in members:
        if typing.get_origin(member) is typing.Literal:
            values += typing.get_args(member)
        elif member is type(None):
            values.append(None)
        elif member is bool:
            values += [False, True]
        else:
            return None
    return choices_of(values)


def _end(bound: Any, closed: str, opened: str, kind: type, *, up: bool) -> float:
    far = math.inf if up else -math.inf
    if (value := getattr(bound, closed, None)) is not None:
        return float(value)
    if (value := getattr(bound, opened, None)) is not None:
        return float(value + (1 if up else -1)) if kind is int else math.nextafter(float(value), far)
    return -far


def _number(hint: Any) -> type | None:
    """Return int or float where a field takes one of them, perhaps annotated, perhaps or null."""
    members = [member for member in (typing.get_args(hint) if _is_union(hint) else (hint,)) if member is not type(None)]
    if len(members) != 1:
        return None
    inner = typing.get_args(members[0])[0] if typing.get_origin(members[0]) is typing.Annotated else members[0]
    return inner if inner in (int, float) else None


def _flat(metadata: Sequence[Any]) -> Iterator[Any]:
    # Pydantic's Field(...) keeps its bounds in a list of its own.
    for item in metadata:
        yield from (_flat(item.metadata) if hasattr(item, "metadata") else (item,))


def _is_union(hint: Any) -> bool:
    return typing.get_origin(hint) in (typing.Union, types.UnionType)
