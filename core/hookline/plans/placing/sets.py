"""What a config says of feature sets, as checked sets of components."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

from hookline.errors import ConfigError, DataError, HooklineError, Problem
from hookline.kinds.artifacts import Dataset
from hookline.kinds.component import COMPONENT, Component, plain_component
from hookline.kinds.features.sets import FeatureSet
from hookline.kinds.features.telling import AddsColumns
from hookline.kinds.given.names import fault_of
from hookline.kinds.given.references import held_by, hold
from hookline.kinds.kinds import Source, Transform
from hookline.kinds.plain import plain
from hookline.registry.registry import Registry
from hookline.registry.values import validate

from .components import built

ON_RECORD, STACKED = "prediction_log", "stack"
"""Sources of rows that a model has answered, and of rows of several sources, as a retraining has them."""
NO_SETS = (
    'define one in features/NAME.yaml of the folder that [tool.hookline] configs = "conf" in pyproject.toml names, '
    "or that --config-dir does"
)
"""What to do where there is no feature set at all."""
LEFT = "left"
"""The field of a source that puts columns beside the rows of another: that other."""


class RowsOfRun(Source):
    """Stands for a run's rows where there is no run."""

    name = "rows_of_run"

    def load(self) -> Dataset:
        """Raise DataError: there are none."""
        raise DataError("a feature set has no rows of its own")

    def fingerprint(self) -> str:
        """Return nothing."""
        return ""


@dataclass(frozen=True)
class KnownSet:
    """A feature set whose components are built and checked."""

    declared: FeatureSet
    definitions: Mapping[str, Transform]
    joins: Mapping[str, Source]
    """Their `left` stands for the run's rows."""

    def around(self, source: Source) -> Source:
        """Return a source of the same rows, with what the joins tell beside them; rows on record have it already."""
        if source.name == ON_RECORD or not self.joins:
            return source
        parts = getattr(source, "of", None)
        if source.name == STACKED and isinstance(parts, tuple):
            whole: Source = hold(replace(source, of=tuple(map(self.around, parts))), held_by(source))  # type: ignore[call-arg]
            return whole
        for join in self.joins.values():
            source = joined(join, source)
        return source

    def plain(self) -> dict[str, Any]:
        """Return the set as config says it, complete with the defaults of its components."""
        words = replace(self.declared, definitions={}, joins={})
        told: dict[str, Any] = {name: value for name, value in plain(words).items() if name != "name"}
        return told | {
            "definitions": {key: plain_component(one) for key, one in self.definitions.items()},
            "joins": {key: _without_left(plain_component(one)) for key, one in self.joins.items()},
        }


def declared_plain(declared: FeatureSet) -> dict[str, Any]:
    """Return a set that Python code declares as config says it."""
    told = {name: value for name, value in vars(declared).items() if name != "name"}
    for part in ("definitions", "joins"):
        told[part] = {
            key: plain_component(one) if isinstance(one, Component) else one for key, one in told[part].items()
        }
    return told | {"tests": {key: {**vars(one)} for key, one in declared.tests.items()}}


def joined(join: Source, left: Source) -> Source:
    """Return a join of a set with the rows of another source as its left ones."""
    made: Source = hold(replace(join, left=left), held_by(join))  # type: ignore[call-arg]  # `_join` has seen that it has one
    return made


def sets_in(registry: Registry, node: Any, problems: list[Problem], hints: list[str]) -> dict[str, KnownSet]:
    """Return the feature sets that `features` of a config holds, by name, with every problem of them."""
    if node is None:
        return {}
    if not isinstance(node, Mapping):
        told = (
            f"none is named {node!r}; {NO_SETS}"
            if isinstance(node, str)
            else f"holds feature sets by name, got {node!r}"
        )
        problems.append(Problem("features", told))
        return {}
    found = {}
    for name, values in node.items():
        try:
            found[str(name)] = known_set(registry, str(name), values)
        except ConfigError as error:
            problems.extend(error.problems)
            hints.extend([error.hint] if error.hint else [])
    problems += _doubly_added(found)
    return found


def known_set(registry: Registry, name: str, values: Any) -> KnownSet:
    """Return a set with its components built; raises ConfigError with every problem of it."""
    where = f"features.{name}"
    if isinstance(values, FeatureSet):
        values = {key: value for key, value in vars(values).items() if key != "name"}
    if not isinstance(values, Mapping):
        told = "must be a feature set: description, owner, definitions, joins, tests"
        raise ConfigError("bad config", [Problem(where, f"{told}; in a file, below the set's name, got {values!r}")])
    problems = [Problem(where, fault)] if (fault := fault_of(name)) else []
    if (other := values.get("name", name)) != name:
        problems.append(Problem(f"{where}.name", f"is the key that the set stands below, '{name}', and not {other!r}"))
    definitions = _several(values.get("definitions"), f"{where}.definitions", problems)
    joins = _several(values.get("joins"), f"{where}.joins", problems)
    problems += [
        Problem(f"{where}.definitions.{key}", "is also the name of a join") for key in definitions if key in joins
    ]
    transforms: dict[str, Transform] = {}
    sources: dict[str, Source] = {}
    for key, one in definitions.items():
        with _gathered(problems):
            transforms[key] = _definition(registry, f"{where}.definitions.{key}", one)
    for key, one in joins.items():
        with _gathered(problems):
            sources[key] = _join(registry, f"{where}.joins.{key}", one)
    rest = {key: value for key, value in values.items() if key not in ("definitions", "joins", "name")}
    declared = FeatureSet(name=name)
    with _gathered(problems):
        declared = validate(FeatureSet, {"name": name, **_tests_plain(rest)}, where, "bad config")
    if not definitions and not joins and not problems:
        problems.append(
            Problem(where, f"defines nothing; choose it by features=[{name}], or give it definitions, joins, or both")
        )
    if problems:
        raise ConfigError("bad config", problems)
    return KnownSet(replace(declared, definitions=definitions, joins=joins), transforms, sources)


def _tests_plain(values: Mapping[str, Any]) -> dict[str, Any]:
    tests = values.get("tests")
    if not isinstance(tests, Mapping):
        return dict(values)
    return {**values, "tests": {key: vars(one) if hasattr(one, "__dict__") else one for key, one in tests.items()}}


def _several(node: Any, where: str, problems: list[Problem]) -> Mapping[str, Any]:
    if node is None:
        return {}
    if isinstance(node, Mapping) and COMPONENT not in node:
        problems += [Problem(f"{where}.{key}", fault) for key in node if (fault := fault_of(str(key)))]
        return {str(key): value for key, value in node.items()}
    problems.append(Problem(where, f"must be a mapping of components, each under a name of its own, got {node!r}"))
    return {}


@contextmanager
def _gathered(problems: list[Problem]) -> Iterator[None]:
    """Add what is wrong in this block to the problems."""
    try:
        yield
    except ConfigError as error:
        problems += error.problems


def _definition(registry: Registry, where: str, values: Any) -> Transform:
    found = _built(registry, "transform", where, values)
    assert isinstance(found, Transform)
    if found.applies != "always":
        told = (
            f"'{found.name}' applies to {found.applies} rows, and a definition to every row, as `always` transforms do"
        )
        raise ConfigError("bad config", [Problem(where, told)])
    return found


def _join(registry: Registry, where: str, values: Any) -> Source:
    if isinstance(values, Mapping) and LEFT in values:
        told = "is the run's own source; leave it out"
        raise ConfigError("bad config", [Problem(f"{where}.{LEFT}", told)])
    name = (
        values.name if isinstance(values, Source) else str(values.get(COMPONENT)) if isinstance(values, Mapping) else ""
    )
    if ("source", name) in registry and LEFT not in registry.entry("source", name).cls.__dataclass_fields__:
        told = f"source '{name}' puts nothing beside other rows: it has no field `{LEFT}`"
        raise ConfigError("bad config", [Problem(where, told)])
    given = {**values, LEFT: RowsOfRun()} if isinstance(values, Mapping) else values
    found = _built(registry, "source", where, given)
    assert isinstance(found, Source)
    return found


def _built(registry: Registry, kind: str, where: str, values: Any) -> Component:
    """Return a component; raises ConfigError also where nothing is called so, as a problem of its place."""
    try:
        made: Component = built(registry, kind, where, values)
    except ConfigError:
        raise
    except HooklineError as error:
        told = f"{error.message}{f'; {error.hint}' if error.hint else ''}"
        raise ConfigError("bad config", [Problem(where, told)]) from None
    return made


def _without_left(values: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in values.items() if key != LEFT}


def _doubly_added(sets: Mapping[str, KnownSet]) -> Iterator[Problem]:
    """Yield the columns that two steps add."""
    first: dict[str, str] = {}
    for name, known in sets.items():
        steps = [*((key, "joins", one) for key, one in known.joins.items())]
        for key, part, component in [*steps, *((key, "definitions", one) for key, one in known.definitions.items())]:
            for column in component.added() if isinstance(component, AddsColumns) else ():
                where = f"features.{name}.{part}.{key}"
                if column in first:
                    yield Problem(where, f"adds '{column}', as {first[column]} does")
                first.setdefault(column, where)
