"""Feature sets: columns that several models share, defined once under a name."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86_400.0, "w": 604_800.0}
Row = Mapping[str, Any]
"""Column -> value."""


@dataclass(frozen=True)
class FeatureTest:
    """Small rows, and what a set is to make of them."""

    __pydantic_config__: ClassVar[Mapping[str, Any]] = {"extra": "forbid"}

    given: Row | tuple[Row, ...]
    """One row, or several: what the definitions are fitted to, and applied to."""
    wants: Row | tuple[Row, ...]
    """As many rows, with the columns that are to be compared alone; numbers may differ by a part in a billion."""


@dataclass(frozen=True)
class FeatureSet:
    """Columns that several models share: who answers for them, how they are made, and what they are to be.

    Its version is a digest of what it means: see `hookline.plans.placing.versions`.

    Example:
        >>> FeatureSet(
        ...     name="customer",
        ...     owner="growth",
        ...     definitions={"spending": {"component": "ratio", "columns": {"per_visit": ["spend", "visits"]}}},
        ... ).owner
        'growth'
    """

    __pydantic_config__: ClassVar[Mapping[str, Any]] = {"extra": "forbid"}

    name: str
    description: str = ""
    owner: str = ""
    """Who is to be asked."""
    definitions: Mapping[str, Any] = field(default_factory=dict)
    """Name -> a transform that adds columns, as a mapping with `component` and its fields, or as an object, in order."""
    joins: Mapping[str, Any] = field(default_factory=dict)
    """Name -> a source without its `left`, such as `join`: it puts what other rows tell beside the run's own, by key and time."""
    tests: Mapping[str, FeatureTest] = field(default_factory=dict)
    """Name -> rows with what is to be made of them: `hookline features test`."""
    fresh: str | None = None
    """How old stored values may be before they are stale, such as `1d` or `1d12h`; None: they never are."""

    def __post_init__(self) -> None:
        if self.fresh is not None:
            seconds_of(self.fresh)


def seconds_of(span: str) -> float:
    """Return the seconds of a span such as `90m` or `1d12h`; raises ValueError for what is none."""
    if not re.fullmatch(r"(\d+(ms|s|m|h|d|w))+", span):
        raise ValueError(f"must be a span such as 90m, 1d or 1d12h, got {span!r}")
    return sum(int(count) * UNITS[unit] for count, unit in re.findall(r"(\d+)(ms|s|m|h|d|w)", span))
