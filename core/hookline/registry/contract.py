"""What a plugin's component must keep of the contract of its kind before it is registered."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable, Mapping
from typing import Any

from hookline.errors import PluginError
from hookline.kinds.component import Component
from hookline.kinds.kinds import KIND_TABLE, Transform
from hookline.kinds.plain import adapter

from .fields import default_of
from .loading import Plugin
from .ports import ports
from .remedies import check_mends

NAME = re.compile(r"[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)?")


def check_class(kind: str, plugin: Plugin, cls: Any) -> None:
    """Raise PluginError unless `cls` keeps the contract of its kind."""
    wanted = KIND_TABLE[kind].cls
    if not (isinstance(cls, type) and issubclass(cls, wanted)):
        raise PluginError(plugin.name, f"register_{kind}s returned {cls!r}, which is not a {wanted.__name__} class")
    where = f"{kind} {cls.__module__}.{cls.__qualname__}"
    if missing := sorted(getattr(cls, "__abstractmethods__", ())):
        raise PluginError(plugin.name, f"{where} does not implement {', '.join(missing)}")
    if issubclass(cls, Transform) and cls.fit is Transform.fit and cls.transform is Transform.transform:
        raise PluginError(plugin.name, f"{where} implements neither fit nor transform")
    _check_name(plugin, cls, where)
    # Those of this distribution are held to it by its own tests; with a pydantic schema for each, a start takes longer.
    if plugin.origin != "built-in":
        _check_code(plugin, cls, where)


def _check_code(plugin: Plugin, cls: type[Component], where: str) -> None:
    checks: Mapping[str, Callable[[Any], Any]] = {
        "a port that does not resolve": ports,
        "a field that cannot be configured": _check_fields,
        "advice that does not hold": check_mends,
    }
    for what, check in checks.items():
        try:
            check(cls)
        except Exception as error:
            raise PluginError(plugin.name, f"{where} has {what}: {error}") from error


def _check_name(plugin: Plugin, cls: type[Component], where: str) -> None:
    name = getattr(cls, "name", None)
    if not isinstance(name, str) or not NAME.fullmatch(name):
        raise PluginError(plugin.name, f"{where} needs a snake_case class attribute `name`, got {name!r}")
    prefix, dot, _ = name.rpartition(".")
    if plugin.origin == "installed" and prefix != plugin.name:
        raise PluginError(
            plugin.name,
            f"{where} must be named '{plugin.name}.{name.rpartition('.')[2]}', since it comes from {plugin.label}",
        )
    if plugin.origin != "installed" and dot:
        raise PluginError(plugin.name, f"{where} has a dot in its name, which marks components of installed plugins")


def _check_fields(cls: type[Component]) -> None:
    reserved = {"component", "name", "kind"} & {f.name for f in dataclasses.fields(cls)}
    if reserved:
        raise TypeError(f"the field name '{min(reserved)}' is reserved")
    adapter(cls)
    for field in dataclasses.fields(cls):
        try:
            default_of(cls, field)
        except ValueError as error:
            raise TypeError(f"the default of '{field.name}' is no plain value: {error}") from error
