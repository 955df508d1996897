"""Data frames as they come in: any kind becomes polars; names, roles and missing marks are checked."""

from __future__ import annotations

import os
import re
import shutil
import tempfile
import weakref
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hookline.errors import ConfigError, DataError, Problem
from hookline.kinds.artifacts import ROW_ID, Roles

from .columns import kind_of

if TYPE_CHECKING:
    import polars as pl


class TemporaryFolder:
    """A folder that is there as long as it is held, by whoever made it or by a frame of its files."""

    def __init__(self) -> None:
        self.path = Path(tempfile.mkdtemp(prefix="hookline-"))
        weakref.finalize(self, _remove, str(self.path), os.getpid())

    def held(self, frame: pl.LazyFrame) -> pl.LazyFrame:
        """Return the same rows, which hold the folder."""
        from polars.io.plugins import register_io_source

        def read(
            columns: list[str] | None, predicate: pl.Expr | None, limit: int | None, size: int | None
        ) -> Iterator[pl.DataFrame]:
            assert self.path.is_dir()
            rows = frame if columns is None else frame.select(columns)
            rows = rows if limit is None else rows.head(limit)
            rows = rows if predicate is None else rows.filter(predicate)
            yield from rows.collect_batches(chunk_size=size or 50_000, maintain_order=True)

        return register_io_source(read, schema=frame.collect_schema(), is_pure=True)


def _remove(folder: str, owner: int) -> None:
    # A fork of the process does not own what its parent reads.
    if os.getpid() == owner:
        shutil.rmtree(folder, ignore_errors=True)


def to_polars(frame: Any) -> pl.DataFrame | pl.LazyFrame:
    """Return rows as a polars frame: polars, pandas, a mapping of columns, or a list of mappings."""
    import polars as pl

    if isinstance(frame, (pl.DataFrame, pl.LazyFrame)):
        return frame
    if hasattr(frame, "dtypes") and hasattr(frame, "columns"):
        twice = sorted({str(name) for name in frame.columns if list(frame.columns).count(name) > 1})
        if twice:
            raise DataError(f"the frame has the column name '{twice[0]}' more than once")
        return pl.DataFrame([_pandas_column(str(name), frame[name]) for name in frame.columns])
    try:
        if isinstance(frame, Mapping):
            return pl.DataFrame(dict(frame))
        if isinstance(frame, Sequence) and frame and all(isinstance(row, Mapping) for row in frame):
            return pl.DataFrame(list(frame), infer_schema_length=None)
    except (pl.exceptions.PolarsError, OverflowError, TypeError, ValueError) as error:
        raise DataError(
            f"the rows cannot be read as a table: {str(error).splitlines()[0][:200]}",
            hint="give each column values of one type, under names that are texts",
        ) from error
    if isinstance(frame, Sequence) and not isinstance(frame, str) and not frame:
        raise DataError("there are no rows")
    raise DataError(
        f"rows must be a data frame, a mapping of columns or a list of mappings, got {type(frame).__name__}"
    )


def require_names(names: Sequence[str]) -> None:
    """Raise DataError where a column has no name, hookline's own, one with a NUL byte, or one that polars takes for a pattern."""
    for place, name in enumerate(names, 1):
        if name == ROW_ID:
            raise DataError(f"the column name '{ROW_ID}' is hookline's own", hint="rename the column")
        if not name:
            raise DataError(f"column {place} has no name", hint="name it at the source")
        if "\0" in name:
            raise DataError(f"the name of column {place}, {name!r}, holds a NUL byte", hint="rename it at the source")
        if name == "*" or (name.startswith("^") and name.endswith("$")):
            raise DataError(f"the column name '{name}' is a pattern to polars", hint="rename the column at the source")


def require_role_types(roles: Roles, schema: pl.Schema) -> None:
    """Raise DataError where a column cannot play its part: a target that is nested, a weight that is no number."""
    if roles.target:
        kind_of(roles.target, schema[roles.target])
    if roles.weight and not schema[roles.weight].is_numeric():
        raise DataError(
            f"the weight '{roles.weight}' holds no numbers, but {schema[roles.weight]}",
            hint="choose another column for roles.weight",
            ailment="read_type",
            facts={"column": roles.weight, "type": "number"},
        )


def _pandas_column(name: str, column: Any) -> pl.Series:
    import numpy as np
    import polars as pl

    if getattr(column.dtype, "tz", None) is not None:
        moments = column.dt.tz_convert("UTC").dt.tz_localize(None).to_numpy()
        return pl.Series(name, moments, nan_to_null=True).dt.replace_time_zone("UTC")
    # pandas' own nullable types have such kinds too, but come as arrays of objects.
    if isinstance(column.dtype, np.dtype) and column.dtype.kind in "iufbM":
        return pl.Series(name, column.to_numpy(), nan_to_null=True)
    values = [
        None if missing else value for value, missing in zip(column.tolist(), column.isna().tolist(), strict=True)
    ]
    return pl.Series(name, values, strict=False)


def mark_missing(frame: pl.LazyFrame) -> pl.LazyFrame:
    """Return rows with null for empty texts and NaN, so that training, monitoring and serving agree on what is missing."""
    import polars as pl

    schema = frame.collect_schema()
    # `replace` would make its table of one value anew for every batch, of which a folder of small files has one a file.
    texts = [pl.when(pl.col(name) != "").then(pl.col(name)) for name, dtype in schema.items() if dtype == pl.String]
    floats = [pl.col(name).fill_nan(None) for name, dtype in schema.items() if dtype.is_float()]
    return frame.with_columns(*texts, *floats)


NUMBER = re.compile(r"\s*-?\d+(\.\d+)?\s*")
"""A name that may be a value of a row that was taken for the header."""
MOST_SHOWN = 5
"""Of such names in a message."""
UNREADABLE_HINT = "mend the file, or leave the column out with roles.ignore"


def hold(
    frame: pl.LazyFrame, path: Path, problem: str, hint: str | None = None, ailment: str | None = None
) -> pl.LazyFrame:
    """Compute rows once and keep them: on disk, or in memory where polars cannot write a type that was computed.

    Raises DataError, which says `problem` and why, with the hint and the ailment.
    """
    import polars as pl

    plain = (pl.String, pl.Boolean, pl.Null)
    try:
        dtypes = frame.lazy().collect_schema().dtypes()
        if all(dtype.is_numeric() or dtype.is_temporal() or dtype in plain for dtype in dtypes):
            frame.lazy().sink_ipc(path)
            return pl.scan_ipc(path, glob=False)
        # Its streaming writer panics at categories that an expression made (polars 2.1).
        return frame.lazy().collect().lazy()
    except pl.exceptions.PolarsError as error:
        raise DataError(f"{problem}: {str(error).strip().splitlines()[0]}", hint=hint, ailment=ailment) from error


def count_rows(frame: pl.LazyFrame) -> int:
    """Count a lazy frame's rows."""
    import polars as pl

    return int(frame.select(pl.len()).collect().item())


def require_new(names: Iterable[str], present: Collection[str], where: str) -> None:
    """Raise ConfigError for columns that a transform is to add and that are there. where: `transform.<name>.<field>`"""
    problems = [Problem(where, f"the rows have a column '{name}' already") for name in names if name in present]
    if problems:
        raise ConfigError(f"bad config for transform '{where.split('.')[1]}'", problems)


def require_columns(names: Sequence[str], present: Sequence[str], what: str) -> None:
    """Raise DataError naming each of `names` that is not among `present`."""
    absent = [name for name in names if name not in present]
    if not absent:
        return
    spaced = {name.strip(): name for name in present if name != name.strip()}
    ailment = "spaced_names" if any(name in spaced for name in absent) else None
    if ailment is None and seem_values(present):
        ailment = "no_header"
    problems = [Problem(name, f"not a column; {_instead(spaced.get(name, name), present, ailment)}") for name in absent]
    raise DataError(f"{what} names columns that the data do not have", problems, ailment=ailment)


def _instead(name: str, present: Sequence[str], ailment: str | None) -> str | None:
    from hookline.errors import closest, suggestion

    if ailment != "no_header" or closest(name, present):
        return suggestion(name, present, "column")
    shown = ", ".join(value.strip() for value in present[:MOST_SHOWN])
    more = ", ..." if len(present) > MOST_SHOWN else ""
    return f"the first line may be a row: it was read as the column names {shown}{more}"


def seem_values(names: Sequence[str]) -> bool:
    """Tell whether names of columns are rather values of a first row: many are numbers, and not such as places or years."""
    numbers = [float(name) for name in names if NUMBER.fullmatch(name)]
    return len(numbers) > len(names) / 4 and not (len(numbers) == len(names) and count_up(numbers))


def count_up(numbers: Sequence[float]) -> bool:
    """Tell whether numbers go up by equal steps, as places and years do that columns are named by."""
    steps = {round(second - first, 9) for first, second in pairwise(numbers)}
    return len(steps) <= 1 and all(step > 0 for step in steps)
