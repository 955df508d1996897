"""What an oddity is, and the words in which rows, columns and what to do about them are told."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from hookline.kinds.reports import Finding
from hookline.registry.remedies import Remedies, list_option

MOST_NAMED = 5
"""Columns that one sentence names."""
NOTHING = "mend it at the source"
"""What to do where no component mends it."""


@dataclass(frozen=True)
class Oddity(Finding):
    """Something odd about a table or a column of it, and what to do."""

    action: str = ""
    """Options as they are typed, or words where none helps."""


@dataclass(frozen=True)
class Advisor:
    """Says what to do about an ailment."""

    remedies: Remedies
    """Of the registry that is at hand."""
    config: dict[str, Any]
    """The source as config says it; options of reading are advised only where it has them."""

    def ways(self, ailment: str, **facts: Any) -> list[str]:
        """Return what components say against an ailment, as it is typed."""
        return self.remedies(ailment, self.config, **facts)

    def action(self, ailment: str, *others: str, **facts: Any) -> str:
        """Return it in one line, with other ways behind it."""
        return ", or ".join([*self.ways(ailment, **facts), *others]) or NOTHING


def share_of(rows: int, of: int) -> str:
    """Return rows with their share."""
    return f"{counted(rows, 'row')} ({rows / max(1, of):.2%})"


def counted(number: int, what: str) -> str:
    """Return a number of something, in the plural where it is several."""
    return f"{number:,} {what}" if number == 1 else f"{number:,} {what}s"


def quoted(texts: Sequence[str]) -> str:
    """Return the first of some texts."""
    return ", ".join(f"'{text}'" for text in texts[:MOST_NAMED])


def named(names: Sequence[str]) -> str:
    """Return column names in words."""
    return (
        quoted(names) if len(names) <= MOST_NAMED else f"{quoted(names)} and {len(names) - MOST_NAMED:,} more columns"
    )


def ignored(names: Sequence[str]) -> str:
    """Return the option that leaves columns out, cut where they are many."""
    most = 4 * MOST_NAMED
    return list_option("roles.ignore", names if len(names) <= most else [*names[:most], "..."])
