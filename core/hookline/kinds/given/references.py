"""References to the environment in config: resolved where a component is built, and kept wherever it is written."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hookline.errors import ConfigError, Problem
from hookline.telling.secrets import REFERENCE, is_telling, learn, resolved, revealed

_HELD = "_references"


def settle(values: Any, path: str, *, names: bool = False) -> tuple[Any, dict[tuple[str | int, ...], str]]:
    """Return plain values with their references resolved, and where those stood that may be a secret.

    What looks like a secret in them is taken out of every text from now on.

    path: where the values stand, for a variable that is not set, of which ConfigError is raised
    names: whether they are names, such as those of columns, which are no secrets wherever they come from
    """
    kept: dict[tuple[str | int, ...], str] = {}
    problems: list[Problem] = []
    whole = _settled(values, (), path, kept, problems)
    if problems:
        raise ConfigError("bad config", problems)
    if names:
        return whole, {}
    for text in kept.values():
        revealed(text)
    learn(whole)
    return whole, kept


def hold(built: Any, kept: Mapping[tuple[str | int, ...], str]) -> Any:
    """Have a component or settings remember by which references its fields came, and return it."""
    if kept:
        object.__setattr__(built, _HELD, dict(kept))
    return built


def held_by(value: Any) -> Mapping[tuple[str | int, ...], str]:
    """Return place -> reference of what a component remembers."""
    found: Mapping[tuple[str | int, ...], str] = getattr(value, _HELD, {})
    return found


def laid_over(plain: Any, kept: Mapping[tuple[str | int, ...], str]) -> Any:
    """Return plain values with references back in their places."""
    for place, text in kept.items():
        inner, last = plain, place[-1]
        for part in place[:-1]:
            if not _has(inner, part):
                break
            inner = inner[part]
        else:
            if _has(inner, last):
                inner[last] = text
    return plain


def _settled(value: Any, place: tuple[str | int, ...], path: str, kept: Any, problems: list[Problem]) -> Any:
    if isinstance(value, Mapping):
        return {key: _settled(item, (*place, key), path, kept, problems) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return type(value)(_settled(item, (*place, n), path, kept, problems) for n, item in enumerate(value))
    if type(value) is not str or not REFERENCE.search(value):
        return value
    try:
        whole = resolved(value)
    except KeyError as error:
        where = ".".join(filter(None, [path, *map(str, place)]))
        problems.append(Problem(where, f"Environment variable '{error.args[0]}' not found"))
        return value
    if is_telling(whole):
        kept[place] = value
    return whole


def _has(values: Any, part: str | int) -> bool:
    if isinstance(values, list):
        return isinstance(part, int) and part < len(values)
    return isinstance(values, dict) and part in values
