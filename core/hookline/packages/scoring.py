"""A table of any size scored by a package, in constant memory."""

from __future__ import annotations

import secrets
import shutil
import time
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hookline.data.spreadsheets import without_formulas
from hookline.errors import DataError, UsageError
from hookline.kinds.artifacts import ROW_ID
from hookline.kinds.fitted import Prediction, Predictor

from .pipeline import id_column

if TYPE_CHECKING:
    import polars as pl


BATCH_ROWS = 200_000
PIECE_ROWS = 20_000
"""Rows that polars reads at a time; of such pieces it holds dozens on their way to a batch."""
FORMATS = (".csv", ".parquet", ".ndjson", ".arrow")


@dataclass
class Tally:
    """How many rows were scored, and how many of them were unlike the training data."""

    rows: int = 0
    strange: int = 0


def score(predictor: Predictor, rows: pl.LazyFrame, tally: Tally) -> Iterator[pl.DataFrame]:
    """Yield predictions of raw rows in order: row_id, prediction, probabilities, warnings; raises DataError for no rows.

    A row's id is the id role's value, else its position in the table, from 0.
    """
    return map(_frame, _scored(predictor, rows, tally))


def score_to(predictor: Predictor, rows: pl.LazyFrame, path: Path, *, formulas: bool = False) -> Tally:
    """Score rows into a file (CSV, Parquet, NDJSON or Arrow, by its suffix), which appears once it is whole.

    formulas: whether texts of a CSV file are written as they are, where a spreadsheet would calculate them
    Raises UsageError for another suffix, before any row is read.
    """
    if path.suffix not in FORMATS:
        raise UsageError(f"'{path}' is a file of no format that is written", hint=f"end it in {' or '.join(FORMATS)}")
    tally = Tally()
    # No process number: those of two containers that share a folder may be the same.
    temporary = path.with_name(f".{path.name}.{secrets.randbits(40)}")
    parts = temporary.with_name(f"{temporary.name}.parts")
    try:
        parts.mkdir(parents=True)
        _write_parts(_scored(predictor, rows, tally), parts)
        _join(parts, temporary, path.suffix, formulas=formulas)
        temporary.replace(path)
    except OSError as error:
        raise DataError(f"{path} cannot be written: {error.strerror or error}") from error
    except KeyboardInterrupt:
        # polars raises it and leaves it to Python to raise again, which here would cut the tidying short.
        try:  # noqa: SIM105  it would be raised where suppress() is called
            time.sleep(0)
        except KeyboardInterrupt:
            pass
        raise
    finally:
        shutil.rmtree(parts, ignore_errors=True)
        with suppress(OSError):
            temporary.unlink(missing_ok=True)
    return tally


@dataclass(frozen=True)
class _Batch:
    """What is told of some rows. ids: of its rows, as they came, so that those of every batch have one type."""

    ids: pl.Series
    prediction: Prediction


def _scored(predictor: Predictor, rows: pl.LazyFrame, tally: Tally) -> Iterator[_Batch]:
    import polars as pl

    for batch in _batches(rows):
        numbered = batch.with_row_index(ROW_ID, tally.rows).with_columns(pl.col(ROW_ID).cast(pl.Int64))
        prediction = predictor.predict(numbered)
        tally.rows += batch.height
        tally.strange += len(prediction.warnings)
        ids = id_column(numbered, predictor.roles)
        assert ids is not None
        yield _Batch(ids.alias("row_id"), prediction)
    if not tally.rows:
        raise DataError("there are no rows to predict")


def _batches(rows: pl.LazyFrame) -> Iterator[pl.DataFrame]:
    import polars as pl

    with pl.Config(streaming_chunk_size=PIECE_ROWS):
        for batch in rows.collect_batches(chunk_size=BATCH_ROWS, maintain_order=True):
            if batch.height:
                yield batch


def _write_parts(batches: Iterable[_Batch], folder: Path) -> None:
    """Write each batch to a file in a thread of its own, while the next one is scored."""
    with ThreadPoolExecutor(max_workers=1) as pool:
        written: Future[None] | None = None
        for number, batch in enumerate(batches):
            if written is not None:
                written.result()
            written = pool.submit(_write_part, batch, folder / f"{number:08d}.arrow")
        if written is not None:
            written.result()


def _join(folder: Path, path: Path, suffix: str, *, formulas: bool) -> None:
    """Write the parts, in order, as one file in the format of a suffix."""
    import polars as pl

    # By their names, and as these are: the folder is called like the output, which may read as a glob.
    whole = pl.scan_ipc(sorted(folder.iterdir()), glob=False)
    sinks: dict[str, Any] = {
        ".csv": (whole if formulas else without_formulas(whole)).sink_csv,
        ".parquet": whole.sink_parquet,
        ".ndjson": whole.sink_ndjson,
        ".arrow": whole.sink_ipc,
    }
    sinks[suffix](path)


def _write_part(batch: _Batch, path: Path) -> None:
    _frame(batch).write_ipc(path)


def _frame(batch: _Batch) -> pl.DataFrame:
    frame = replace(batch.prediction, row_ids=None).frame()
    return frame.insert_column(0, batch.ids).with_columns(_warnings(batch.prediction.warnings, frame.height))


def _warnings(warnings: Mapping[int, tuple[str, ...]], rows: int) -> pl.Series:
    import polars as pl

    empty = pl.Series("warnings", [""], dtype=pl.String).new_from_index(0, rows)
    return empty.scatter(list(warnings), ["; ".join(texts) for texts in warnings.values()]) if warnings else empty
