"""A table of any size scored chunk by chunk, in constant memory."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from hookline.errors import DataError, UsageError
from hookline.kinds.artifacts import ROW_ID
from hookline.kinds.fitted import Prediction, Predictor

from .parts import Parts, new_mark, parts_of
from .pipeline import id_column

if TYPE_CHECKING:
    import polars as pl


BATCH_ROWS = 200_000
"""Rows of a chunk."""
PIECE_ROWS = 20_000
"""Rows that polars reads at a time; of such pieces it holds dozens on their way to a chunk."""
FORMATS = (".csv", ".parquet", ".ndjson", ".arrow")


class Told(Protocol):
    """What is told of a chunk's rows."""

    @property
    def warnings(self) -> Mapping[int, tuple[str, ...]]:
        """Row position in the chunk -> what is unlike anything in the training data."""
        ...

    def frame(self) -> pl.DataFrame:
        """Return one row a row, in order: row_id, prediction, probability_<class>, warnings."""
        ...


Answer = Callable[["Iterable[pl.DataFrame]"], "Iterator[Told]"]
"""Answers chunks of raw rows, which have their positions as ROW_ID, in order."""


class Keep(Protocol):
    """Keeps answers on record."""

    def add(self, chunk: Chunk, frame: pl.DataFrame, folder: Path | None, mark: str) -> pl.DataFrame:
        """Write the records of a chunk's answers, and return these with their ids.

        folder: where they wait for `publish`; None puts them on record at once. mark: of the job, which no other bears
        """
        ...

    def publish(self, folder: Path) -> None:
        """Put what waits in a folder on record; raises StoreError, after which that can be done again."""
        ...


class Teller(Protocol):
    """Shows a person how far the scoring is."""

    def begin(self, done: int) -> None:
        """Take in how many rows were done already, by a command that was killed."""
        ...

    def at(self, rows: int) -> None:
        """Take in how many rows are done."""
        ...


class Silent:
    """Shows nothing."""

    def begin(self, done: int) -> None:
        """Show nothing."""

    def at(self, rows: int) -> None:
        """Show nothing."""


@dataclass
class Tally:
    """How many rows were scored, and how many of them were unlike the training data."""

    rows: int = 0
    strange: int = 0


@dataclass(frozen=True)
class Chunk:
    """What is told of some rows. seconds: how long that took"""

    number: int
    height: int
    rows: pl.DataFrame | None
    """As they came, with their positions; None where nobody keeps them."""
    told: Told
    seconds: float


@dataclass(frozen=True)
class Answers:
    """What one package says of some rows. ids: of its rows, as they came, so that those of every chunk have one type."""

    ids: pl.Series
    prediction: Prediction

    @property
    def warnings(self) -> Mapping[int, tuple[str, ...]]:
        """Row position -> what is unlike anything in the training data."""
        return self.prediction.warnings

    def frame(self) -> pl.DataFrame:
        """Return one row a row, in order."""
        frame = replace(self.prediction, row_ids=None).frame()
        return frame.insert_column(0, self.ids).with_columns(warnings_column(self.warnings, frame.height))


def ask(predictor: Predictor, rows: pl.DataFrame) -> Answers:
    """Return what a package says of raw rows, which have their positions as ROW_ID."""
    prediction = predictor.predict(rows)
    ids = id_column(rows, predictor.roles)
    assert ids is not None
    return Answers(ids.alias("row_id"), prediction)


def score(
    answer: Answer, rows: pl.LazyFrame, tally: Tally, *, keep: Keep | None = None, most: int | None = None
) -> Iterator[pl.DataFrame]:
    """Yield predictions of raw rows in order: row_id, prediction, probabilities, warnings; raises DataError for no rows.

    A row's id is the id role's value, else its position in the table, from 0. most: rows of a chunk, where they are to be fewer
    """
    mark = new_mark()
    for chunk in _scored(answer, rows, tally, 0, most, hold=keep is not None):
        yield _kept(chunk, keep, None, mark)


def score_to(
    answer: Answer,
    rows: pl.LazyFrame,
    path: Path,
    *,
    formulas: bool = False,
    job: str | None = None,
    keep: Keep | None = None,
    teller: Teller | None = None,
    most: int | None = None,
) -> Tally:
    """Score rows into a file (CSV, Parquet, NDJSON or Arrow, by its suffix), which appears once it is whole.

    formulas: whether texts of a CSV file are written as they are, where a spreadsheet would calculate them
    job: what tells this work from any other with the same output; where one of the same was killed, it goes on after the last
        chunk that was finished. None: nothing is found again.
    most: rows of a chunk, where they are to be fewer
    Raises UsageError for another suffix and for a folder, before any row is read, and where another process writes the same
    file; StoreError where the answers cannot be recorded.
    """
    if path.suffix not in FORMATS:
        raise UsageError(f"'{path}' is a file of no format that is written", hint=f"end it in {' or '.join(FORMATS)}")
    with parts_of(path, job) as parts:
        tally, teller = Tally(parts.rows, parts.strange), teller or Silent()
        teller.begin(parts.rows)
        chunks = _scored(answer, rows, tally, parts.count, most, hold=keep is not None)
        _write_parts(chunks, parts, keep, teller)
        parts.join(formulas=formulas, publish=None if keep is None else keep.publish)
    return tally


def _scored(
    answer: Answer, rows: pl.LazyFrame, tally: Tally, done: int, most: int | None, *, hold: bool
) -> Iterator[Chunk]:
    """Yield chunks that are not done, and count them. hold: whether with their rows, which take memory"""
    given: deque[tuple[int, pl.DataFrame | None, float]] = deque()

    def passing() -> Iterator[pl.DataFrame]:
        for numbered in _batches(rows, tally.rows, min(most or BATCH_ROWS, BATCH_ROWS)):
            given.append((numbered.height, numbered if hold else None, time.perf_counter()))
            yield numbered

    for number, told in enumerate(answer(passing()), done):
        height, held, since = given.popleft()
        tally.rows += height
        tally.strange += len(told.warnings)
        yield Chunk(number, height, held, told, time.perf_counter() - since)
    if not tally.rows:
        raise DataError("there are no rows to predict")


def _batches(rows: pl.LazyFrame, done: int, size: int) -> Iterator[pl.DataFrame]:
    import polars as pl

    left, place = rows.slice(done) if done else rows, done
    with pl.Config(streaming_chunk_size=PIECE_ROWS):
        for batch in left.collect_batches(chunk_size=size, maintain_order=True):
            if batch.height:
                yield batch.with_row_index(ROW_ID, place).with_columns(pl.col(ROW_ID).cast(pl.Int64))
                place += batch.height


def _write_parts(chunks: Iterable[Chunk], parts: Parts, keep: Keep | None, teller: Teller) -> None:
    """Write each chunk to a file in a thread of its own, while the next one is scored."""
    done = parts.rows
    with ThreadPoolExecutor(max_workers=1) as pool:
        written: Future[None] | None = None
        for chunk in chunks:
            if written is not None:
                written.result()
            written = pool.submit(_write_part, chunk, parts, keep)
            done += chunk.height
            teller.at(done)
        if written is not None:
            written.result()


def _write_part(chunk: Chunk, parts: Parts, keep: Keep | None) -> None:
    frame = _kept(chunk, keep, parts.folder, parts.mark)
    parts.write(chunk.number, frame, len(chunk.told.warnings))


def _kept(chunk: Chunk, keep: Keep | None, folder: Path | None, mark: str) -> pl.DataFrame:
    frame = chunk.told.frame()
    return frame if keep is None else keep.add(chunk, frame, folder, mark)


def warnings_column(warnings: Mapping[int, tuple[str, ...]], rows: int, between: str = "; ") -> pl.Series:
    """Return the column of warnings of some rows, empty where there is none."""
    import polars as pl

    empty = pl.Series("warnings", [""], dtype=pl.String).new_from_index(0, rows)
    return empty.scatter(list(warnings), [between.join(texts) for texts in warnings.values()]) if warnings else empty
