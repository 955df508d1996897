"""Which rows came, went and changed between two tables, told apart by an id."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from hookline.data.cleaning.cells import differs
from hookline.data.cleaning.ledger import counted
from hookline.errors import DataError

if TYPE_CHECKING:
    import polars as pl

SHOWN = 10
"""Changed cells that are shown."""
PLACE = "\0position"
"""A column that no table has."""
CHANGE = "change"
"""The column of `RowChanges.frame` that says what became of a row."""


@dataclass(frozen=True)
class ChangedCell:
    """A cell of a row that both tables hold."""

    row: Any
    """The row's id."""
    column: str
    before: Any
    now: Any


@dataclass(frozen=True)
class RowChanges:
    """What became of the rows of a table."""

    by: str
    """The column of the ids."""
    added: int
    removed: int
    changed: int
    """Rows that both hold, with another value in a column that both have."""
    same: int
    cells: Mapping[str, int]
    """Column -> rows in which it changed, the most first; of columns that both have and that changed."""
    examples: tuple[ChangedCell, ...]
    """The first changed cells of each column, at most 10 in all."""
    frame: pl.DataFrame
    """Every row that was added, removed or changed, a row each: change, then the columns of both; one that went as it was."""

    def sentences(self) -> list[str]:
        """Say what became of the rows."""
        went = f"{self.removed:,} removed, {self.changed:,} changed, {self.same:,} the same"
        told = [f"by {self.by}: {counted(self.added, 'row')} added, {went}"]
        return told + [f"'{column}' changed in {rows:,}" for column, rows in self.cells.items()]


def changes(before: pl.LazyFrame, now: pl.LazyFrame, by: str) -> RowChanges:
    """Compare two tables row by row; missing values equal each other, and so do 5 and 5.0.

    by: a column of both that names a row; raises DataError where it does not, as it is missing, repeats, or has two types
    """
    import polars as pl

    if CHANGE in (*_columns(before), *_columns(now)):
        raise DataError(f"the tables have a column '{CHANGE}' of their own, which is to say what became of a row")
    was, are = _named(before, by, "before"), _named(now, by, "now")
    if was[by].dtype != are[by].dtype:
        raise DataError(f"'{by}' is {was[by].dtype} before and {are[by].dtype} now, so no row can be told again")
    both = was.join(are, on=by, how="inner", suffix=" now", maintain_order="right")
    then, today = both[PLACE], both[f"{PLACE} now"]
    columns = [name for name in _columns(now) if name != by and name in _columns(before)]
    moved = (
        pl.Series(CHANGE, [False]).new_from_index(0, both.height) if both.height else pl.Series(CHANGE, [], pl.Boolean)
    )
    cells, examples = dict[str, int](), list[ChangedCell]()
    for name in columns:
        old, new = (_column(frame, name).gather(places) for frame, places in ((before, then), (now, today)))
        mask = differs(old, new)
        if count := int(mask.sum()):
            cells[name] = count
            moved = moved | mask
            examples += [
                ChangedCell(both[by][place], name, old[place], new[place])
                for place in mask.arg_true().head(3).to_list()
            ]
    changed = both.filter(moved)
    added = are.join(was, on=by, how="anti", maintain_order="left")
    removed = was.join(are, on=by, how="anti", maintain_order="left")
    parts = {
        "added": _rows(now, added[PLACE]),
        "removed": _rows(before, removed[PLACE]),
        "changed": _rows(now, changed[f"{PLACE} now"]),
    }
    told = [frame.select(pl.lit(name).alias(CHANGE), pl.all()) for name, frame in parts.items()]
    ordered = dict(sorted(cells.items(), key=lambda item: -item[1]))
    return RowChanges(
        by,
        added.height,
        removed.height,
        changed.height,
        both.height - changed.height,
        ordered,
        tuple(examples[:SHOWN]),
        pl.concat(told, how="diagonal_relaxed"),
    )


def _named(frame: pl.LazyFrame, by: str, when: str) -> pl.DataFrame:
    """Return the ids of rows with their positions; raises DataError where they do not name each row once."""
    if by not in _columns(frame):
        raise DataError(f"there is no column '{by}' {when}", hint=f"columns are {', '.join(_columns(frame)[:20])}")
    ids = frame.select(by).with_row_index(PLACE).collect()
    repeated = ids[by].drop_nulls().is_duplicated()
    if ids[by].null_count():
        raise DataError(f"'{by}' is missing in {ids[by].null_count():,} rows {when}, which nothing tells apart")
    if repeated.any():
        first = ids[by].filter(repeated)[0]
        raise DataError(
            f"'{by}' names no row {when}: {int(repeated.sum()):,} rows share theirs with another, such as {first!r}",
            hint="say a column that has another value in every row: --by COLUMN",
        )
    return ids


def _columns(frame: pl.LazyFrame) -> list[str]:
    return frame.collect_schema().names()


def _column(frame: pl.LazyFrame, name: str) -> pl.Series:
    return frame.select(name).collect()[name]


def _rows(frame: pl.LazyFrame, places: pl.Series) -> pl.DataFrame:
    return frame.collect()[places.to_list()] if len(places) else frame.head(0).collect()
