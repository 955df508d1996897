"""What a source of rows that keep coming may say of them, and whether it takes rows too."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol, runtime_checkable


@runtime_checkable
class ReadsSpan(Protocol):
    """A source that reads on, and whose `load` reads from one position up to another, which stay once they were asked for.

    A model keeps up to where its training rows were read, so that what it learns later begins there.
    """

    def span(self) -> tuple[str | None, str]:
        """Return the position after which `load` reads, None from the beginning, and the one up to which it does."""
        ...


@runtime_checkable
class TakesRows(Protocol):
    """A source whose place also takes rows, as a topic takes answers."""

    def mark(self) -> str:
        """Return where rows that are sent from now on begin: an opaque text, also of a place that is not there yet."""
        ...

    def send(self, rows: Sequence[Mapping[str, Any]]) -> None:
        """Add rows, of plain values; returns once the place has all of them, raises DataError where it may lack some."""
        ...

    def sent(self, since: str, column: str) -> frozenset[str]:
        """Return the texts in a column of the rows that were sent since a mark, by whomever."""
        ...


@runtime_checkable
class Placed(Protocol):
    """A source that says where its rows are, so that nobody has a place answer itself."""

    def place(self) -> str:
        """Return the place, without credentials; the same for all that read there or send rows there."""
        ...
