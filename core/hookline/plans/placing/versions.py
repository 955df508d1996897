"""What a feature set means, as a version: neither words about it, nor comments in its code, nor an order that means nothing."""

from __future__ import annotations

import ast
import hashlib
import json
import sys
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

from hookline.kinds.component import Component, plain_component
from hookline.kinds.features.telling import AddsColumns, Derived
from hookline.registry.registry import Registry

from ..fingerprints import code_digest
from .sets import LEFT, KnownSet

DIGITS = 12
"""So many of a digest are shown, and kept."""


@dataclass(frozen=True)
class SetFeature:
    """One column that a feature set makes.

    step: the definition or join that makes it; component: of that; version: changes with what the column means
    """

    name: str
    step: str
    component: str
    inputs: tuple[str, ...]
    definition: str
    version: str


def version_of(registry: Registry, known: KnownSet) -> str:
    """Return a digest of a set's components with all their fields, and of the code of those that are not hookline's own."""
    parts: dict[str, Any] = {
        name: {key: _meaning(registry, one) for key, one in some.items()}
        for name, some in (("definitions", known.definitions), ("joins", known.joins))
    }
    # Steps that only add columns add the same ones in any order in which they can; one that changes some is another before
    # those that compute from them than after.
    if not all(isinstance(one, AddsColumns) and one.added() for one in known.definitions.values()):
        parts["order"] = list(known.definitions)
    return _digest(parts)


def features_of(registry: Registry, known: KnownSet, fitted: Mapping[str, Any] | None = None) -> list[SetFeature]:
    """Return the columns that a set makes, in order.

    fitted: name of a definition -> what it was fitted to, which may know columns that no field tells
    """
    steps: Mapping[str, Component] = {**known.joins, **known.definitions}
    made: dict[str, SetFeature] = {}
    for step, component in steps.items():
        for feature in _of_step(registry, step, component, (fitted or {}).get(step)):
            # What is computed from another column of the set means something else once that one does.
            below = [made[name].version for name in feature.inputs if name in made]
            version = _digest([feature.version, *below]) if below else feature.version
            made[feature.name] = replace(feature, version=version)
    return list(made.values())


def _of_step(registry: Registry, step: str, component: Component, fitted: Any) -> list[SetFeature]:
    added = component.added() if isinstance(component, AddsColumns) else {}
    code = _code(registry, component)
    fields = None if added else _meaning(registry, component)
    if not added and not isinstance(fitted, AddsColumns):
        told = f"made by {component.kind} '{component.name}'"
        return [SetFeature(f"{step}.*", step, component.name, (), told, _digest([component.name, fields]))]
    # A version goes by what the fields say; numbers that were learned from rows are no part of it.
    exact: Mapping[str, Derived] = fitted.added() if isinstance(fitted, AddsColumns) else added
    return [
        SetFeature(
            column,
            step,
            component.name,
            derived.inputs,
            derived.definition,
            _digest([component.name, _said(column, derived, added), _others(component, added), code]),
        )
        for column, derived in exact.items()
    ]


def _said(column: str, derived: Derived, added: Mapping[str, Derived]) -> Any:
    said = added.get(column) or next((one for name, one in added.items() if name.endswith("*")), derived)
    return [list(said.inputs), said.definition]


def _others(component: Component, added: Mapping[str, Derived]) -> Any:
    """Return the fields of a component that are about all its columns."""
    fields = _fields(component)
    return {
        name: value for name, value in fields.items() if not (isinstance(value, Mapping) and set(value) & set(added))
    }


def _fields(component: Component) -> dict[str, Any]:
    return {key: value for key, value in plain_component(component).items() if key != LEFT}


def _meaning(registry: Registry, component: Component) -> Any:
    return [_fields(component), _code(registry, component)]


def _code(registry: Registry, component: Component) -> str | None:
    """Return a digest of the code of a component that is not hookline's own; None of one that is."""
    key = (component.kind, component.name)
    own = key in registry and registry.entry(*key).plugin.origin == "built-in"
    return None if own else _code_of(type(component))


@cache
def _code_of(cls: type[Component]) -> str:
    """Return a digest of what a class's module does, whatever its comments, layout and docstrings."""
    file = getattr(sys.modules.get(cls.__module__), "__file__", None)
    if not file or not Path(file).is_file():
        return code_digest(cls)
    tree = ast.parse(Path(file).read_text("utf-8"))
    for node in ast.walk(tree):
        if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)):
            node.body = [one for one in node.body if not _is_words(one)] or [ast.Pass()]
    return hashlib.sha256(ast.dump(tree).encode()).hexdigest()


def _is_words(node: ast.stmt) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)


def _digest(value: Any) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True, default=str).encode()).hexdigest()[:DIGITS]
