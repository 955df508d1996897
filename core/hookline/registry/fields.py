"""The configurable fields of a class, with their types, defaults and docs."""

from __future__ import annotations

import ast
import dataclasses
import inspect
import textwrap
import typing
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from typing import Any

from hookline.kinds.component import Component, plain_component
from hookline.kinds.plain import adapter

from .ports import type_text


@dataclass(frozen=True)
class FieldInfo:
    """One configurable field of a component."""

    name: str
    type: str
    required: bool
    default: Any
    doc: str


def field_infos(cls: Any) -> tuple[FieldInfo, ...]:
    """Return the configurable fields of a component or settings class, with their docs."""
    docs = field_docs(cls)
    hints = typing.get_type_hints(cls, include_extras=True)
    return tuple(
        FieldInfo(f.name, type_text(hints[f.name]), not has_default(f), default_of(cls, f), docs.get(f.name, ""))
        for f in dataclasses.fields(cls)
    )


def has_default(field: dataclasses.Field[Any]) -> bool:
    """Tell whether a field may be left out."""
    return field.default is not dataclasses.MISSING or field.default_factory is not dataclasses.MISSING


def default_of(cls: type[Any], field: dataclasses.Field[Any]) -> Any:
    """Return a field's default as plain JSON values, or None where it has none; raises ValueError where JSON cannot say it."""
    if not has_default(field):
        return None
    return _plain(field.default if field.default_factory is dataclasses.MISSING else field.default_factory())


def _plain(value: Any) -> Any:
    if value is None or type(value) in (str, int, bool):
        return value
    if isinstance(value, Component):
        return plain_component(value)
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    if isinstance(value, Mapping):
        keys = adapter(Any).dump_python(dict.fromkeys(value), mode="json")
        return dict(zip(keys, map(_plain, value.values()), strict=True))
    return adapter(Any).dump_python(value, mode="json")


@cache
def field_docs(cls: Any) -> Mapping[str, str]:
    """Return field name -> the string below it, or its `Annotated[..., Doc("...")]`."""
    docs = attribute_docs(cls)
    for name, hint in typing.get_type_hints(cls, include_extras=True).items():
        for extra in getattr(hint, "__metadata__", ()):
            if isinstance(text := getattr(extra, "documentation", None), str):
                docs[name] = text
    return docs


def attribute_docs(cls: Any) -> dict[str, str]:
    """Return field name -> the string below it, as the source has it."""
    docs: dict[str, str] = {}
    for base in reversed(cls.__mro__):
        if dataclasses.is_dataclass(base):
            docs |= _attribute_docs(base)
    return docs


def _attribute_docs(cls: Any) -> dict[str, str]:
    try:
        tree = ast.parse(textwrap.dedent(inspect.getsource(cls)))
    except (OSError, TypeError, SyntaxError):
        return {}
    body = tree.body[0].body if tree.body and isinstance(tree.body[0], ast.ClassDef) else []
    docs = {}
    for field, below in pairwise(body):
        match field, below:
            case ast.AnnAssign(target=ast.Name(id=name)), ast.Expr(value=ast.Constant(value=str(text))):
                docs[name] = inspect.cleandoc(text)
    return docs
