"""Rules across columns and of whole tables, as plain values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Literal, TypeAlias

OnViolation: TypeAlias = Literal["warn", "reject"]


@dataclass(frozen=True)
class RowRule:
    """What must hold of each row, across columns; a row of which it cannot be told, as a value is missing, keeps it."""

    __pydantic_config__: ClassVar[Mapping[str, Any]] = {"extra": "forbid"}

    rule: str
    """An expression of polars' SQL by the names of columns, such as `end >= start`, true or false of each row alone."""
    name: str = ""
    """What it is called; by itself the expression."""
    on_violation: OnViolation = "warn"


@dataclass(frozen=True)
class UniqueRule:
    """Columns that no two rows have in common, of rows that have them all."""

    __pydantic_config__: ClassVar[Mapping[str, Any]] = {"extra": "forbid"}

    columns: tuple[str, ...]
    on_violation: OnViolation = "warn"


@dataclass(frozen=True)
class FreshRule:
    """How long ago the newest time of a column may be."""

    __pydantic_config__: ClassVar[Mapping[str, Any]] = {"extra": "forbid"}

    column: str
    within: str
    """A number with s, m, h, d or w, such as 36h."""
    on_violation: OnViolation = "warn"


@dataclass(frozen=True)
class CountRule:
    """How many rows a table may have."""

    __pydantic_config__: ClassVar[Mapping[str, Any]] = {"extra": "forbid"}

    minimum: int | None = None
    maximum: int | None = None
    on_violation: OnViolation = "warn"


@dataclass(frozen=True)
class TableRules:
    """What must hold of a table as a whole; a row or a request alone is not asked."""

    unique: tuple[UniqueRule, ...] = ()
    freshness: tuple[FreshRule, ...] = ()
    rows: CountRule | None = None

    def __bool__(self) -> bool:
        return bool(self.unique or self.freshness or self.rows)


NO_TABLE_RULES = TableRules()
