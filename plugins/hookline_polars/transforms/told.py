"""Rows of a dataset as a transform tells of them: by their positions at the source."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from hookline import Finding, report_finding
from hookline.kinds.artifacts import ROW_ID

if TYPE_CHECKING:
    import polars as pl

SHOWN = 10
"""Rows of a finding that are named."""


def position_of(frame: pl.LazyFrame) -> pl.Expr:
    """Return the rows' ids, int64; their places where they have none."""
    import polars as pl

    return pl.col(ROW_ID) if ROW_ID in frame.collect_schema() else pl.int_range(pl.len(), dtype=pl.Int64)


def tell_rows(subject: str, message: str, rows: Sequence[int]) -> None:
    """Put on record how many rows something is about, and which the first of them are."""
    report_finding(
        Finding(
            subject=subject,
            statistic="rows",
            value=float(len(rows)),
            threshold=0.0,
            severity="info",
            message=message,
            rows=tuple(rows[:SHOWN]),
        )
    )
