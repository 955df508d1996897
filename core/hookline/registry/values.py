"""Plain values made into a component, or refused with every problem at once."""

from __future__ import annotations

import dataclasses
import types
import typing
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, TypeVar

from hookline.errors import ConfigError, Problem, closest
from hookline.kinds.component import Component
from hookline.kinds.plain import adapter, plain

from .fields import field_docs

REQUIRED = "required"
T = TypeVar("T")


def validate(cls: type[T], values: Mapping[str, Any], path: str, title: str) -> T:
    """Build `cls` from plain values; raises ConfigError with every problem at once, at paths as the user types them."""
    from pydantic import ValidationError

    given, missing = _present(_named(cls, values), path)
    problems: list[Problem] = []
    built: T | None = None
    try:
        built = adapter(cls).validate_python(given)
    except ValidationError as error:
        problems = _problems(cls, error, path)
    told = {problem.path for problem in problems}
    problems += [Problem(where, REQUIRED) for where in missing if where not in told]
    if problems or built is None:
        absent = [problem.path for problem in problems if problem.message.startswith(REQUIRED)]
        raise ConfigError(title, problems, hint=f"add {'=... '.join(absent)}=..." if absent else None)
    return built


def validate_object(value: T, path: str) -> T:
    """Return a dataclass that came as an object as its types have it, and it itself where that is no other; as `validate`."""
    problems: list[Problem] = []
    checked: T = _checked(value, path, problems)
    if isinstance(checked, Component) and not problems:
        problems += _unwritable(checked, path)
    if problems:
        raise ConfigError("bad config", problems)
    return checked


def _unwritable(component: Component, path: str) -> Iterator[Problem]:
    """Yield the fields that hold what no config can say, so that nobody would see it change: a function, an object."""
    from pydantic_core import to_jsonable_python

    try:
        plain(component)
    except ValueError:  # Of pydantic, or of bytes that are no text.
        for field in dataclasses.fields(component):
            held = getattr(component, field.name)
            try:
                to_jsonable_python(held)
            except ValueError:
                told = "must be plain values, which config can say, and the rest be made in the component"
                yield Problem(f"{path}.{field.name}", f"{told}; got {type(held).__name__}")


def _checked(value: Any, path: str, problems: list[Problem]) -> Any:
    # Pydantic takes the objects in an object as they are.
    if type(value) in (list, tuple):
        return type(value)([_checked(item, f"{path}.{place}", problems) for place, item in enumerate(value)])
    if type(value) is dict:
        return {key: _checked(item, f"{path}.{key}", problems) for key, item in value.items()}
    if not dataclasses.is_dataclass(value) or isinstance(value, type):
        return value
    held = {field.name: getattr(value, field.name) for field in dataclasses.fields(value) if field.init}
    given = {name: _checked(item, f"{path}.{name}", problems) for name, item in held.items()}
    try:
        built = validate(type(value), given, path, "bad config")
    except ConfigError as error:
        problems += error.problems
        return value
    # One that is the same may hold more than its fields, such as a data frame.
    return value if repr(built) == repr(value) else built


def _named(cls: Any, values: Mapping[Any, Any]) -> dict[str, Any]:
    """Return values by names: YAML reads the key `on` as yes, which is a field's name here and no value."""
    known = _fields_of(cls)
    named: dict[Any, Any] = {"on" if key is True and "on" in known else key: value for key, value in values.items()}
    return named


def _present(values: Mapping[str, Any], path: str) -> tuple[dict[str, Any], list[str]]:
    """Return values without those that are still to be said, and the paths of these."""
    given: dict[str, Any] = {}
    missing: list[str] = []
    for key, value in values.items():
        where = f"{path}.{key}" if path else str(key)
        if isinstance(value, str) and value == "???":
            missing.append(where)
        elif isinstance(value, Mapping):
            given[key], inner = _present(value, where)
            missing += inner
        else:
            given[key] = value
    return given, missing


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
    """Return the keys of a place as the user typed them, and the fields that are known where the last of them stands."""
    where: list[str] = []
    known: list[str] = []
    current = [cls]
    for part in loc:
        # Pydantic puts the name of a union's member before the keys in it, and this behind a key that is wrong itself.
        if part == "[key]" or any(len(_members(hint)) > 1 for hint in current):
            current = _tagged(str(part), [inner for hint in current for inner in _members(hint)])
            continue
        within = [inner for hint in current for inner in _members(hint)]
        fields = [names for names in map(_fields_of, within) if names]
        where.append(str(part))
        known = [name for names in fields for name in names]
        current = [hint for inner in within for hint in _below(inner, part)]
    return where, known


def _members(hint: Any) -> list[Any]:
    """Return what an annotation may be, without None and bounds: the members of a union, or it itself."""
    if typing.get_origin(hint) is typing.Annotated:
        return _members(typing.get_args(hint)[0])
    if typing.get_origin(hint) not in (typing.Union, types.UnionType):
        return [hint]
    members = [inner for inner in typing.get_args(hint) if inner is not type(None)]
    # Members of a union in a member's bounds are named by a tag of their own.
    return members if len(members) > 1 else _members(members[0])


def _tagged(tag: str, members: Sequence[Any]) -> list[Any]:
    """Return the members of a union that a tag of pydantic's names; all of them where it says another word."""
    named = [member for member in members if getattr(member, "__name__", "") == tag]
    return named or list(members)


def _fields_of(hint: Any) -> Mapping[str, Any]:
    if not (isinstance(hint, type) and dataclasses.is_dataclass(hint)):
        return {}
    hints = typing.get_type_hints(hint, include_extras=True)
    return {field.name: hints[field.name] for field in dataclasses.fields(hint)}


def _below(hint: Any, part: Any) -> list[Any]:
    """Return the annotations of what stands at a key or place below an annotation."""
    fields = _fields_of(hint)
    if fields:
        return [fields[part]] if part in fields else []
    args = [arg for arg in typing.get_args(hint) if arg is not Ellipsis]
    if typing.get_origin(hint) is tuple and Ellipsis not in typing.get_args(hint):
        return args[part : part + 1] if isinstance(part, int) else []
    return args[-1:]


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
