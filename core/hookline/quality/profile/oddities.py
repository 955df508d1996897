"""What is odd about a table, most important first, each with one thing to do about it."""

from __future__ import annotations

from hookline.kinds.reports import worst_first

from .oddity import Advisor, Oddity
from .of_columns import oddities_of_column
from .of_tables import oddities_of_table
from .table import TableFacts
from .telling.findings import oddities_of_diversity


def oddities(table: TableFacts, advisor: Advisor) -> tuple[Oddity, ...]:
    """Return what is odd about a table, the most important first."""
    found = [*oddities_of_table(table, advisor), *oddities_of_diversity(table)]
    for column in table.columns:
        found += oddities_of_column(table, column, advisor)
    return tuple(worst_first(sorted(found, key=lambda odd: -odd.value)))
