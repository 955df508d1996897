"""Functions that plugins register by a name, which belongs to one plugin: pages, and scorers of tables."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, NamedTuple, TypeVar

from hookline.errors import PluginError
from hookline.kinds.hooks import Scorer

from .contract import NAME
from .loading import Plugin

F = TypeVar("F", bound=Callable[..., Any])


@dataclass(frozen=True)
class Named(Generic[F]):
    """A function and the plugin that brought it."""

    act: F
    plugin: Plugin


Page = Named[Callable[[Mapping[str, Any], Path], None]]
"""Writes a page from plain data."""
Scores = Named[Scorer]
"""Has a table's chunks answered."""


class What(NamedTuple):
    """What such functions are."""

    word: str
    takes: str


PAGE = What("page", "(data, path)")
SCORER = What("scorer", "(make, chunks)")


def add(held: dict[str, Named[F]], what: What, name: Any, new: Named[F]) -> None:
    """Add a plugin's function to those there are; raises PluginError where it is none, or its name is taken."""
    word, plugin = what.word, new.plugin
    if not (isinstance(name, str) and NAME.fullmatch(name) and callable(new.act)):
        told = f"name {word}s in snake_case, each with a function {what.takes}"
        raise PluginError(plugin.name, f"register_{word}s returned {name!r}: {new.act!r}", hint=told)
    if name in held:
        other = held[name].plugin
        raise PluginError(
            plugin.name,
            f"{word} '{name}' ({plugin.label}) is already taken by plugin '{other.name}' ({other.label})",
            hint=f"rename the {word}, or set HOOKLINE_DISABLE={other.name}",
        )
    held[name] = new
