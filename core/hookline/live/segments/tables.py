"""The records of a log's files as one table, of either form: column by column, without a Python value a record."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from . import parquet, segment
from .lines import read_lines, record_of
from .moments import time_of
from .parquet import Timed
from .wanted import OF, Wanted

if TYPE_CHECKING:
    import polars as pl

    Make = Callable[[Sequence[Timed], str], pl.DataFrame]

AT_ONCE = 10_000
BEGINS = re.compile(rb'\{"id": ?"([^"\\]*+)"')
"""How a record begins, but for an id that JSON writes in other letters."""
FACTS = ("id", "time", "version", "arm", OF)


def facts(files: Sequence[Path], wanted: Wanted) -> pl.DataFrame:
    """Return id, time, version, arm and of of records; raises FileNotFoundError where a file was replaced meanwhile."""
    return _whole(files, wanted, parquet.fixed_of).select(FACTS).collect()


def service(files: Sequence[Path], wanted: Wanted) -> pl.DataFrame:
    """Return `time`, `latency` (seconds; null where a record does not say) and `warned` of records; raises as above."""
    import polars as pl

    # Of a closed segment what else a record says is in its text; of lines it is there as a column.
    latency = pl.coalesce("latency", pl.col(parquet.RECORD).str.json_path_match("$.latency").cast(pl.Float64))
    warned = pl.coalesce("warned", pl.col(parquet.RECORD).str.json_path_match("$.warnings") != "[]").fill_null(
        value=False
    )
    empty = pl.LazyFrame(schema={**_schema(), "latency": pl.Float64(), "warned": pl.Boolean()})
    rows = pl.concat([empty, _whole(files, wanted, _served)], how="diagonal_relaxed")
    return rows.select("time", latency.alias("latency"), warned.alias("warned")).collect()


def _served(found: Sequence[Timed], segment: str) -> pl.DataFrame:
    import polars as pl

    told = {
        "latency": pl.Series([one.record.get("latency") for one in found], dtype=pl.Float64),
        "warned": pl.Series([bool(one.record.get("warnings")) for one in found], dtype=pl.Boolean),
    }
    return parquet.fixed_of(found, segment).with_columns(**told, record=pl.lit(None, pl.String))


def recorded(files: Sequence[Path], ids: Collection[str]) -> set[str]:
    """Return which of these ids are on record; reads the files from the last on, and no more of them than it needs.

    Raises FileNotFoundError as above.
    """
    left = set(ids)
    for path in reversed(files):
        if not left:
            break
        left -= _named_in(path, left) if path.suffix == segment.SUFFIX else _named_in_closed(path, left)
    return set(ids) - left


def _named_in_closed(path: Path, ids: Collection[str]) -> set[str]:
    import polars as pl

    asked = pl.Series(list(ids), dtype=pl.String)
    there = pl.scan_parquet(path, glob=False).select("id").filter(pl.col("id").is_in(asked.implode()))
    return {*there.collect().to_series()}


def _named_in(path: Path, ids: Collection[str]) -> set[str]:
    """Return which of these ids a file of lines has; a line that begins with another one is not read as JSON."""
    letters = {name.encode(errors="replace") for name in ids}
    found = set[str]()
    with path.open("rb") as file:
        for line in file:
            begins = BEGINS.match(line)
            if begins is not None and begins[1] not in letters:
                continue
            record = record_of(line)
            if record is not None and record["id"] in ids:
                found.add(str(record["id"]))
                if len(found) == len(ids):
                    break
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
