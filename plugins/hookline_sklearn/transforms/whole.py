"""How a function of whole rows is put into a lazy frame, and numbers that it fills in them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, TypedDict

if TYPE_CHECKING:
    import numpy as np
    import polars as pl


class Pushdowns(TypedDict):
    """What polars may ask of fewer rows or columns than the function takes."""

    predicate_pushdown: bool
    projection_pushdown: bool
    slice_pushdown: bool


WHOLE: Pushdowns = {"predicate_pushdown": False, "projection_pushdown": False, "slice_pushdown": False}
"""Nothing: the function sees all columns of all rows."""


def filled(frame: pl.LazyFrame, columns: Sequence[str], numbers: Callable[[pl.DataFrame], np.ndarray]) -> pl.LazyFrame:
    """Return rows with numbers in the place of some columns, which become float64; one that is not there is not added.

    numbers: makes float64 (n_rows, n_columns) of rows, a column for each of `columns`
    """
    import polars as pl

    schema = frame.collect_schema()
    held = {name: place for place, name in enumerate(columns) if name in schema}

    def with_numbers(rows: pl.DataFrame) -> pl.DataFrame:
        X = numbers(rows)
        return rows.with_columns(pl.Series(name, X[:, place]) for name, place in held.items())

    out = pl.Schema({**schema, **dict.fromkeys(held, pl.Float64())})
    return frame.map_batches(with_numbers, schema=out, **WHOLE)
