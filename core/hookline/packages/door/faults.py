"""What is wrong with a value of a package, said without what stands there, which may be anything."""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Mapping
from typing import Any

from hookline.data.columns import column_kind, parse_dtype
from hookline.data.contract.across import read_expression
from hookline.data.contract.patterns import check_pattern
from hookline.errors import HooklineError, StoreError
from hookline.kinds.answering.rules import DecisionRule, Intervals, PredictionSets
from hookline.kinds.artifacts import Column, ColumnKind, Schema, Target

from .names import shown

LONGEST_TYPE = 200
"""Characters of a column's type."""
SIZES = ("Int8", "Int16", "Int32", "Int64", "UInt8", "UInt16", "UInt32", "UInt64", "Float32", "Float64")
KNOWN_KINDS: Mapping[str, ColumnKind] = {
    **dict.fromkeys(SIZES, "number"),
    **dict.fromkeys(
        ("Date", *(f"Datetime(time_unit='{unit}', time_zone=None)" for unit in ("ms", "us", "ns"))), "datetime"
    ),
    "String": "string",
    "Boolean": "boolean",
}
"""Written dtype -> how hookline treats it, of those that most columns have: they are told without polars."""


def first_of(error: BaseException) -> str:
    """Return the first problem that an error tells, with its place where pydantic says one, in one line."""
    problems: Callable[..., Any] | None = getattr(error, "errors", None)
    if not callable(problems):
        told = str(error).strip()
        return f"{type(error).__name__}: {shown(told.splitlines()[0])}" if told else type(error).__name__
    found = problems(include_url=False, include_context=False, include_input=False)[0]
    place = ".".join(shown(part)[:40] for part in found["loc"])
    told = shown(str(found["msg"]).replace("Input should be", "must be"))
    return f"{place}: {told}" if place else told


def check_schema(schema: Schema, where: str) -> None:
    """Raise StoreError where an input contract is none: columns said twice, types that there are not, patterns that never end.

    where: the file that says so
    """
    seen: set[str] = set()
    for column in schema.columns:
        fault = f"column '{shown(column.name)}' is said twice" if column.name in seen else _fault(column)
        if fault is not None:
            raise StoreError(f"{where} is damaged: {fault}")
        seen.add(column.name)
    for rule in schema.rules:
        try:
            read_expression(rule.rule)
        except ValueError as error:
            raise StoreError(f"{where} is damaged: the rule '{shown(rule.rule)[:60]}' {error}") from None


def check_target(target: Target, where: str) -> None:
    """Raise StoreError where a target's classes are not those of its task. where: the file that says so."""
    classes = {(type(label), label) for label in target.classes}
    fits = {"regression": not classes, "binary": len(classes) == 2, "multiclass": len(classes) > 2}
    if not fits[target.task] or len(classes) < len(target.classes):
        raise StoreError(f"{where} is damaged: its target is {target.task}, of {len(classes)} different classes")


def check_decision(rule: DecisionRule, target: Target, where: str) -> None:
    """Raise StoreError where a rule does not say an answer for each row of a target. where: the file that says so."""
    numbers = [*(cost for line in rule.costs for cost in line), *([] if rule.threshold is None else [rule.threshold])]
    square = {len(target.classes)} == {len(rule.costs), *map(len, rule.costs)}
    of_two = rule.threshold is not None and len(target.classes) == 2 and rule.positive in (0, 1)
    if not all(map(math.isfinite, numbers)) or not (of_two or (rule.threshold is None and square)):
        raise StoreError(f"{where} is damaged: its decision is none for {len(target.classes)} classes")


def check_intervals(found: Intervals, target: Target, where: str) -> None:
    """Raise StoreError where intervals are none around a number. where: the file that says so."""
    least = 0.0 if found.by == "errors" else -math.inf
    known = math.isfinite(found.half_width) and found.half_width >= least
    if target.classes or not 0 < found.coverage < 1 or not known:
        raise StoreError(f"{where} is damaged: its intervals are none around a number")


def check_sets(found: PredictionSets, target: Target, where: str) -> None:
    """Raise StoreError where a rule says no sets of classes. where: the file that says so."""
    if not target.classes or not 0 < found.coverage < 1 or not math.isfinite(found.limit):
        raise StoreError(f"{where} is damaged: its sets are none of classes")


def any_fault() -> tuple[type[BaseException], ...]:
    """Return what a library may raise: any Exception, and a panic of polars, where that is imported at all."""
    polars = sys.modules.get("polars.exceptions")
    return (Exception,) if polars is None else (Exception, polars.PanicException)


def _kind(dtype: str) -> ColumnKind | None:
    from polars.exceptions import PanicException, PolarsError

    try:
        return column_kind(parse_dtype(dtype))
    except (
        HooklineError,
        PolarsError,
        PanicException,
        ValueError,
        TypeError,
        SyntaxError,
        RecursionError,
        MemoryError,
    ):
        return None


def _fault(column: Column) -> str | None:
    told = f"column '{shown(column.name)}'"
    if len(column.dtype) > LONGEST_TYPE:
        return f"{told} has a type of {len(column.dtype):,} characters"
    kind = KNOWN_KINDS.get(column.dtype) or _kind(column.dtype)
    if kind is None:
        return f"{told}: '{shown(column.dtype)}' is not a column type"
    if kind != column.kind:
        return f"{told} is a {column.kind}, and its type '{shown(column.dtype)}' is that of a {kind}"
    try:
        check_pattern(column.pattern)
    except ValueError as error:
        return f"{told} has the pattern '{shown(column.pattern)}': {error}"
    return None
