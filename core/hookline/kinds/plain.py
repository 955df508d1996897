"""Plain-data dataclasses as JSON values, and back."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any, TypeVar

from hookline.telling.secrets import redacted_tree

from .given.references import held_by, laid_over
from .reports import Report

T = TypeVar("T")


def to_json(value: Any) -> Any:
    """Return a plain-data dataclass as JSON values; a number that is not finite becomes its name in a string."""
    return strict(adapter(type(value)).dump_python(_without_bytes(value), mode="json"))


def from_json(cls: type[T], data: Any) -> T:
    """Build a plain-data dataclass from JSON values; raises pydantic's ValidationError (a ValueError) where they do not fit."""
    built: T = adapter(cls).validate_python(data)
    return built


def adapter(cls: Any) -> Any:
    """Return pydantic's TypeAdapter of a class, made once."""
    return _cached_adapter(cls)


@cache
def _cached_adapter(cls: Any) -> Any:
    from pydantic import TypeAdapter

    return TypeAdapter(cls)


def _without_bytes(value: Any) -> Any:
    from dataclasses import replace

    return replace(value, files={}) if isinstance(value, Report) else value


def strict(value: Any) -> Any:
    """Return JSON values in which a number that is not finite is its name in a string."""
    if isinstance(value, float) and (value != value or value in (float("inf"), float("-inf"))):
        return "NaN" if value != value else "Infinity" if value > 0 else "-Infinity"
    if isinstance(value, Mapping):
        return {key: strict(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [strict(item) for item in value]
    return value


def plain(value: Any) -> Any:
    """Return a component, settings or nested dataclass as plain JSON values, without the secrets in them."""
    return redacted_tree(laid_over(adapter(type(value)).dump_python(value, mode="json"), held_by(value)))
