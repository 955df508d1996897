"""What there is to measure of a table that nobody prepared: its columns one after the other, its rows, and its target."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hookline.data.columns import as_number
from hookline.data.frames import mark_missing, require_columns
from hookline.errors import DataError
from hookline.kinds.artifacts import Dataset, Roles

from .association import measure
from .column import ColumnFacts, measure_column, of_kind
from .diversity.combinations import Combinations, Combining
from .diversity.near import Nearness, NearRows
from .diversity.population import Population, Representation

if TYPE_CHECKING:
    import numpy as np
    import polars as pl

HELD = 256 * 1024**2
"""Bytes up to which all rows of a table that is not kept by column are held; a larger one waits in a temporary file."""
TOGETHER = 64 * 1024**2
"""Bytes of columns that are read together, at 8 a value; one column may have more."""
SAMPLE = 100_000
"""Rows, evenly spread, on which columns are compared with the target."""
MOST_CLASSES = 20
"""A whole-number target with more values than this is a number to predict, as it is for the split."""


@dataclass(frozen=True)
class Groups:
    """How many rows belong together."""

    count: int
    smallest: int
    median: float
    largest: int


@dataclass(frozen=True)
class TableFacts:
    """What was measured of a table."""

    name: str
    rows: int
    columns: tuple[ColumnFacts, ...]
    duplicates: int
    """Rows that repeat an earlier one in every column but the id's; told by 64-bit hashes of rows."""
    roles: Roles = field(default_factory=Roles)
    classes: tuple[tuple[str, int], ...] = ()
    """Labels of a target that has classes, with their rows: at most 20, the most frequent first."""
    groups: Groups | None = None
    sampled: int = 0
    """Rows that columns were compared with the target on; 0 without a target."""
    combinations: Combinations | None = None
    """Of the columns of few categories."""
    near: NearRows | None = None
    population: tuple[Representation, ...] = ()
    """How far columns are from the population's, where one was named."""

    def __getitem__(self, name: str) -> ColumnFacts:
        for column in self.columns:
            if column.name == name:
                return column
        raise KeyError(name)


def inspect(dataset: Dataset, *, in_memory: bool = False, population: Population | None = None) -> TableFacts:
    """Measure a table with its roles; columns that are ignored are left out. Raises DataError where it cannot be read.

    Held are one column with its sorted copy (16 bytes a row) or its distinct texts, 8 bytes a row of hashes, and at most
    HELD bytes beside. Parquet and Arrow files are read a column at a time where they are; rows from elsewhere that are more
    than HELD wait in a temporary file, uncompressed.
    """
    import polars as pl

    roles = dataset.roles
    present = dataset.frame.collect_schema().names()
    if not present:
        raise DataError(f"{dataset.name} has no columns")
    named = (roles.target, roles.group, roles.id, roles.time, roles.weight, *roles.ignore)
    require_columns([name for name in named if name], present, "roles")
    if population is not None:
        population.require(present)
    with _at_hand(mark_missing(dataset.frame.drop(roles.ignore)), dataset.name, in_memory=in_memory) as frame:
        rows = int(frame.select(pl.len()).collect().item())
        if not rows:
            raise DataError(f"{dataset.name} has no rows")
        target = _Target.of(frame, roles.target, rows) if roles.target else None
        hashes, near, combining = _Hashes(rows, skip=roles.id), Nearness(rows, skip=roles.id), Combining(rows)
        columns: list[ColumnFacts] = []
        unlike: list[Representation] = []
        groups = None
        for series in _columns(frame, rows):
            hashes.add(series)
            near.add(series)
            facts = measure_column(series)
            if facts.spread is not None:
                combining.add(series, facts.distinct)
            if population is not None and (found := population.compare(series)) is not None:
                unlike.append(found)
            if target is not None and series.name not in (roles.target, roles.id, roles.group):
                facts = replace(facts, association=target.compare(series))
            if series.name == roles.group:
                groups = _groups(series)
            columns.append(facts)
    held = target if target is not None and target.has_classes else None
    classes = next(c.top for c in columns if c.name == roles.target) if held is not None else ()
    return TableFacts(
        *(dataset.name, rows, tuple(columns), hashes.duplicates(), roles, classes, groups),
        sampled=target.rows if target else 0,
        combinations=combining.counted(),
        near=near.counted(),
        population=tuple(unlike),
    )


@contextmanager
def _at_hand(frame: pl.LazyFrame, name: str, *, in_memory: bool) -> Iterator[pl.LazyFrame]:
    """Give rows of which a column can be read without reading, or making, all others again: in memory, or in a file."""
    import polars as pl

    try:
        if in_memory or _is_columnar(frame):
            yield frame
            return
        held = _held(frame)
        if held is not None:
            yield held.lazy()
            return
        with tempfile.TemporaryDirectory(prefix="hookline-", ignore_cleanup_errors=True) as folder:
            frame.sink_ipc(Path(folder) / "rows.arrow")
            yield pl.scan_ipc(Path(folder) / "rows.arrow", glob=False)
    except pl.exceptions.PolarsError as error:
        raise DataError(f"the rows of {name} cannot be read: {str(error).splitlines()[0]}") from error


def _is_columnar(frame: pl.LazyFrame) -> bool:
    """Tell whether all that a frame reads is kept by column; where polars tells its plans in other words, it is not."""
    kinds = set(re.findall(r"(\w+) SCAN\b", frame.explain(optimized=False)))
    return bool(kinds) and kinds <= {"Parquet", "IPC"}


def _held(frame: pl.LazyFrame) -> pl.DataFrame | None:
    """Return all rows if they are few, else None."""
    import polars as pl

    batches: list[pl.DataFrame] = []
    size = 0
    for batch in frame.collect_batches(maintain_order=True):
        batches.append(batch)
        size += int(batch.estimated_size())
        if size > HELD:
            return None
    return pl.concat(batches) if batches else frame.head(0).collect()


def _columns(frame: pl.LazyFrame, rows: int) -> Iterator[pl.Series]:
    names = frame.collect_schema().names()
    step = max(1, TOGETHER // (8 * max(1, rows)))
    for start in range(0, len(names), step):
        batch = frame.select(names[start : start + step]).collect().get_columns()
        while batch:
            yield batch.pop(0)


class _Hashes:
    """Hashes of rows, put together from those of their columns."""

    def __init__(self, rows: int, skip: str | None) -> None:
        import numpy as np

        self._skip = skip
        self._seed = 0
        self._sum: np.ndarray = np.zeros(rows, dtype=np.uint64)

    def add(self, column: pl.Series) -> None:
        """Add a column to every row's hash."""
        import polars as pl

        self._seed += 1
        if column.name == self._skip:
            return
        nested = of_kind(column.dtype) == "other" and column.dtype.is_nested()
        hashed = (
            column.to_frame().select(pl.struct(pl.all()).hash(self._seed)).to_series()
            if nested
            else column.hash(self._seed)
        )
        self._sum += hashed.to_numpy()

    def duplicates(self) -> int:
        """Return how many rows repeat an earlier one; to be asked once."""
        self._sum.sort()
        return int((self._sum[1:] == self._sum[:-1]).sum())


class _Target:
    """The target's values in a sample of the rows."""

    def __init__(self, values: pl.Series, step: int, *, has_classes: bool) -> None:
        self._values = values
        self._step = step
        self.has_classes = has_classes
        self.rows = len(values)

    @classmethod
    def of(cls, frame: pl.LazyFrame, name: str, rows: int) -> _Target | None:
        """Sample a target; None where nothing can be compared with it, as with a time."""
        import polars as pl

        column = frame.select(name).collect()[name]
        kind = of_kind(column.dtype)
        if kind in ("other", "datetime"):
            return None
        step = max(1, -(-rows // SAMPLE))
        classes = kind != "number" or _is_label(column)
        return cls(column.gather_every(step).cast(pl.String if classes else pl.Float64), step, has_classes=classes)

    def compare(self, column: pl.Series) -> Any:
        """Return how strongly a column goes together with the target, or None."""
        import polars as pl

        kind = of_kind(column.dtype)
        if kind == "other":
            return None
        number = as_number(column.name, kind, column.dtype)
        sample = column.gather_every(self._step).to_frame()
        values = sample.select(pl.col(column.name).cast(pl.String) if number is None else number).to_series()
        return measure(values, self._values, numbers=number is not None, classes=self.has_classes)


def _is_label(column: pl.Series) -> bool:
    if column.dtype.is_integer():
        return column.drop_nulls().n_unique() <= MOST_CLASSES
    return bool(column.drop_nulls().is_in([0.0, 1.0]).all())


def _groups(column: pl.Series) -> Groups | None:
    sizes = column.drop_nulls().value_counts(name="rows")["rows"]
    if sizes.is_empty():
        return None
    smallest, median, largest = sizes.min(), sizes.median(), sizes.max()
    assert isinstance(smallest, int)
    assert isinstance(median, float)
    assert isinstance(largest, int)
    return Groups(len(sizes), smallest, median, largest)
