"""The contract's rules across columns, asked of the rows of a request."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from hookline import Schema
from hookline.data.columns import parse_dtype
from hookline.data.contract.across import Across, called

from .faults import MOST_COUNTED

if TYPE_CHECKING:
    import polars as pl


@dataclass(frozen=True)
class BrokenRule:
    """A rule that a row breaks."""

    row: int
    rule: str
    message: str
    rejects: bool


class Rules:
    """Rules across columns, with the columns that they name, ready to be asked of values in the order of the schema."""

    def __init__(self, schema: Schema) -> None:

        self._across = Across.of(schema)
        named = [(i, column) for i, column in enumerate(schema.columns) if column.name in self._across.columns]
        self._places = [i for i, _ in named]
        self._dtypes = {column.name: parse_dtype(column.dtype) for _, column in named}

    def broken(self, values: Sequence[Sequence[Any]]) -> list[BrokenRule]:
        """Return the rules that rows break, in the order of the rules; values: of each row, one a column of the schema."""
        import polars as pl

        columns = [
            _column(name, [None if row[place] == "" else row[place] for row in values], dtype)
            for place, (name, dtype) in zip(self._places, self._dtypes.items(), strict=True)
        ]
        frame = pl.DataFrame(columns)
        return [
            BrokenRule(row, called(rule), self._across.complain(rule, frame.row(row, named=True)), rejects)
            for rule, mask in self._across.broken(frame)
            for rejects in [rule.on_violation == "reject"]
            for row in mask.arg_true().to_list()[: MOST_COUNTED + 1]
        ]


def _column(name: str, values: Sequence[Any], dtype: pl.DataType) -> pl.Series:
    """Return values in the type that the model takes, or as numbers, where a request has fractions for whole ones."""
    import polars as pl

    try:
        return pl.Series(name, values, dtype)
    except (TypeError, OverflowError, pl.exceptions.PolarsError):
        return pl.Series(name, values, pl.Float64 if dtype.is_numeric() else None, strict=False)
