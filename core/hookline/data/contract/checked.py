"""What was found in a table that breaks its contract: rule by rule, with how often, and examples."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, TypeAlias

from hookline.errors import Breach
from hookline.kinds.artifacts import ROW_ID

if TYPE_CHECKING:
    import polars as pl

Rule: TypeAlias = Literal[
    "absent", "type", "nullable", "range", "categories", "pattern", "rule", "unique", "freshness", "rows"
]

MOST_EXAMPLES = 5


@dataclass
class RuleCheck:
    """How often one rule of one column was broken, with the first examples."""

    column: str
    rule: Rule
    rejects: bool
    count: int = 0
    examples: list[Breach] = field(default_factory=list)
    places: list[pl.Series] = field(default_factory=list, repr=False)
    """Numbers of all rows that break it, where they are to be kept."""

    def told(self, rows: int) -> str:
        """Return how many of a table's rows, and the examples, in words."""
        if self.rule in ("freshness", "rows"):
            return f"the table breaks the contract: {self.examples[0].message}"
        shown = "; ".join(f"{breach.where}: {breach.message}" for breach in self.examples)
        more = "; ..." if self.count > len(self.examples) and self.rule != "absent" else ""
        return f"{self.count:,} of {rows:,} rows break the contract: {shown}{more}"


@dataclass
class Checked:
    """What was found in a table: how many rows it has, and which rules they break."""

    rows: int = 0
    broken: dict[tuple[str, str, bool], RuleCheck] = field(default_factory=dict)
    keep: bool = False
    """Whether the number of every row that breaks a rule is kept."""

    @property
    def rejected(self) -> list[RuleCheck]:
        """The broken rules that reject."""
        return [check for check in self.broken.values() if check.rejects]

    @property
    def warned(self) -> list[RuleCheck]:
        """The broken rules that warn."""
        return [check for check in self.broken.values() if not check.rejects]

    def add(
        self,
        column: str,
        rule: Rule,
        rejects: bool,
        count: int,
        examples: Iterable[Breach],
        places: pl.Series | None = None,
    ) -> None:
        """Count values that break a rule; places: the numbers of their rows."""
        check = self.broken.setdefault((column, rule, rejects), RuleCheck(column, rule, rejects))
        check.count += count
        check.examples += list(examples)[: MOST_EXAMPLES - len(check.examples)]
        if self.keep and places is not None:
            check.places.append(places)


@dataclass(frozen=True)
class Naming:
    """How the rows of a batch are numbered, and what they are called."""

    numbers: pl.Series | None
    ids: pl.Series | None

    @classmethod
    def of(cls, batch: pl.DataFrame, id_column: str | None) -> Naming:
        """Return how a batch says it."""
        held = [batch[name] if name in batch.columns else None for name in (ROW_ID, id_column or "")]
        return cls(*held)

    def at(self, places: pl.Series) -> pl.Series:
        """Return the numbers of rows at places of the batch."""
        return places if self.numbers is None else self.numbers.gather(places)

    def breach(self, row: int, column: str, message: str) -> Breach:
        """Say what is wrong with a row."""
        return Breach(number_of(self.numbers, row), column, message, None if self.ids is None else self.ids[row])


def number_of(rows: pl.Series | None, row: int) -> int:
    """Return how a row of a batch is numbered."""
    return row if rows is None else int(rows[row])
