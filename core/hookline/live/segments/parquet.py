"""Closed segments as Parquet: each record as it was written, and beside it, by type, what queries go by."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .wanted import OF, Wanted

if TYPE_CHECKING:
    import polars as pl

SUFFIX = ".parquet"
RECORD = "record"
"""The column that holds each record as the text that it came as; from it, reading gives back the same."""
SEGMENT = "segment"
"""The column that names the files which a record stood in before, the first one first."""
AFTER = "/"
"""Stands between their names, and in none."""
TYPED = "typed"
"""The column that says whether answers and row are there by type: not where rows hold nested or mixed values."""
KEPT = "kept"
"""The column that says whether the row was kept."""
RAW = "row."
"""What names of columns begin with that hold the row's values by type."""
FIXED = (RECORD, "id", "time", "version", "arm", OF, SEGMENT)
GROUP = 25_000
"""Rows whose least and greatest time, arm and id are told together, so that others are not read."""


@dataclass(frozen=True)
class Timed:
    """A record with its line and the time that it says, UTC."""

    record: Mapping[str, Any]
    line: str
    time: datetime


def frame_of(found: Sequence[Timed], segment: str) -> pl.DataFrame:
    """Return records as the rows of a closed segment, in their order; raises ValueError, OverflowError for what is no id.

    Columns: record, id, arm, of, segment (String); time (Datetime us, UTC); version (Int64); typed (Boolean); and where typed:
    kept (Boolean), prediction, row_id, probabilities (List of Float64), and `row.<column>` of every raw column
    """
    import polars as pl

    fixed, typed = fixed_of(found, segment), _typed([one.record for one in found])
    whole = fixed if typed is None else pl.concat([fixed, typed], how="horizontal")
    return whole.with_columns(pl.lit(typed is not None).alias(TYPED))


def fixed_of(found: Sequence[Timed], segment: str) -> pl.DataFrame:
    """Return the columns that every record has: record, id, time, version, arm, of, segment."""
    import polars as pl

    records = [one.record for one in found]
    return pl.DataFrame(
        {
            RECORD: pl.Series([one.line for one in found], dtype=pl.String),
            "id": pl.Series([str(record["id"]) for record in records], dtype=pl.String),
            "time": pl.Series([one.time for one in found], dtype=pl.Datetime("us", "UTC")),
            "version": pl.Series([record["version"] for record in records], dtype=pl.Int64),
            "arm": pl.Series([_text(record.get("arm")) for record in records], dtype=pl.String),
            OF: pl.Series([_text(record.get(OF)) for record in records], dtype=pl.String),
            SEGMENT: pl.Series([segment] * len(records), dtype=pl.String),
        }
    )


def write(frame: pl.DataFrame, path: Path) -> None:
    """Write a closed segment, sorted by time, until the disk has it; raises OSError."""
    content = BytesIO()
    # Not straight to the file: what the system says of a full disk would come as an error of polars.
    frame.sort("time", maintain_order=True).write_parquet(content, row_group_size=GROUP, statistics="full")
    with path.open("xb") as file:
        file.write(content.getbuffer())
        file.flush()
        os.fsync(file.fileno())


def read(path: Path, wanted: Wanted) -> Iterator[Mapping[str, Any]]:
    """Yield the records of a closed segment in the order of their times."""
    yield from records_of(texts(path, wanted))


def texts(path: Path, wanted: Wanted, segment: str | None = None) -> pl.Series:
    """Return the texts of the same records, all at once, since the file may be replaced meanwhile.

    segment: only those that stood in this file before. Raises FileNotFoundError where it was replaced already.
    """
    import polars as pl

    before = pl.col(SEGMENT).str.split(AFTER).list.contains(segment)
    where = wanted.where() if segment is None else wanted.where() & before
    return pl.scan_parquet(path, glob=False).filter(where).select(RECORD).collect().to_series()


def records_of(found: pl.Series) -> Iterator[Mapping[str, Any]]:
    """Yield the records that texts tell."""
    return map(json.loads, found)


def written_anew(path: Path) -> pl.Expr:
    """Return what to say, where records of a closed segment go to another, of the files that they stood in before."""
    import polars as pl

    return pl.concat_str(pl.col(SEGMENT), pl.lit(path.name), separator=AFTER).alias(SEGMENT)


def newest(path: Path, wanted: Wanted, limit: int) -> list[Mapping[str, Any]]:
    """Return the newest records of a closed segment, the newest first."""
    import polars as pl

    found = pl.scan_parquet(path, glob=False).filter(wanted.where()).select(RECORD).tail(limit).collect()
    return [json.loads(line) for line in reversed(found.to_series().to_list())]


def named(path: Path, start: str, most: int) -> list[Mapping[str, Any]]:
    """Return up to so many records whose ids begin so."""
    import polars as pl

    begins = pl.col("id").str.starts_with(start)
    found = pl.scan_parquet(path, glob=False).filter(begins).select(RECORD).head(most).collect()
    return [json.loads(line) for line in found.to_series()]


def is_closed_segment(path: Path) -> bool:
    """Tell whether a file is one; raises FileNotFoundError where it is gone."""
    import polars as pl

    try:
        names = pl.scan_parquet(path, glob=False).collect_schema().names()
    except FileNotFoundError:
        raise
    except (pl.exceptions.PolarsError, OSError):
        return False
    return {*FIXED, TYPED} <= set(names)


def untyped(frame: pl.DataFrame) -> pl.DataFrame:
    """Return rows of a closed segment without what stands there by type."""
    import polars as pl

    return frame.select(FIXED).with_columns(pl.lit(value=False).alias(TYPED))


def _typed(records: Sequence[Mapping[str, Any]]) -> pl.DataFrame | None:
    """Return answers and rows by type; None where their values have none in common."""
    import polars as pl

    try:
        rows = pl.DataFrame([record["row"] for record in records], infer_schema_length=None)
        answers = pl.DataFrame(
            {
                KEPT: [bool(record["row"]) for record in records],
                "prediction": [record["prediction"] for record in records],
                "row_id": [record.get("row_id") for record in records],
                "probabilities": _shares([record.get("probabilities") for record in records]),
            }
        )
    except (pl.exceptions.PolarsError, TypeError, ValueError, OverflowError):
        return None
    if any(dtype.is_nested() for dtype in rows.schema.dtypes()):
        return None
    if rows.width == 0:
        return answers
    return pl.concat([answers, rows.rename({name: f"{RAW}{name}" for name in rows.columns})], how="horizontal")


def _shares(shares: Sequence[Sequence[float] | None]) -> pl.Series:
    """Return probabilities as a List of Float64."""
    import polars as pl

    lengths = {0 if share is None else len(share) for share in shares}
    if len(lengths) != 1 or 0 in lengths:
        return pl.Series(shares, dtype=pl.List(pl.Float64))
    # Many times quicker than list by list.
    numbers = pl.Series([one for share in shares if share is not None for one in share], dtype=pl.Float64)
    return numbers.reshape((len(shares), lengths.pop())).arr.to_list()


def _text(value: Any) -> str | None:
    return None if value is None else str(value)
