"""What completion goes by, and what it answers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from .choices import (
    Item,
)

Mode = Literal["plain", "files"]
SIGNS = ("++", "+", "~")


@dataclass(frozen=True)
class Answer:
    """What may stand next; `files` tells the shell to quote and mark them as paths."""

    items: tuple[Item, ...] = ()
    mode: Mode = "plain"


@dataclass(frozen=True)
class Known:
    """What a command line is completed from: the cache's content, and the home folder that runs are in."""

    home: Path
    verbs: Mapping[str, Any] = field(default_factory=dict)
    """Verb -> `help`, `options`, `places` (positional arguments), `actions`, and `usual`, the one meant where none is said."""
    schema: Mapping[str, Any] = field(default_factory=dict)
    """The JSON schema of a config file."""
    multiple: tuple[str, ...] = ()
    kinds: tuple[str, ...] = ()
    defaults: Mapping[str, Any] = field(default_factory=dict)
    """Kind -> the component, or components, of a run where nothing is chosen."""
    groups: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """Config group -> name -> what that file chooses, by kind."""
    plugins: tuple[str, ...] = ()
    sets: tuple[str, ...] = ()
    """The feature sets of plugins."""
    configs: str | None = None
    """The project's own folder of config files."""

    def fields(self, kind: str, name: str) -> Mapping[str, Any]:
        """Return the schema of each field of a component; empty where there is none of the name."""
        node = self.schema.get("$defs", {}).get(f"{kind}.{name}", {})
        return {key: value for key, value in node.get("properties", {}).items() if key != "component"}

    def names(self, kind: str) -> list[Item]:
        """Return the components of a kind."""
        found = self.schema.get("$defs", {})
        names = found.get(kind, {}).get("anyOf", [{}])[0].get("enum", ())
        return [Item(name, found.get(f"{kind}.{name}", {}).get("description", "")) for name in names]
