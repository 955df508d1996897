"""Contracts as YAML files that a person edits: read with every problem at once, laid over a schema, and written."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, ClassVar, Literal, TypeAlias

from hookline.errors import ConfigError, DataError, Problem, closest
from hookline.kinds.artifacts import Column, ColumnKind, OnViolation, Schema
from hookline.kinds.plain import plain
from hookline.registry.values import validate

from ..columns import DTYPES

FORMAT = 1
"""Version of the file's layout; a file of a later one is refused."""
KEYS = ("format", "columns", "long_categories")

Inferred: TypeAlias = Literal["inferred"]
"""What a column says where its entry says nothing: as the training rows, or the model at hand, have it."""


@dataclass(frozen=True, kw_only=True)
class ColumnRule:
    """What a contract says of one column; what it leaves out stays as it was inferred, and null is no limit."""

    __pydantic_config__: ClassVar[Mapping[str, Any]] = {"extra": "forbid"}

    kind: ColumnKind | Inferred = "inferred"
    """number, string, boolean or datetime."""
    required: bool | Inferred = "inferred"
    """Whether the column must be there; one that need not, and is not, is missing in every row."""
    nullable: bool | Inferred = "inferred"
    """Whether values may be missing."""
    minimum: float | datetime | date | Inferred | None = "inferred"
    """Smallest value of a number or a datetime (without a time zone: in UTC)."""
    maximum: float | datetime | date | Inferred | None = "inferred"
    """Largest value."""
    categories: tuple[Any, ...] | Inferred | None = "inferred"
    """Every value that a text or a boolean may have."""
    pattern: str | Inferred | None = "inferred"
    """A regular expression (Python's) that a text must match as a whole."""
    on_violation: OnViolation | Inferred = "inferred"
    """warn: the row is answered, with a warning. reject: it is refused."""


@dataclass(frozen=True)
class Contract:
    """What a person says of the columns of a table; path: the file that says so."""

    columns: Mapping[str, ColumnRule]
    path: str = "contract"

    def plain(self) -> dict[str, Any]:
        """Return what it says as plain JSON values, without what it leaves as inferred."""
        rules = {name: plain(rule) for name, rule in self.columns.items()}
        return {name: {k: v for k, v in rule.items() if v != "inferred"} for name, rule in rules.items()}

    def rejecting(self) -> list[str]:
        """Return the columns whose violations it rejects."""
        return [name for name, rule in self.columns.items() if rule.on_violation == "reject"]

    def over(self, schema: Schema, what: str) -> Schema:
        """Return a schema with this contract's word above its own; raises DataError where they do not fit together.

        what: whose schema it is, for the message.
        """
        known = {column.name: column for column in schema.columns}
        problems = [
            Problem(f"columns.{name}", f"{what} no such column" + _did_you_mean(name, known))
            for name in self.columns
            if name not in known
        ]
        laid = {name: _over(rule, known[name]) for name, rule in self.columns.items() if name in known}
        for name, column in laid.items():
            problems += [Problem(f"columns.{name}.{key}", text) for key, text in _misfits(column, known[name])]
        if problems:
            raise DataError(f"the contract {self.path} does not fit", problems)
        return Schema(tuple(laid.get(column.name, column) for column in schema.columns))

    def alone(self, kinds: Mapping[str, ColumnKind]) -> Schema:
        """Return what it says as a schema by itself; kinds: of the columns there are, for a rule that fits any kind."""
        named: dict[str, ColumnKind] = {n: _kind(rule) or kinds.get(n, "string") for n, rule in self.columns.items()}
        return self.over(Schema(tuple(Column(name, DTYPES[kind], kind) for name, kind in named.items())), "there is")


def read_contract(path: Path, key: str = "contract") -> Contract:
    """Read a contract; raises ConfigError with every problem, at its path in the file. key: how the user named the file."""
    tree = _load(path, key)
    problems: list[Problem] = [
        Problem(str(name), "unknown key" + (_did_you_mean(str(name), KEYS) or f"; there is {', '.join(KEYS)}"))
        for name in tree
        if name not in KEYS
    ]
    if tree.get("format", FORMAT) != FORMAT:
        problems.append(Problem("format", f"this hookline reads {FORMAT}, got {tree['format']!r}"))
    long = _mapping(tree, "long_categories", problems)
    nodes = _mapping(tree, "columns", problems)
    problems += [
        Problem(f"long_categories.{name}", "no column of this name in `columns`") for name in long if name not in nodes
    ]
    rules: dict[str, ColumnRule] = {}
    for name, node in nodes.items():
        rule = _rule(name, node, long, problems)
        if rule is not None:
            rules[str(name)] = rule
    if not nodes and not problems:
        problems.append(Problem("columns", "required: one entry a column"))
    if problems:
        raise ConfigError(f"bad contract {path}", problems)
    return Contract(rules, str(path))


def _rule(name: Any, node: Any, long: Mapping[Any, Any], problems: list[Problem]) -> ColumnRule | None:
    if not isinstance(name, str):
        problems.append(Problem(f"columns.{name}", f"a column's name is a text; quote it: '{name}'"))
        return None
    if not isinstance(node, Mapping):
        problems.append(Problem(f"columns.{name}", f"must be a mapping such as {{nullable: true}}, got {node!r}"))
        return None
    node = dict(node)
    if name in long:
        if "categories" in node:
            problems.append(Problem(f"columns.{name}.categories", "is also under `long_categories`; say one of them"))
        node["categories"] = long[name]
    wrong = []
    path = f"columns.{name}"
    try:
        rule = validate(ColumnRule, node, path, "bad contract")
    except ConfigError as error:
        bad = [problem.path.removeprefix(f"{path}.").partition(".")[0] for problem in error.problems]
        wrong += [_readable(problem, key) for problem, key in zip(error.problems, bad, strict=True)]
        rule = validate(ColumnRule, {key: value for key, value in node.items() if key not in bad}, path, "")
    wrong += [Problem(f"{path}.{key}", text) for key, text in _faults(rule)]
    problems += wrong
    return None if wrong else rule


def _faults(rule: ColumnRule) -> Iterator[tuple[str, str]]:
    """Yield what is wrong with a rule whatever the data are."""
    low, high = _bound(rule.minimum), _bound(rule.maximum)
    alike = isinstance(rule.minimum, date) == isinstance(rule.maximum, date)
    for key, value in (("minimum", low), ("maximum", high)):
        if isinstance(value, float) and not math.isfinite(value):
            yield key, f"must be a finite number, got {value}; leave it out, or say null for none"
    if alike and isinstance(low, float) and isinstance(high, float) and low > high:
        yield "minimum", f"{_plain(rule.minimum)} is above the maximum, {_plain(rule.maximum)}"
    if isinstance(rule.pattern, str) and rule.pattern != "inferred":
        try:
            re.compile(rule.pattern)
        except re.error as error:
            yield "pattern", f"is no regular expression: {error}"
    if rule.categories == ():
        yield "categories", "must not be empty; null for no limit"
    odd = [value for value in rule.categories or () if not isinstance(value, (str, bool))]
    if odd and rule.categories != "inferred":
        yield "categories", f"must be texts, or true and false, got {odd[0]!r}; quote it: '{odd[0]}'"
    if rule.kind != "inferred":
        yield from _wrong_for_kind(rule, rule.kind)
    if rule.required is False and rule.nullable is False:
        yield "required", "a column that may be absent is missing there, so it must be nullable"


def _wrong_for_kind(rule: ColumnRule, kind: ColumnKind) -> Iterator[tuple[str, str]]:
    for key, kinds in FITTING.items():
        if getattr(rule, key) not in (None, "inferred") and kind not in kinds:
            yield key, f"is for columns of kind {' or '.join(kinds)}, and this one is a {kind}"
    for key in ("minimum", "maximum"):
        value = getattr(rule, key)
        if kind == "number" and isinstance(value, date):
            yield key, f"must be a number, got {_plain(value)}"
        elif kind == "datetime" and isinstance(value, float):
            yield key, f"must be a date or time such as 2024-05-31, got {value:g}"
    if isinstance(rule.categories, tuple) and kind in ("string", "boolean"):
        odd = [value for value in rule.categories if isinstance(value, bool) != (kind == "boolean")]
        if odd and all(isinstance(value, (str, bool)) for value in rule.categories):
            yield "categories", f"must be {'texts' if kind == 'string' else 'true or false'}, got {odd[0]!r}"


FITTING: Mapping[str, tuple[ColumnKind, ...]] = {
    "minimum": ("number", "datetime"),
    "maximum": ("number", "datetime"),
    "categories": ("string", "boolean"),
    "pattern": ("string",),
}


def _misfits(laid: Column, column: Column) -> Iterator[tuple[str, str]]:
    """Yield what is wrong with a column once a rule is laid over it."""
    if laid.kind != column.kind:
        yield "kind", f"says {laid.kind}, and the column holds a {column.kind}"
        return
    rule = ColumnRule(minimum=laid.minimum, maximum=laid.maximum, categories=laid.categories, pattern=laid.pattern)
    for key, kinds in FITTING.items():
        if getattr(rule, key) is not None and column.kind not in kinds:
            yield key, f"is for columns of kind {' or '.join(kinds)}, and this one is a {column.kind}"
    if laid.minimum is not None and laid.maximum is not None and laid.minimum > laid.maximum:
        yield "minimum", f"{laid.minimum:g} is above the maximum that was inferred, {laid.maximum:g}; say both"
    if not laid.required and not laid.nullable:
        yield (
            "required",
            "a column that may be absent must be nullable, and training rows had no missing value; say both",
        )


def _kind(rule: ColumnRule) -> ColumnKind | None:
    """Return the kind of column that a rule is for, where it says so or is for one only."""
    if rule.kind != "inferred":
        return rule.kind
    bound = rule.maximum if rule.minimum in (None, "inferred") else rule.minimum
    if bound not in (None, "inferred"):
        return "datetime" if isinstance(bound, date) else "number"
    if isinstance(rule.categories, tuple):
        return "boolean" if isinstance(rule.categories[0], bool) else "string"
    return "string" if rule.pattern not in (None, "inferred") else None


def _over(rule: ColumnRule, column: Column) -> Column:
    said = {f.name: getattr(rule, f.name) for f in fields(rule) if getattr(rule, f.name) != "inferred"}
    for key in ("minimum", "maximum"):
        if key in said:
            said[key] = _bound(said[key])
    if said.get("categories") is not None:
        said["categories"] = tuple(_word(value) for value in said["categories"])
    return replace(column, **said, stated=True)


def _bound(value: Any) -> Any:
    """Return a limit as it is compared: a number, datetimes as seconds since 1970 UTC."""
    if isinstance(value, date):
        moment = value if isinstance(value, datetime) else datetime(value.year, value.month, value.day)
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
    return value


def _word(value: str | bool) -> str:
    return str(value).lower() if isinstance(value, bool) else value


def _load(path: Path, key: str) -> dict[Any, Any]:
    import yaml

    try:
        text = path.read_text("utf-8")
    except FileNotFoundError:
        near = closest(path.name, [p.name for p in path.parent.iterdir()] if path.parent.is_dir() else [])
        said = f"there is no file '{path}'" + (f"; did you mean '{near}'?" if near else "")
        raise ConfigError("bad config", [Problem(key, said)]) from None
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is not UTF-8"
        raise ConfigError("bad config", [Problem(key, f"'{path}' cannot be read: {reason}")]) from None
    try:
        tree = yaml.load(text, _loader())  # noqa: S506  a SafeLoader that refuses a key said twice
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f"line {mark.line + 1}, column {mark.column + 1}" if mark else "the file"
        said = f"is no YAML: {getattr(error, 'problem', None) or str(error).splitlines()[0]}"
        raise ConfigError(f"bad contract {path}", [Problem(where, said)]) from None
    except (ValueError, RecursionError) as error:
        raise ConfigError(f"bad contract {path}", [Problem("the file", f"is no YAML: {error}")]) from None
    if not isinstance(tree, dict):
        raise ConfigError(f"bad contract {path}", [Problem("columns", "required: the file must be a mapping with it")])
    return tree


def _loader() -> Any:
    """Return PyYAML's safe loader, but that a key which is said twice is an error rather than the last one's."""
    import yaml

    class Loader(yaml.SafeLoader):  # type: ignore[misc]  # PyYAML has no types
        pass

    def mapping(loader: Any, node: Any) -> dict[Any, Any]:
        seen: list[Any] = []
        for key, _ in node.value:
            name = loader.construct_object(key, deep=True)
            if name in seen:
                raise yaml.constructor.ConstructorError(None, None, f"'{name}' is said twice", key.start_mark)
            seen.append(name)
        loader.flatten_mapping(node)
        return dict(yaml.SafeLoader.construct_mapping(loader, node, deep=True))

    Loader.add_constructor(yaml.resolver.BaseResolver.DEFAULT_MAPPING_TAG, mapping)
    return Loader


def _mapping(tree: Mapping[Any, Any], key: str, problems: list[Problem]) -> Mapping[Any, Any]:
    found = tree.get(key)
    if found is None:
        return {}
    if not isinstance(found, Mapping):
        problems.append(Problem(key, f"must be a mapping, got {found!r}"))
        return {}
    return found


def _readable(problem: Problem, key: str) -> Problem:
    """Return a problem without pydantic's words for every type that might have been."""
    if key in ("minimum", "maximum"):
        got = problem.message.rpartition(", got ")[2]
        return Problem(problem.path, f"must be a number, a date or time such as 2024-05-31, or null, got {got}")
    said = problem.message.partition(" or must be 'inferred'")[0]
    return Problem(problem.path, said.replace("valid tuple", "list"))


def _did_you_mean(name: str, known: Mapping[str, Any] | Sequence[str]) -> str:
    match = closest(name, known)
    return f"; did you mean '{match}'?" if match else ""


def _plain(value: Any) -> str:
    return value.isoformat() if isinstance(value, date) else f"{value:g}"
