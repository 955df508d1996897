"""Chooses columns by name, pattern or type."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

from hookline import Dataset
from hookline.data.columns import kind_of
from hookline.data.frames import require_columns
from hookline.errors import ConfigError, Problem
from hookline.kinds.artifacts import ROW_ID, ColumnKind

if TYPE_CHECKING:
    import polars as pl

Scalar = bool | int | float | str


@dataclass(frozen=True)
class IsRegex:
    """Marks a config field as a regular expression of Python's; one that is none is a problem at the field's path."""

    def __get_pydantic_core_schema__(self, source: Any, handler: Any) -> Any:
        """Add the check to the text's own schema."""
        from pydantic_core import core_schema

        return core_schema.no_info_after_validator_function(_regex, handler(source))


@dataclass(frozen=True)
class NullIsWord:
    """Marks a config field one of whose words is `null`, which is typed without quotes and read as no value."""

    def __get_pydantic_core_schema__(self, source: Any, handler: Any) -> Any:
        """Take no value for the word."""
        from pydantic_core import core_schema

        return core_schema.no_info_before_validator_function(_null_word, handler(source))


@dataclass(frozen=True)
class Columns:
    """Columns by name, by pattern, or by type; what fits any of them is chosen."""

    __pydantic_config__: ClassVar[Mapping[str, Any]] = {"extra": "forbid"}

    names: tuple[str, ...] = ()
    """Column names."""
    pattern: Annotated[str, IsRegex()] | None = None
    """A regular expression that the whole name matches."""
    kind: ColumnKind | None = None
    """number, string, boolean or datetime."""


def choose(
    dataset: Dataset, columns: tuple[str, ...] | Columns, where: str, kinds: Sequence[ColumnKind] = (), reason: str = ""
) -> list[str]:
    """Return the chosen columns in the dataset's order; by default every feature column of `kinds` (all where empty).

    A column that has another role (the target, say) is chosen only by name. Raises DataError for names that are not there,
    and ConfigError, with `reason` at its end, for columns of other kinds.
    """
    schema = dataset.frame.collect_schema()
    features = dataset.feature_columns()
    wanted = columns if isinstance(columns, Columns) else Columns(columns)
    require_columns(wanted.names, [name for name in schema.names() if name != ROW_ID], where)
    if wanted == Columns():
        return [name for name in features if not kinds or kind_of(name, schema[name]) in kinds]
    chosen = set(wanted.names)
    if wanted.pattern is not None:
        chosen |= {name for name in features if re.fullmatch(wanted.pattern, name)}
    if wanted.kind is not None:
        chosen |= {name for name in features if kind_of(name, schema[name]) == wanted.kind}
    found = [name for name in schema.names() if name in chosen]
    others = [name for name in found if kinds and kind_of(name, schema[name]) not in kinds]
    if others:
        message = f"holds no {' and no '.join(kinds)}{reason}"
        problems = [Problem(f"{where}: '{name}'", message) for name in others]
        raise ConfigError(f"bad config for transform '{where.split('.')[1]}'", problems)
    return found


def present(frame: pl.LazyFrame, names: Iterable[str]) -> list[str]:
    """Return those of `names` that a frame has: the target is absent at inference."""
    held = set(frame.collect_schema().names())
    return [name for name in names if name in held]


def _null_word(value: Any) -> Any:
    return "null" if value is None else value


def _regex(text: str) -> str:
    try:
        re.compile(text)
    except re.error as error:
        raise ValueError(f"must be a regular expression, got {text!r}: {error}") from None
    return text
