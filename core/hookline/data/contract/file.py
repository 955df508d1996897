"""Contracts as YAML files that a person edits: read with every problem at once, laid over a schema, and written."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hookline.errors import ConfigError, DataError, Problem, closest
from hookline.kinds.artifacts import Column, ColumnKind, Schema
from hookline.kinds.contracts.rules import NO_TABLE_RULES, RowRule, TableRules
from hookline.kinds.plain import plain
from hookline.registry.values import validate
from hookline.workspace.yaml_size import read_bounded

from ..columns import DTYPES, parse_dtype
from .across import fault_of, read_expression
from .columns import ColumnRule, faults_of, kind_of_rule, laid_over, misfits_of
from .entries import RULES, read_rules
from .pandera_file import from_pandera, is_pandera
from .tables import absent_columns

if TYPE_CHECKING:
    import polars as pl

FORMAT = 1
"""Version of the file's layout; a file of a later one is refused."""
LISTS = ("categories", "long_categories")
"""Keys below which values of the data stand."""
BOOLEAN, TEXT = "tag:yaml.org,2002:bool", "tag:yaml.org,2002:str"
KEYS = ("format", "columns", "long_categories", *RULES)
MOST_BYTES, MOST_VALUES = 2**25, 1_000_000
"""Of a contract, in which every value of a column may stand."""


@dataclass(frozen=True)
class Contract:
    """What a person says of the columns of a table; path: the file that says so."""

    columns: Mapping[str, ColumnRule]
    path: str = "contract"
    rules: tuple[RowRule, ...] = ()
    table: TableRules = NO_TABLE_RULES

    def plain(self) -> dict[str, Any]:
        """Return what it says as plain JSON values, without what it leaves as inferred."""
        rules = {name: plain(rule) for name, rule in self.columns.items()}
        columns = {name: {k: v for k, v in rule.items() if v != "inferred"} for name, rule in rules.items()}
        return {"columns": columns, "rules": plain(self.rules), "table": plain(self.table)}

    def rejecting(self) -> list[str]:
        """Return the columns whose violations it rejects."""
        return [name for name, rule in self.columns.items() if rule.on_violation == "reject"]

    def over(self, schema: Schema, what: str, elsewhere: Mapping[str, pl.DataType] | None = None) -> Schema:
        """Return a schema with this contract's word above its own; raises DataError where they do not fit together.

        what: whose schema it is, for the message; elsewhere: columns that there are beside it, such as the target, with
        their types: rules that name one of them are checked, and left out, as whoever asks the model does not have them
        """
        known = {column.name: column for column in schema.columns}
        problems = [
            Problem(f"columns.{name}", f"{what} no such column" + _did_you_mean(name, known))
            for name in self.columns
            if name not in known
        ]
        laid = {name: laid_over(rule, known[name]) for name, rule in self.columns.items() if name in known}
        for name, column in laid.items():
            problems += [Problem(f"columns.{name}.{key}", text) for key, text in misfits_of(column, known[name])]
        if self.rules:
            dtypes = {**(elsewhere or {}), **{column.name: parse_dtype(column.dtype) for column in laid.values()}}
            dtypes |= {name: parse_dtype(column.dtype) for name, column in known.items() if name not in dtypes}
            faults = ((f"rules.{i}.rule", fault_of(rule.rule, dtypes)) for i, rule in enumerate(self.rules))
            problems += [Problem(place, fault) for place, fault in faults if fault is not None]
        if elsewhere is not None:
            problems += [Problem(*one) for one in absent_columns(self.table, {*known, *elsewhere}, what)]
        if problems:
            raise DataError(f"the contract {self.path} does not fit", problems)
        columns = tuple(laid.get(column.name, column) for column in schema.columns)
        fitting = tuple(rule for rule in self.rules if known.keys() >= set(read_expression(rule.rule).columns))
        # Where it says no rules, those that were said before stand, as they do of columns.
        return replace(
            schema,
            columns=columns,
            rules=fitting if self.rules else schema.rules,
            table=self.table or schema.table,
        )

    def alone(self, kinds: Mapping[str, ColumnKind], elsewhere: Mapping[str, pl.DataType] | None = None) -> Schema:
        """Return what it says as a schema by itself; kinds: of the columns there are, for a rule that fits any kind.

        elsewhere: the types of all columns of the table, for rules across columns
        """
        named: dict[str, ColumnKind] = {
            n: kind_of_rule(rule, kinds.get(n)) or kinds.get(n, "string") for n, rule in self.columns.items()
        }
        bare = Schema(tuple(Column(name, DTYPES[kind], kind) for name, kind in named.items()))
        # Columns that only a rule names are as the table has them.
        return replace(self.over(bare, "there is", elsewhere), rules=self.rules, table=self.table)


def read_contract(path: Path, key: str = "contract") -> Contract:
    """Read a contract; raises ConfigError with every problem, at its path in the file. key: how the user named the file."""
    tree = _load(path, key)
    if is_pandera(tree):
        columns, across, table = from_pandera(path)
        return Contract(columns, str(path), across, table)
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
    across, table = read_rules(tree, problems)
    if not nodes and not problems and not across and not table:
        problems.append(Problem("columns", "required: one entry a column"))
    if problems:
        raise ConfigError(f"bad contract {path}", problems)
    return Contract(rules, str(path), across, table)


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
    wrong += [Problem(f"{path}.{key}", text) for key, text in faults_of(rule)]
    problems += wrong
    return None if wrong else rule


def _load(path: Path, key: str) -> dict[Any, Any]:
    import yaml

    try:
        text = read_bounded(path, MOST_BYTES, MOST_VALUES)
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
        for key, value in node.value:
            if key.value in LISTS:
                _keep_words(value)
            name = loader.construct_object(key, deep=True)
            if name in seen:
                raise yaml.constructor.ConstructorError(None, None, f"'{name}' is said twice", key.start_mark)
            seen.append(name)
        loader.flatten_mapping(node)
        return dict(yaml.SafeLoader.construct_mapping(loader, node, deep=True))

    Loader.add_constructor(yaml.resolver.BaseResolver.DEFAULT_MAPPING_TAG, mapping)
    return Loader


def _keep_words(node: Any) -> None:
    """Make texts of yes, no, on and off in lists of values: to YAML they are true and false, to whoever writes them words."""
    if isinstance(node.value, str):
        if node.tag == BOOLEAN and node.value.lower() not in ("true", "false"):
            node.tag = TEXT
        return
    for one in node.value:
        _keep_words(one[1] if isinstance(one, tuple) else one)


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
