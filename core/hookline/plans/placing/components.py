"""A component at its place in config, and how it comes to be there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from hookline.errors import ConfigError, Problem
from hookline.kinds.component import COMPONENT, Component
from hookline.kinds.given.references import hold, settle
from hookline.registry.registry import Registry
from hookline.registry.values import validate_object


@dataclass(frozen=True)
class Placed:
    """A component at its place in config, such as `transform.impute`."""

    key: str
    component: Component
    within: str = ""
    """The feature set that places it there; empty where config does."""


def key_of(name: str) -> str:
    """Return the config key of a component in a multiple-choice kind; a dot would nest it."""
    return name.replace(".", "_")


def built(registry: Registry, kind: str, key: str, values: Any) -> Any:
    """Return the component that an object, a name, or a mapping with `component` and its fields means at a key.

    Raises ConfigError with every problem of its fields, UnknownName where no component is called so.
    """
    if isinstance(values, Component):
        if values.kind != kind:
            raise ConfigError(
                "bad config", [Problem(key, f"a {values.kind} ('{values.name}') stands where a {kind} belongs")]
            )
        return validate_object(values, key)
    if isinstance(values, str):
        values = {COMPONENT: values}
    if not isinstance(values, Mapping):
        raise ConfigError("bad config", [Problem(key, f"must be a component with its fields, got {values!r}")])
    fields_ = {
        name: value for name, value in values.items() if name != COMPONENT and not str(name).startswith("_target_")
    }
    whole, kept = settle(fields_, key)
    return hold(registry.build(kind, name_in(values, kind, key), whole, key), kept)


def name_in(values: Mapping[str, Any], kind: str, key: str) -> str:
    """Return the component that a node names; raises ConfigError where it names none."""
    name = values.get(COMPONENT)
    if isinstance(name, str):
        return name
    told = f"required: the name of a registered {kind}"
    if name is not None:
        told = f"must be the name of a registered {kind}, got {name!r}"
    raise ConfigError("bad config", [Problem(f"{key}.{COMPONENT}", told)])
