"""Tables, and rows as the core sees them."""

from __future__ import annotations

import numpy as np
import polars as pl

from hookline import Source
from hookline.kinds.artifacts import ROW_ID


def table(rows: int, positive: pl.Expr | None = None) -> pl.DataFrame:
    """Return two columns of normal numbers and one of texts, with a `label` that is yes where `a`, or the sum given, is."""
    rng = np.random.default_rng(0)
    frame = pl.DataFrame({"a": rng.normal(size=rows), "b": rng.normal(size=rows), "c": rng.choice(["u", "v"], rows)})
    over = (pl.col("a") if positive is None else positive) > 0
    return frame.with_columns(label=pl.when(over).then(pl.lit("yes")).otherwise(pl.lit("no")))


def with_row_ids(frame: pl.DataFrame | pl.LazyFrame) -> pl.LazyFrame:
    """Return rows with their positions, as the core gives them to every row that it reads."""
    return frame.lazy().with_row_index(ROW_ID).with_columns(pl.col(ROW_ID).cast(pl.Int64))


def rows_of(source: Source) -> pl.DataFrame:
    """Return all rows of a source."""
    return source.load().frame.collect()
