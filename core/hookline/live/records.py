"""The prediction log read back: what was asked, row by row, and what was answered."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hookline.data.columns import read_column
from hookline.data.frames import to_polars
from hookline.errors import DataError, Problem, UsageError
from hookline.kinds.artifacts import Schema, Target
from hookline.kinds.fitted import Prediction

SUFFIX = ".ndjson"
TELLS = frozenset(("id", "time", "model", "version", "row", "prediction"))
"""What every line of the log says, among others."""


@dataclass(frozen=True)
class Records:
    """What a log holds, in the order of its files and lines; a last line that was torn is left out."""

    found: tuple[Mapping[str, Any], ...]

    def of_version(self, version: int | None) -> Records:
        """Return what one version answered; raises UsageError where that is nothing. All where it has no number."""
        if version is None:
            return self
        kept = tuple(record for record in self.found if record["version"] == version)
        if not kept:
            model = self.found[0]["model"]
            told = sorted({record["version"] for record in self.found if record["version"] is not None})
            raise UsageError(
                f"none of {len(self.found):,} records was answered by version {version}",
                hint=f"name a version that was: {', '.join(f'{model}:{other}' for other in told)}"
                if told
                else "they were answered by a package of no version: name its folder",
            )
        return Records(kept)

    def rows(self, schema: Schema) -> Any:
        """Return the raw rows as they were asked, a polars DataFrame; raises DataError where one is of another type."""
        frame: Any = to_polars([record["row"] for record in self.found])
        problems = []
        for column in schema.columns:
            if column.name in frame.columns:
                try:
                    frame = frame.with_columns(read_column(frame[column.name], column))
                except ValueError as error:
                    problems.append(Problem(column.name, str(error)))
        if problems:
            raise DataError("the recorded rows do not fit the model's input contract", problems)
        return frame

    def answers(self, target: Target) -> Prediction:
        """Return what was answered, (n_rows,), and of classes the probabilities where every record tells them.

        Raises DataError where an answer is none of the target's.
        """
        try:
            return self._answers(target)
        except (ValueError, TypeError) as error:
            raise DataError(f"the recorded answers are none of the target '{target.name}': {error}") from error

    def _answers(self, target: Target) -> Prediction:
        import numpy as np

        values = [record["prediction"] for record in self.found]
        if target.task == "regression":
            return Prediction(np.array(values, dtype=np.float64))
        shares = [record.get("probabilities") for record in self.found]
        if any(share is None or len(share) != len(target.classes) for share in shares):
            return Prediction(np.array(values))
        return Prediction(np.array(values), np.array(shares, dtype=np.float64), target.classes)


def records_in(data: Any) -> Records | None:
    """Return the records in a file, a folder or a glob of the prediction log; None where it holds something else.

    Raises DataError where a line in between is torn or is none.
    """
    if not isinstance(data, (str, Path)):
        return None
    files = _files(str(data))
    first = next(_lines(files), None)
    if first is None or not _is_record(_read(first[2])):
        return None
    return Records(tuple(read_records(files)))


def read_records(files: Iterable[Path]) -> Iterator[Mapping[str, Any]]:
    """Yield the records of files of the prediction log, by file and line; raises DataError where one in between is none."""
    for path, number, line in _lines(files):
        record = record_of(line)
        if record is None:
            raise DataError(f"{path} is a prediction log, but line {number} is no record", hint="take that line out")
        yield record


def record_of(line: bytes) -> Mapping[str, Any] | None:
    """Return the record that a line is; None where it is none, or was torn."""
    record: Mapping[str, Any] = _read(line)
    return record if _is_record(record) else None


def _files(data: str) -> Sequence[Path]:
    """Return the files that data names, if all of them may be of a log."""
    try:
        path = Path(data)
        if path.is_file():
            files = [path]
        elif path.is_dir():
            files = sorted(one for one in path.iterdir() if one.is_file())
        else:
            files = sorted(path.parent.glob(path.name))
    except (OSError, ValueError, NotImplementedError):  # What is no path at all is none of ours.
        return []
    return files if all(file.suffix == SUFFIX for file in files) else []


def _lines(files: Iterable[Path]) -> Iterator[tuple[Path, int, bytes]]:
    for path in files:
        with path.open("rb") as file:
            for number, line in enumerate(file, 1):
                # The last line of a file may be cut off, by a full disk or since it is being written.
                if line.endswith(b"\n") or _read(line) is not None:
                    yield path, number, line


def _read(line: bytes) -> Any:
    try:
        return json.loads(line)
    except (ValueError, RecursionError):
        return None


def _is_record(value: Any) -> bool:
    if not (isinstance(value, dict) and value.keys() >= TELLS and isinstance(value["row"], dict)):
        return False
    version = value["version"]
    return version is None or type(version) is int
