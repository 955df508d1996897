"""What a component or its fitted part may tell of the columns that it adds: no base class, the methods are enough."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol, runtime_checkable


@dataclass(frozen=True)
class Derived:
    """A column that is computed from others."""

    inputs: tuple[str, ...]
    """The columns that it is computed from."""
    definition: str
    """How, in words exact enough to compute it again, such as `spend / visits`."""


@runtime_checkable
class AddsColumns(Protocol):
    """A transform, a fitted one, or a source that puts columns beside others, and can tell which and of what."""

    def added(self) -> Mapping[str, Derived]:
        """Return new column -> how it is made; of a component before it is fitted, as far as its fields say it."""
        ...
