"""The prediction log read back: what was asked, row by row, and what was answered."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hookline.data.columns import as_read, read_column
from hookline.data.frames import to_polars
from hookline.errors import DataError, Problem, UsageError
from hookline.kinds.artifacts import Schema, Target
from hookline.kinds.fitted import Prediction

from .segments import parquet, segment
from .segments.lines import lines_of, record_of
from .segments.moments import time_of
from .segments.reading import read_records
from .segments.standing import is_of_log, standing, steady

if TYPE_CHECKING:
    import polars as pl

SUFFIXES = frozenset((segment.SUFFIX, parquet.SUFFIX))
SETTINGS = "log.yaml"
"""The file beside those of a log that says how it is written."""
KEY = "log.key"
"""The file beside them that holds the key which values of rows are hashed with."""


@dataclass(frozen=True)
class Records:
    """What a log holds, in the order of its files and of the records in them; a last line that was torn is left out."""

    found: tuple[Mapping[str, Any], ...]

    def __len__(self) -> int:
        return len(self.found)

    def of_version(self, version: int | None) -> Records:
        """Return what one version answered; raises UsageError where that is nothing. All where it has no number."""
        if version is None:
            return self
        kept = tuple(record for record in self.found if record["version"] == version)
        if not kept:
            raise _none_by(version, self.found[0]["model"], len(self.found), self.versions())
        return Records(kept)

    def kept(self) -> Records:
        """Return those whose row was kept."""
        return Records(tuple(record for record in self.found if record["row"]))

    def among(self, ids: pl.Series) -> Records:
        """Return those of these ids."""
        kept = set(ids)
        return Records(tuple(record for record in self.found if record["id"] in kept))

    def versions(self) -> list[int]:
        """Return the versions that answered, in order."""
        return sorted({record["version"] for record in self.found if record["version"] is not None})

    def rows(self, schema: Schema) -> pl.DataFrame:
        """Return the raw rows as they were asked; raises DataError where one is of another type."""
        frame: Any = to_polars([record["row"] for record in self.found])
        return _as_taken(frame, schema)

    def answers(self, target: Target) -> Prediction:
        """Return what was answered, (n_rows,), and of classes the probabilities where every record tells them.

        Raises DataError where an answer is none of the target's.
        """
        with _of_target(target):
            return self._answers(target)

    def facts(self) -> pl.DataFrame:
        """Return `id`, `time`, `version`, `arm`, `of` and `row_id` of each."""
        import polars as pl

        found = self.found
        return pl.DataFrame(
            {
                "id": pl.Series([record["id"] for record in found], dtype=pl.String),
                "time": pl.Series([time_of(record) for record in found], dtype=pl.Datetime("us", "UTC")),
                "version": pl.Series([record["version"] for record in found], dtype=pl.Int64),
                "arm": pl.Series([record.get("arm") for record in found], dtype=pl.String),
                "of": pl.Series([record.get("of") for record in found], dtype=pl.String),
                "row_id": pl.Series([record.get("row_id") for record in found], strict=False),
            }
        )

    def _answers(self, target: Target) -> Prediction:
        import numpy as np

        values = [record["prediction"] for record in self.found]
        if target.task == "regression":
            return Prediction(np.array(values, dtype=np.float64))
        shares = [record.get("probabilities") for record in self.found]
        if any(share is None or len(share) != len(target.classes) for share in shares):
            return Prediction(np.array(values))
        return Prediction(np.array(values), np.array(shares, dtype=np.float64), target.classes)


@dataclass(frozen=True)
class TypedRecords:
    """The same as a table, of a log whose answers and rows are of one type each: many times smaller and quicker."""

    model: str
    table: pl.DataFrame
    """As `segments.tables.typed` returns it."""

    def __len__(self) -> int:
        return self.table.height

    def of_version(self, version: int | None) -> TypedRecords:
        """Return what one version answered; raises UsageError where that is nothing. All where it has no number."""
        import polars as pl

        if version is None:
            return self
        kept = self.table.filter(pl.col("version") == version)
        if kept.is_empty():
            raise _none_by(version, self.model, self.table.height, self.versions())
        return TypedRecords(self.model, kept)

    def kept(self) -> TypedRecords:
        """Return those whose row was kept."""
        import polars as pl

        return TypedRecords(self.model, self.table.filter(pl.col(parquet.KEPT)))

    def among(self, ids: pl.Series) -> TypedRecords:
        """Return those of these ids."""
        return TypedRecords(self.model, self.table.join(ids.to_frame("id"), on="id", how="semi", maintain_order="left"))

    def versions(self) -> list[int]:
        """Return the versions that answered, in order."""
        return [int(version) for version in self.table["version"].drop_nulls().unique().sort()]

    def rows(self, schema: Schema) -> pl.DataFrame:
        """Return the raw rows as they were asked; raises DataError where one is of another type."""
        names = {name: name.removeprefix(parquet.RAW) for name in self.table.columns if name.startswith(parquet.RAW)}
        return _as_taken(self.table.select(list(names)).rename(names), schema)

    def answers(self, target: Target) -> Prediction:
        """Return what `Records.answers` returns."""
        import polars as pl

        with _of_target(target):
            try:
                return self._answers(target)
            except pl.exceptions.PolarsError as error:
                raise ValueError(str(error).splitlines()[0]) from error

    def facts(self) -> pl.DataFrame:
        """Return `id`, `time`, `version`, `arm`, `of` and `row_id` of each."""
        return self.table.select("id", "time", "version", "arm", "of", "row_id")

    def _answers(self, target: Target) -> Prediction:
        import numpy as np
        import polars as pl

        values = self.table["prediction"]
        if target.task == "regression":
            return Prediction(values.cast(pl.Float64).to_numpy())
        shares, count = self.table["probabilities"], len(target.classes)
        told = Prediction(np.array(values.to_list()))
        if shares.null_count() or (shares.list.len() != count).any():
            return told
        probabilities = shares.explode().to_numpy().reshape(len(values), count)
        return Prediction(told.values, probabilities, target.classes)


Recorded = Records | TypedRecords


def _none_by(version: int, model: str, count: int, told: Sequence[int]) -> UsageError:
    names = ", ".join(f"{model}:{other}" for other in told)
    return UsageError(
        f"none of {count:,} records was answered by version {version}",
        hint=f"name a version that was: {names}"
        if told
        else "they were answered by a package of no version: name its folder",
    )


def _as_taken(frame: pl.DataFrame, schema: Schema) -> pl.DataFrame:
    problems = []
    frame = as_read(frame, schema)
    for column in schema.columns:
        if column.name in frame.columns:
            try:
                frame = frame.with_columns(read_column(frame[column.name], column))
            except ValueError as error:
                problems.append(Problem(column.name, str(error)))
    if problems:
        raise DataError("the recorded rows do not fit the model's input contract", problems)
    return frame


@contextmanager
def _of_target(target: Target) -> Iterator[None]:
    try:
        yield
    except (ValueError, TypeError) as error:
        raise DataError(f"the recorded answers are none of the target '{target.name}': {error}") from error


def records_in(data: Any) -> Records | None:
    """Return the records in a file, a folder or a glob of the prediction log; None where it holds something else.

    Raises DataError where a line in between is torn or is none.
    """
    if not isinstance(data, (str, Path)):
        return None
    files = steady(lambda: _of_log(_files(str(data))))
    return Records(tuple(read_records(files))) if files else None


def _of_log(files: Sequence[Path]) -> Sequence[Path]:
    """Return files that hold records; none where they hold something else. Raises FileNotFoundError where one is gone."""
    told = (said for path in files if (said := _is_of_log(path)) is not None)
    return files if next(told, False) else ()


def _files(data: str) -> Sequence[Path]:
    """Return the files that data names, if all of them may be of a log."""
    try:
        path = Path(data)
        if path.is_file():
            return [path] if path.suffix in SUFFIXES else []
        folder = path if path.is_dir() else path.parent
        found = [one for one in sorted(folder.glob("*" if path.is_dir() else path.name)) if one.is_file()]
    except (OSError, ValueError, NotImplementedError):  # What is no path at all is none of ours.
        return []
    shown = [one for one in found if not one.name.startswith(".") and one.name not in (SETTINGS, KEY)]
    if not all(is_of_log(one.name) for one in shown):
        return []
    counted = standing(folder)
    return counted if path.is_dir() else [one for one in shown if one in counted]


def _is_of_log(path: Path) -> bool | None:
    """Tell whether a file holds records; None where it holds nothing."""
    if path.suffix != segment.SUFFIX:
        return parquet.is_closed_segment(path)
    _, line = next(lines_of(path), (0, b""))
    return record_of(line) is not None if line else None
