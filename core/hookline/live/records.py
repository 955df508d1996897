"""The prediction log read back: what was asked, row by row, and what was answered."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hookline.data.columns import read_column
from hookline.data.frames import to_polars
from hookline.errors import DataError, Problem, UsageError
from hookline.kinds.artifacts import Schema, Target
from hookline.kinds.fitted import Prediction

from .segments import parquet, segment
from .segments.lines import lines_of, record_of
from .segments.reading import read_records
from .segments.standing import is_of_log, standing

SUFFIXES = frozenset((segment.SUFFIX, parquet.SUFFIX))
SETTINGS = "log.yaml"
"""The file beside those of a log that says how it is written."""


@dataclass(frozen=True)
class Records:
    """What a log holds, in the order of its files and of the records in them; a last line that was torn is left out."""

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
    if not next((said for path in files if (said := _is_of_log(path)) is not None), False):
        return None
    return Records(tuple(read_records(files)))


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
    shown = [one for one in found if not one.name.startswith(".") and one.name != SETTINGS]
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
