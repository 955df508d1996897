"""The entries of a contract's file that are not of one column: read with every problem, at its path in the file."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from hookline.errors import ConfigError, Problem
from hookline.kinds.contracts.rules import CountRule, FreshRule, RowRule, TableRules, UniqueRule
from hookline.registry.values import validate

from .across import called, read_expression
from .tables import length_of

RULES = ("rules", "unique", "freshness", "rows")
"""Keys of the file below which they stand."""
E = TypeVar("E")


def read_rules(tree: Mapping[Any, Any], problems: list[Problem]) -> tuple[tuple[RowRule, ...], TableRules]:
    """Return the rules across columns, and those of the table as a whole; adds to the problems."""
    across = _entries(tree, "rules", RowRule, _fault_of_rule, problems)
    names = [called(rule) for rule in across]
    problems += [
        Problem(f"rules.{i}", f"a rule '{name}' is said before") for i, name in enumerate(names) if name in names[:i]
    ]
    unique = _entries(tree, "unique", UniqueRule, _fault_of_unique, problems)
    fresh = _entries(tree, "freshness", FreshRule, _fault_of_fresh, problems)
    rows = None if tree.get("rows") is None else _entry(tree["rows"], "rows", CountRule, _fault_of_count, problems)
    return across, TableRules(unique, fresh, rows)


def _entries(
    tree: Mapping[Any, Any],
    key: str,
    made: type[E],
    fault: Callable[[E], tuple[str, str] | None],
    problems: list[Problem],
) -> tuple[E, ...]:
    nodes = tree.get(key)
    if nodes is None:
        return ()
    if not isinstance(nodes, list):
        problems.append(Problem(key, f"must be a list, one entry a rule, got {nodes!r}"))
        return ()
    found = (_entry(node, f"{key}.{i}", made, fault, problems) for i, node in enumerate(nodes))
    return tuple(one for one in found if one is not None)


def _entry(
    node: Any, path: str, made: type[E], fault: Callable[[E], tuple[str, str] | None], problems: list[Problem]
) -> E | None:
    if isinstance(node, str) and made is RowRule:
        node = {"rule": node}
    if not isinstance(node, Mapping):
        problems.append(Problem(path, f"must be a mapping, got {node!r}"))
        return None
    try:
        entry: E = validate(made, dict(node), path, "bad contract")
    except ConfigError as error:
        problems += error.problems
        return None
    wrong = fault(entry)
    if wrong is None:
        return entry
    problems.append(Problem(f"{path}.{wrong[0]}", wrong[1]))
    return None


def _fault_of_rule(entry: RowRule) -> tuple[str, str] | None:
    try:
        read_expression(entry.rule)
    except ValueError as error:
        return "rule", str(error)
    return None


def _fault_of_unique(entry: UniqueRule) -> tuple[str, str] | None:
    return None if entry.columns else ("columns", "must name a column")


def _fault_of_fresh(entry: FreshRule) -> tuple[str, str] | None:
    try:
        length_of(entry.within)
    except ValueError as error:
        return "within", str(error)
    return None


def _fault_of_count(entry: CountRule) -> tuple[str, str] | None:
    low, high = entry.minimum, entry.maximum
    if low is None and high is None:
        return "minimum", "say it, or maximum, or both"
    if (low or 0) < 0 or (low is not None and high is not None and low > high >= 0):
        return "minimum", f"must be from 0 to the maximum, got {low}"
    if (high or 0) < 0:
        return "maximum", f"must be 0 or more, got {high}"
    return None
