"""The records of a log's files as one table, of either form: column by column, without a Python value a record."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from . import parquet, segment
from .lines import lines_of, read_lines, record_of
from .moments import time_of
from .parquet import Timed
from .wanted import OF, Wanted

if TYPE_CHECKING:
    import polars as pl

    Make = Callable[[Sequence[Timed], str], pl.DataFrame]

AT_ONCE = 10_000
FEW = 20
"""Ids that are looked for in lines before any of these is read as JSON."""
FACTS = ("id", "time", "version", "arm", OF)


def facts(files: Sequence[Path], wanted: Wanted) -> pl.DataFrame:
    """Return id, time, version, arm and of of records; raises FileNotFoundError where a file was replaced meanwhile."""
    return _whole(files, wanted, parquet.fixed_of).select(FACTS).collect()


def recorded(files: Sequence[Path], ids: Collection[str]) -> set[str]:
    """Return which of these ids are on record; raises FileNotFoundError as above."""
    import polars as pl

    letters = [name.encode(errors="replace") for name in ids] if len(ids) <= FEW else []
    asked, found = pl.Series(list(ids), dtype=pl.String), set[str]()
    for path in files:
        if path.suffix == segment.SUFFIX:
            found |= _named_in(path, letters, ids)
        else:
            there = pl.scan_parquet(path, glob=False).select("id").filter(pl.col("id").is_in(asked.implode()))
            found.update(there.collect().to_series())
    return found


def _named_in(path: Path, letters: Sequence[bytes], ids: Collection[str]) -> set[str]:
    """letters: the ids as bytes where they are few; then only lines that hold one are read as JSON."""
    found = set()
    for _, line in lines_of(path):
        if not letters or any(one in line for one in letters):
            record = record_of(line)
            if record is not None and record["id"] in ids:
                found.add(str(record["id"]))
    return found


def typed(files: Sequence[Path], wanted: Wanted) -> pl.DataFrame | None:
    """Return records without their text; None where answers or rows are of no type. Raises FileNotFoundError as above.

    Columns: those of `FACTS`, prediction, row_id, probabilities, kept, and `row.<column>` of every raw column
    """
    import polars as pl

    try:
        rows = _whole(files, wanted, parquet.frame_of).drop(parquet.RECORD, parquet.SEGMENT)
        if not rows.select(pl.col(parquet.TYPED).all()).collect().item():
            return None
        return rows.drop(parquet.TYPED).collect()
    except pl.exceptions.PolarsError:
        # The files' columns have no type in common.
        return None


def _whole(files: Sequence[Path], wanted: Wanted, make: Make) -> pl.LazyFrame:
    import polars as pl

    parts = [pl.LazyFrame(schema=_schema())]
    for path in files:
        if path.suffix == segment.SUFFIX:
            # What is not asked for is let go of at once: a window of a long day is held, and not the day.
            parts += [frame.filter(wanted.where()).lazy() for frame in _frames(path, make)]
        else:
            parts.append(pl.scan_parquet(path, glob=False))
    return pl.concat(parts, how="diagonal_relaxed").filter(wanted.where())


def _frames(path: Path, make: Make) -> Iterator[pl.DataFrame]:
    """Yield a file of lines as frames; raises DataError where one in between is no record, or says no time."""
    # The text is not asked for again.
    found = (Timed(record, "", time_of(record)) for record, _ in read_lines(path))
    while some := list(islice(found, AT_ONCE)):
        yield make(some, path.name)


def _schema() -> dict[str, pl.DataType]:
    import polars as pl

    text, moment = pl.String(), pl.Datetime("us", "UTC")
    columns: dict[str, pl.DataType] = dict.fromkeys(parquet.FIXED, text)
    return {**columns, "time": moment, "version": pl.Int64(), parquet.TYPED: pl.Boolean()}
