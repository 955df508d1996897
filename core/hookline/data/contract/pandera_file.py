"""Schemas of pandera as files (`schema.to_yaml()`), read as contracts by pandera's own reader."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from hookline.errors import ConfigError, DataError, MissingBackend, Problem
from hookline.kinds.contracts.rules import RowRule, TableRules, UniqueRule

from ..columns import column_kind
from .across import MOST_LETTERS, read_expression
from .columns import ColumnRule, faults_of

LIMITS = {"greater_than_or_equal_to": "minimum", "less_than_or_equal_to": "maximum"}
NARROWER = {"minimum": max, "maximum": min}
"""Of two limits, the one that both checks keep."""
SIGNS = {"greater_than": ">", "less_than": "<", "equal_to": "=", "not_equal_to": "<>"}
AMONG = {"isin": ("IN", "allowed_values"), "notin": ("NOT IN", "forbidden_values")}
TYPES = ("polars_dataframe", "dataframe")
"""What pandera calls its schemas of tables."""


def is_pandera(tree: Mapping[Any, Any]) -> bool:
    """Tell whether a file is one that pandera wrote."""
    return tree.get("schema_type") in TYPES


def from_pandera(path: Path) -> tuple[dict[str, ColumnRule], tuple[RowRule, ...], TableRules]:
    """Read a file of pandera as a contract's entries, which reject; raises ConfigError for checks that no contract says.

    Raises MissingBackend without pandera. `coerce`, `strict` and the order of columns ask nothing of values, and are left.
    """
    try:
        from pandera.polars import DataFrameSchema
    except ImportError:
        raise MissingBackend("a contract that pandera wrote", "pandera", "pandera") from None
    try:
        schema = DataFrameSchema.from_yaml(path.read_text("utf-8"))
    except Exception as error:  # noqa: BLE001  pandera raises what its parts do
        said = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise ConfigError(f"bad contract {path}", [Problem("the file", f"pandera cannot read it: {said}")]) from None
    problems: list[Problem] = []
    columns: dict[str, ColumnRule] = {}
    rules: list[RowRule] = []
    unique = [UniqueRule(tuple(schema.unique), "reject")] if schema.unique else []
    for name, column in schema.columns.items():
        entry, more = _column(name, column, problems)
        columns[name] = entry
        problems += [Problem(f"columns.{name}.{key}", text) for key, text in faults_of(entry)]
        rules += more
        if column.unique:
            unique.append(UniqueRule((name,), "reject"))
    problems += [Problem("checks", f"a contract has no '{check.name}'") for check in schema.checks or ()]
    if problems:
        raise ConfigError(f"bad contract {path}", problems)
    return columns, tuple(rules), TableRules(tuple(unique))


def _column(name: str, column: Any, problems: list[Problem]) -> tuple[ColumnRule, list[RowRule]]:
    """Return what a column's entry says, and what only a rule can say of it."""
    said: dict[str, Any] = {"required": column.required, "nullable": column.nullable or not column.required}
    if column.dtype is not None:
        try:
            said["kind"] = column_kind(column.dtype.type)
        except DataError:
            problems.append(Problem(f"columns.{name}.dtype", f"no pipeline takes {column.dtype}"))
    if column.regex:
        problems.append(Problem(f"columns.{name}.regex", "a contract names each column by itself"))
    rules: list[RowRule] = []
    for check in column.checks:
        facts = check.statistics or {}
        limits = _limits(check.name, facts)
        for key, value in limits.items():
            said[key] = NARROWER[key](said[key], value) if key in said else value
        if limits:
            continue
        if check.name == "isin" and said.get("kind") in ("string", "boolean", None):
            allowed = said.get("categories", facts["allowed_values"])
            said["categories"] = tuple(one for one in facts["allowed_values"] if one in allowed)
        elif check.name == "str_matches" and "pattern" not in said:
            # It asks for a text that begins so, where a contract asks for a whole text.
            said["pattern"] = f"(?:{_text(facts['pattern'])})(?s:.*)"
        elif made := list(_as_rules(name, check.name, facts, said.get("kind"))):
            rules += made
        else:
            told = "a contract has one pattern" if check.name == "str_matches" else "a contract has no such check"
            problems.append(Problem(f"columns.{name}.{check.name}", told))
    for rule in rules:
        try:
            read_expression(rule.rule)
        except ValueError as error:
            problems.append(Problem(f"columns.{name}", f"its check '{rule.rule[:MOST_LETTERS]}' {error}"))
    return ColumnRule(on_violation="reject", **said), rules


def _limits(check: str, facts: Mapping[str, Any]) -> dict[str, Any]:
    """Return the least and the largest value that a check allows; empty for one that is not of limits."""
    if check in LIMITS:
        return {LIMITS[check]: next(iter(facts.values()))}
    if check == "in_range" and facts["include_min"] and facts["include_max"]:
        return {"minimum": facts["min_value"], "maximum": facts["max_value"]}
    return {}


def _as_rules(name: str, check: str, facts: Mapping[str, Any], kind: str | None) -> Iterator[RowRule]:
    column = '"' + name.replace('"', '""') + '"'

    def said(value: Any) -> str:
        return _literal(value, moment=kind == "datetime")

    if check in SIGNS:
        yield RowRule(f"{column} {SIGNS[check]} {said(next(iter(facts.values())))}", "", "reject")
    elif check == "in_range":
        low, high = (">=" if facts[key] else ">" for key in ("include_min", "include_max"))
        yield RowRule(f"{column} {low} {said(facts['min_value'])}", "", "reject")
        yield RowRule(f"{column} {high.replace('>', '<')} {said(facts['max_value'])}", "", "reject")
    elif check in AMONG:
        sign, of = AMONG[check]
        yield RowRule(f"{column} {sign} ({', '.join(map(said, facts[of]))})", "", "reject")
    elif check == "str_length":
        for key, sign in (("min_value", ">="), ("max_value", "<=")):
            if facts.get(key) is not None:
                yield RowRule(f"LENGTH({column}) {sign} {facts[key]}", "", "reject")


def _literal(value: Any, *, moment: bool) -> str:
    if isinstance(value, (bool, int, float)):
        return str(value) if math.isfinite(value) else f"CAST('{value}' AS DOUBLE)"
    text = str(value).replace("'", "''")
    # Of a date alone its midnight.
    return (
        f"CAST('{text.replace(' ', 'T') if ' ' in text else f'{text}T00:00:00'}' AS TIMESTAMP)"
        if moment
        else f"'{text}'"
    )


def _text(pattern: Any) -> str:
    return str(getattr(pattern, "pattern", pattern))
