"""What each transform of a run did to its rows, counted exactly: the cleaning ledger."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from html import escape
from typing import TYPE_CHECKING, Any

from hookline.kinds.artifacts import Label

if TYPE_CHECKING:
    import polars as pl


@dataclass(frozen=True)
class RowRef:
    """One row of the source."""

    position: int
    """Its place there, from 0: the value of `ROW_ID`."""
    id: Label | None = None
    """Its value in the id role's column, where there is one."""

    def __str__(self) -> str:
        return f"row {self.position if self.id is None else self.id}"


@dataclass(frozen=True)
class CleaningEntry:
    """What one transform did, over all rows that it met.

    A cell is changed where a row that stayed has another value in a column that stayed. Null and NaN are both missing. A
    value that only changed its type (5 to 5.0, the text 5 to the number 5) is the same.
    """

    stage: str
    component: str
    applies: str
    """`dataset`: rows before the split. `training`: training rows. `always`: training, validation and test rows."""
    rows_in: int
    rows_out: int
    rows_dropped: int = 0
    rows_added: int = 0
    """Rows without a counterpart among those that came in: copies, and new ones."""
    rows_changed: int = 0
    cells_changed: Mapping[str, int] = field(default_factory=dict)
    """Column -> changed cells, most first; columns without any are left out."""
    columns_added: tuple[str, ...] = ()
    columns_removed: tuple[str, ...] = ()
    dropped: tuple[RowRef, ...] = ()
    """The first dropped rows, at most 10."""
    changed: tuple[RowRef, ...] = ()
    """The first changed rows, at most 10."""

    @property
    def name(self) -> str:
        """Its key in config, such as `impute`."""
        return self.stage.partition(".")[2] or self.stage

    @property
    def cells(self) -> int:
        """Changed cells in all."""
        return sum(self.cells_changed.values())


@dataclass(frozen=True)
class CleaningLedger:
    """What every transform of a run did, in order."""

    entries: tuple[CleaningEntry, ...]

    def __getitem__(self, stage: str) -> CleaningEntry:
        return next(entry for entry in self.entries if stage in (entry.stage, entry.name))

    @property
    def summary(self) -> str:
        """The whole in a few words: `dedupe -146 rows; 3 transforms changed 12,345 cells`."""
        rows = [
            f"{entry.name} {sign}{counted(count, 'row')}"
            for entry in self.entries
            for sign, count in (("-", entry.rows_dropped), ("+", entry.rows_added))
            if count
        ]
        changing = [entry for entry in self.entries if entry.cells]
        cells = counted(sum(entry.cells for entry in changing), "cell")
        who = changing[0].name if len(changing) == 1 else f"{len(changing)} transforms"
        told = [*([", ".join(rows)] if rows else []), *([f"{who} changed {cells}"] if changing else [])]
        return "; ".join(told) or "no row dropped, no cell changed"

    def frame(self) -> pl.DataFrame:
        """Return one row a transform; `columns` lists what was changed: `column` and `cells`."""
        import polars as pl

        numbers = ("rows_in", "rows_out", "rows_dropped", "rows_added", "rows_changed")
        columns = pl.List(pl.Struct({"column": pl.String, "cells": pl.Int64}))
        words = dict.fromkeys(("stage", "component", "applies"), pl.String)
        schema: dict[str, Any] = {**words, **dict.fromkeys((*numbers, "cells_changed"), pl.Int64), "columns": columns}
        rows = [
            {
                **{name: getattr(entry, name) for name in (*words, *numbers)},
                "cells_changed": entry.cells,
                "columns": [{"column": column, "cells": cells} for column, cells in entry.cells_changed.items()],
            }
            for entry in self.entries
        ]
        return pl.DataFrame(rows, schema=schema)

    def _repr_html_(self) -> str:
        return f"<h4>{escape(self.summary)}</h4>{self.frame()._repr_html_()}"


def counted(number: int, noun: str) -> str:
    """Return a number with its noun: `1 row`, `1,234 rows`."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"
