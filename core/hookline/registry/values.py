"""Plain values made into a component, or refused with every problem at once."""

from __future__ import annotations

import dataclasses
import typing
from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

from hookline.errors import ConfigError, Problem, closest
from hookline.kinds.plain import adapter

from .fields import field_docs

REQUIRED = "required"
T = TypeVar("T")


def validate(cls: type[T], values: Mapping[str, Any], path: str, title: str) -> T:
    """Build `cls` from plain values; raises ConfigError with every problem at once, at paths as the user types them."""
    from pydantic import ValidationError

    missing = [key for key, value in values.items() if value == "???"]
    given = {key: value for key, value in values.items() if key not in missing}
    try:
        built: T = adapter(cls).validate_python(given)
    except ValidationError as error:
        problems = _problems(cls, error, path)
        absent = [problem.path for problem in problems if problem.message.startswith(REQUIRED)]
        raise ConfigError(title, problems, hint=f"add {'=... '.join(absent)}=..." if absent else None) from None
    return built


def _problems(cls: Any, error: Any, path: str) -> list[Problem]:
    found: dict[str, list[str]] = {}
    for item in error.errors(include_url=False):
        where, known = _locate(cls, item["loc"])
        full = ".".join([path, *where]) if path else ".".join(where)
        message = _message(item, where[-1] if where else "", known)
        if message == REQUIRED and len(where) == 1 and (doc := field_docs(cls).get(where[0])):
            message += f"; {doc[0].lower()}{doc[1:].partition('. ')[0].rstrip('.')}"
        found.setdefault(full, []).append(message)
    return [Problem(where, " or ".join(dict.fromkeys(messages))) for where, messages in found.items()]


def _locate(cls: Any, loc: Sequence[Any]) -> tuple[list[str], list[str]]:
    # Pydantic puts the names of union members and dataclasses between the keys; the user never typed those.
    where: list[str] = []
    known: list[str] = []
    current = [cls]
    for place, part in enumerate(loc):
        nested = [c for c in map(_dataclass_in, current) if c]
        names = [f.name for c in nested for f in dataclasses.fields(c)]
        if isinstance(part, int):
            where.append(str(part))
        elif part in names:
            where.append(part)
            known = names
            hints = [typing.get_type_hints(c, include_extras=True).get(part) for c in nested]
            current = [inner for hint in hints for inner in _members(hint)]
        elif nested and (place == 0 or not _is_tag(part, current)):
            where.append(str(part))
            known = names
        elif not nested and not _is_tag(part, current):
            where.append(str(part))
    return where, known


def _is_tag(part: Any, current: Sequence[Any]) -> bool:
    text = str(part)
    if any(mark in text for mark in ("[", "(", "-")):
        return True
    tags = {"int", "float", "str", "bool", "none", "literal", "tuple", "list", "dict", "mapping", "path", "nullable"}
    return text in tags or text in {getattr(c, "__name__", "") for c in current}


def _members(hint: Any) -> list[Any]:
    args = typing.get_args(hint)
    if not args:
        return [hint]
    return [inner for arg in args for inner in _members(arg)]


def _dataclass_in(cls: Any) -> Any:
    return cls if isinstance(cls, type) and dataclasses.is_dataclass(cls) else None


def _message(item: Mapping[str, Any], name: str, known: Sequence[str]) -> str:
    if item["type"] in ("unexpected_keyword_argument", "extra_forbidden"):
        match = closest(name, known)
        there = f"; there is {', '.join(sorted(known))}" if known else "; it has no fields"
        return "unknown field" + (f"; did you mean '{match}'?" if match else there)
    if item["type"] in ("missing", "missing_argument", "missing_keyword_only_argument"):
        return REQUIRED
    if item["type"] == "tuple_type":
        return (
            f"must be a list, such as {name}=[{item['input']}]" if isinstance(item["input"], str) else "must be a list"
        )
    text = str(item["msg"]).replace("Input should be ", "must be ")
    if item["type"] == "value_error":
        return str(text).removeprefix("Value error, ")
    return f"{text[0].lower()}{text[1:]}, got {item['input']!r}"
