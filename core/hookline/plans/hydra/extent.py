"""How many values a config stands for once its references are written out, counted before anything follows one."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from hookline.errors import ConfigError, Problem
from hookline.workspace.yaml_size import MOST_VALUES

from .settled import Place

LETTERS = 64
"""Of a text that count as one value."""
MOST_STEPS = 200
"""From reference to reference, and from a value to those in it."""
_WORD = re.compile(r"([^\s\\$(){}\[\],:'\"]+)(\s*:)?")
_PURE = re.compile(r"\$\{\s*[^\s\\$(){}\[\],:'\"]+\s*\}")
_BY_NAME = re.compile(r"oc\s*\.")
"""Resolvers that take the name of what they mean from another value."""


def check_extent(tree: Any) -> None:
    """Raise ConfigError where the references of a config (plain, unresolved) stand for too much, or for what they stand in."""
    _Count(tree).of((), tree, 0)


class _Count:
    """Counts each part of a config once; a word of a reference that may name a part counts as all of it."""

    def __init__(self, root: Any) -> None:
        self.root = root
        self.most = MOST_VALUES + _written(root)
        self.known: dict[Place, int] = {}
        self.open: set[Place] = set()

    def of(self, place: Place, value: Any, steps: int) -> int:
        if place in self.known:
            return self.known[place]
        if place in self.open:
            # OmegaConf tells of what never ends; a word may as well have meant something else.
            return 1
        if steps > MOST_STEPS:
            raise _refused(place, f"refers on more than {MOST_STEPS} times")
        self.open.add(place)
        count = _size(value) + sum(self.of(where, item, steps + 1) for where, item in self.inner(place, value))
        self.open.discard(place)
        if count > self.most:
            raise _refused(place, f"stands for more than {MOST_VALUES:,} values, each reference written out")
        self.known[place] = count
        return count

    def inner(self, place: Place, value: Any) -> Iterator[tuple[Place, Any]]:
        """Yield what is in a value, or what its references may mean."""
        if isinstance(value, (Mapping, list)):
            for key, item in value.items() if isinstance(value, Mapping) else enumerate(value):
                yield (*place, str(key)), item
        elif isinstance(value, str) and "${" in value:
            for where, meant in self.named(place, value):
                if where in self.open and isinstance(meant, (Mapping, list)) and _PURE.fullmatch(value):
                    raise _refused(place, "stands for what it stands in")
                yield where, meant
                if isinstance(meant, str) and "${" not in meant and _BY_NAME.search(value):
                    yield from self.named(where, meant)

    def named(self, place: Place, text: str) -> Iterator[tuple[Place, Any]]:
        """Yield the parts of the config that a text's words may name, each as far as there is one."""
        for word, colon in _WORD.findall(text):
            name = word.lstrip(".")
            up = len(word) - len(name)
            parts = [part for part in name.split(".") if part]
            starts = [place[: max(len(place) - up, 0)]] if up else [(), ("hydra",)] if "hydra" in text else [()]
            for start in [] if colon else starts:
                found = self.reached(start, parts)
                if len(found[0]) > len(start) or up:
                    yield found

    def reached(self, start: Place, parts: list[str]) -> tuple[Place, Any]:
        place: Place = ()
        value = self.root
        for part in (*start, *parts):
            inner = value if isinstance(value, Mapping) else dict(enumerate(value)) if isinstance(value, list) else {}
            key: Any = part if part in inner or not part.isdecimal() else int(part)
            if key not in inner:
                break
            place, value = (*place, part), inner[key]
        return place, value


def _written(value: Any) -> int:
    """Return how many values there are with no reference followed."""
    items = value.values() if isinstance(value, Mapping) else value if isinstance(value, list) else ()
    return _size(value) + sum(map(_written, items))


def _size(value: Any) -> int:
    return 1 + len(value) // LETTERS if isinstance(value, str) else 1


def _refused(place: Place, told: str) -> ConfigError:
    return ConfigError("bad config", [Problem(".".join(place), told)], hint="write out only what is needed")
