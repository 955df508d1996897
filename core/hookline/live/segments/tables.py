"""The records of a log's files as one table, of either form: column by column, without a Python value a record."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from . import parquet, segment
from .lines import read_lines
from .moments import time_of
from .parquet import Timed
from .wanted import Wanted

if TYPE_CHECKING:
    import polars as pl

AT_ONCE = 10_000
FACTS = ("id", "time", "version", "arm")


def facts(files: Sequence[Path], wanted: Wanted) -> pl.DataFrame:
    """Return id, time, version and arm of records; raises FileNotFoundError where a file was replaced meanwhile."""
    return _whole(files, wanted).select(FACTS).collect()


def typed(files: Sequence[Path], wanted: Wanted) -> pl.DataFrame | None:
    """Return records without their text; None where answers or rows are of no type. Raises FileNotFoundError as above.

    Columns: those of `FACTS`, prediction, row_id, probabilities, and `row.<column>` of every raw column
    """
    import polars as pl

    try:
        rows = _whole(files, wanted).drop(parquet.RECORD, parquet.SEGMENT)
        if not rows.select(pl.col(parquet.TYPED).all()).collect().item():
            return None
        return rows.drop(parquet.TYPED).collect()
    except pl.exceptions.PolarsError:
        # The files' columns have no type in common.
        return None


def _whole(files: Sequence[Path], wanted: Wanted) -> pl.LazyFrame:
    import polars as pl

    parts = [pl.LazyFrame(schema=_schema())]
    for path in files:
        if path.suffix == segment.SUFFIX:
            parts += [frame.lazy() for frame in _frames(path)]
        else:
            parts.append(pl.scan_parquet(path, glob=False))
    return pl.concat(parts, how="diagonal_relaxed").filter(wanted.where())


def _frames(path: Path) -> Iterator[pl.DataFrame]:
    """Yield a file of lines as frames; raises DataError where one in between is no record, or says no time."""
    # The text is not asked for again.
    found = (Timed(record, "", time_of(record)) for record, _ in read_lines(path))
    while some := list(islice(found, AT_ONCE)):
        yield parquet.frame_of(some, path.name)


def _schema() -> dict[str, pl.DataType]:
    import polars as pl

    text, moment = pl.String(), pl.Datetime("us", "UTC")
    columns: dict[str, pl.DataType] = dict.fromkeys(parquet.FIXED, text)
    return {**columns, "time": moment, "version": pl.Int64(), parquet.TYPED: pl.Boolean()}
