"""What a person's contract says of one column, and whether that makes sense."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields, replace
from datetime import UTC, date, datetime
from typing import Any, ClassVar, Literal, TypeAlias

from hookline.kinds.artifacts import Column, ColumnKind
from hookline.kinds.contracts.rules import OnViolation

from .limits import shown
from .patterns import check_pattern

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


def faults_of(rule: ColumnRule) -> Iterator[tuple[str, str]]:
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
            check_pattern(rule.pattern)
        except ValueError as error:
            yield "pattern", str(error)
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


def misfits_of(laid: Column, column: Column) -> Iterator[tuple[str, str]]:
    """Yield what is wrong with a column once a rule is laid over it."""
    if laid.kind != column.kind:
        yield "kind", f"says {laid.kind}, and the column holds a {column.kind}"
        return
    rule = ColumnRule(minimum=laid.minimum, maximum=laid.maximum, categories=laid.categories, pattern=laid.pattern)
    for key, kinds in FITTING.items():
        if getattr(rule, key) is not None and column.kind not in kinds:
            yield key, f"is for columns of kind {' or '.join(kinds)}, and this one is a {column.kind}"
    if laid.minimum is not None and laid.maximum is not None and laid.minimum > laid.maximum:
        low, high = shown(laid, laid.minimum), shown(laid, laid.maximum)
        if laid.minimum == column.minimum:
            yield "maximum", f"{high} is below the minimum that was inferred, {low}; say both"
        else:
            yield "minimum", f"{low} is above the maximum that was inferred, {high}; say both"
    if not laid.required and not laid.nullable:
        yield (
            "required",
            "a column that may be absent must be nullable, and training rows had no missing value; say both",
        )


def kind_of_rule(rule: ColumnRule, held: ColumnKind | None = None) -> ColumnKind | None:
    """Return the kind of column that a rule is for, where it says so or is for one only.

    held: what the column holds; to a column of texts true and false are words
    """
    if rule.kind != "inferred":
        return rule.kind
    bound = rule.maximum if rule.minimum in (None, "inferred") else rule.minimum
    if bound not in (None, "inferred"):
        return "datetime" if isinstance(bound, date) else "number"
    if isinstance(rule.categories, tuple):
        return "boolean" if isinstance(rule.categories[0], bool) and held != "string" else "string"
    return "string" if rule.pattern not in (None, "inferred") else None


def laid_over(rule: ColumnRule, column: Column) -> Column:
    """Return a column with what a rule says of it laid over what was inferred."""
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


def _plain(value: Any) -> str:
    return value.isoformat() if isinstance(value, date) else f"{value:g}"
