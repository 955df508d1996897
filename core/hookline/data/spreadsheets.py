"""Texts in CSV files that a person opens: none of them is taken for a formula by a spreadsheet."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    import polars as pl

    Rows = TypeVar("Rows", pl.DataFrame, pl.LazyFrame)

FORMULA = r"^[=+\-@\t\r\n]"
NUMBER = r"^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$"
MARK = "'"
"""What stands before a text that would be a formula; a spreadsheet then shows it as a text."""


def without_formulas(rows: Rows) -> Rows:
    """Return rows with a mark before each text that a spreadsheet would calculate; numbers stay, also those in texts."""
    import polars as pl
    from polars import selectors

    texts = selectors.string(include_categorical=True).cast(pl.String)
    acting = texts.str.contains(FORMULA) & ~texts.str.contains(NUMBER)
    return rows.with_columns(pl.when(~acting).then(texts).otherwise(pl.lit(MARK) + texts))
