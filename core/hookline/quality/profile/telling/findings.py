"""What of a table's diversity is odd enough to be told."""

from __future__ import annotations

from collections.abc import Iterator

from hookline.data.dates import shown
from hookline.kinds.reports import Severity

from ..column import ColumnFacts
from ..guessing import IDS
from ..oddity import Oddity
from ..table import TableFacts

CONCENTRATED, VALUES = 0.5, 100
"""Share of the rows that 1 % of the values of a group or an id have, and how many values there must be."""
UNLIKE = 0.05
"""Share of rows that, with confidence, are elsewhere than in the population."""
NEAR = 0.01
"""Share of near repeats among texts."""


def oddities_of_diversity(table: TableFacts) -> Iterator[Oddity]:
    """Yield what is odd about how varied a table is."""
    for column in table.columns:
        yield from _concentrated(table, column)
        yield from _gaps(table, column)
        yield from _near(column)
    yield from _unlike(table)


def _concentrated(table: TableFacts, column: ColumnFacts) -> Iterator[Oddity]:
    name, spread = column.name, column.spread
    known = name == table.roles.group
    if spread is None or column.distinct < VALUES or spread.top_share <= CONCENTRATED:
        return
    if known or (IDS.fullmatch(name) and name != table.roles.target):
        few = f"1 % of the values of '{name}' have {spread.top_share:.0%} of the rows (Gini {spread.gini:.2f})"
        text = f"{few}: what is learned is about a few."
        action = "weigh rows by roles.weight, or look at the others apart"
        severity: Severity = "warning" if known else "info"
        yield Oddity(name, "top_share", spread.top_share, CONCENTRATED, severity, text, action=action)


def _gaps(table: TableFacts, column: ColumnFacts) -> Iterator[Oddity]:
    gaps = column.gaps
    if gaps is None or not gaps.count:
        return
    start, end = gaps.longest[0]
    length = (end - start) / max(1.0, _span(column))
    first, last = shown(start, "datetime"), shown(end, "datetime")
    more = f", the longest of {gaps.count}" if gaps.count > 1 else ""
    usual = f"{gaps.usual:g} {gaps.unit}{'s' * (gaps.usual != 1)}"
    text = f"'{column.name}' has a gap from {first} to {last}{more}: {usual} from one row to the next is usual."
    severity: Severity = "warning" if column.name == table.roles.time else "info"
    yield Oddity(column.name, "time_gap", length, 0.0, severity, text, action="ask whether rows are lost there")


def _span(column: ColumnFacts) -> float:
    low, high = column.quantile(0.0), column.quantile(1.0)
    return 0.0 if low is None or high is None else high - low


def _near(column: ColumnFacts) -> Iterator[Oddity]:
    near = column.text.writing.near if column.text and column.text.writing else None
    if near is None or not near.texts or near.texts < NEAR * near.sampled:
        return
    share = near.texts / near.sampled
    text = f"{near.texts:,} of {near.sampled:,} texts of '{column.name}' that were compared nearly repeat another one."
    action = "split.method=group with a roles.group that keeps them together"
    yield Oddity(column.name, "near_share", share, NEAR, "info", text, action=action)


def _unlike(table: TableFacts) -> Iterator[Oddity]:
    for found in table.population:
        if found.low <= UNLIKE:
            continue
        label, here, there = found.parts[0]
        text = (
            f"'{found.column}' is not as in the population ({found.statistic} {found.value:.3f}, at least {found.low:.3f}): "
            f"'{label}' has {here:.1%} of the rows, and {there:.1%} there."
        )
        action = "weigh rows by roles.weight, or collect more of what is rare here"
        yield Oddity(found.column, "representation", found.value, UNLIKE, "warning", text, action=action)
