"""Numbers and dates that stand in a table as texts, in the words in which profiles and audits tell them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from hookline.data.dates import find_order
from hookline.data.numerals import MOSTLY, Found, find

if TYPE_CHECKING:
    import polars as pl

MOST_NAMED = 3


@dataclass(frozen=True)
class Disguise:
    """What texts of a column stand for."""

    statistic: str
    share: float
    """Of the values that are numbers, or dates."""
    text: str
    ailment: str
    facts: Mapping[str, Any]


def disguise_of(name: str, counts: pl.DataFrame) -> Disguise | None:
    """Return what most texts of a column stand for; None where they are texts.

    counts: `text`, different ones, and the `rows` of each
    """
    found = find(counts)
    if found is not None and is_disguised(found):
        return disguised_numbers(name, found)
    dates = find_order(counts) if found is None else None
    rows = int(counts["rows"].sum())
    if dates is None or dates.dates < MOSTLY * rows:
        return None
    share, example = dates.dates / rows, dates.example
    if dates.order is None:
        text = f"'{name}' holds dates such as '{example}', of which nobody can tell whether the day or the month stands first."
        return Disguise("asked_dates", share, text, "asked_dates", {"column": name})
    text = f"'{name}' holds dates as text, such as '{example}': {dates.order.replace('_', ' ')}."
    return Disguise("dates", share, text, "dates_in_order", {"column": name, "order": dates.order})


def is_disguised(found: Found) -> bool:
    """Tell whether most texts are numbers that no reader takes for some; codes such as 007 are none."""
    return found.share >= MOSTLY and not found.coded and bool(found.disguised or found.blank)


def disguised_numbers(name: str, found: Found) -> Disguise:
    """Say of a column that its texts are numbers."""
    facts = {"column": name, "decimal": found.numerals.decimal}
    shown = f"'{found.example}'"
    if found.asked:
        text = f"'{name}' looks like numbers written as text, such as {shown}: it may be meant with thousands or with a fraction."
        return Disguise("asked_numbers", found.share, text, "asked_numbers", facts)
    blanks = f", and {found.blank} are blank" if found.blank else ""
    if not found.others:
        text = f"'{name}' looks like numbers written as text: all values, such as {shown}{blanks}."
        return Disguise("disguised", found.share, text, "disguised_numbers", facts)
    others = ", ".join(f"'{other}'" for other in found.others[:MOST_NAMED])
    # Not rounded up to all of them.
    percent = min(99.9, round(100 * found.share, 1))
    text = f"'{name}' looks like numbers written as text: {percent:g} % of values, such as {shown}{blanks}; others are {others}."
    return Disguise("disguised", found.share, text, "mixed_numbers", facts)
