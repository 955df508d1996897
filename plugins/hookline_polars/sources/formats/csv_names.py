"""What the columns of a CSV file are called: as its header, an option or another file says."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from hookline.errors import DataError

from ..messages import short

SEPARATORS = (",", ";", "\t", "|")
"""What else may stand between the values of a file whose header seems to hold one name."""


def given_names(file: Path, columns: tuple[str, ...] | Path, width: int) -> list[str]:
    """Return the names of columns that have none in the file; raises DataError where they are not as many."""
    if not columns:
        return [f"c{place}" for place in range(1, width + 1)]
    names = names_in(columns) if isinstance(columns, Path) else list(columns)
    if width != len(names):
        raise DataError(
            f"source.columns names {len(names)} columns, but {file} has {width}",
            hint=f"name each of them, or c1 to c{width}: source.header=false source.columns=[]",
        )
    return names


def refuse_other_separator(file: Path, names: Sequence[str], separator: str) -> None:
    """Raise DataError where a header of one name holds what may stand between several."""
    others = [other for other in SEPARATORS if other in names[0] and other != separator]
    if len(names) == 1 and others:
        said = "tab" if others[0] == "\t" else f"'{others[0]}'"
        raise DataError(
            f"{file} has one column, named '{short(names[0])}'",
            hint=f"is its separator another? source.separator={said}",
        )


def names_in(file: Path) -> list[str]:
    """Return the column names in a file, one a line; raises DataError where there are none, or it cannot be read."""
    try:
        names = [line.strip() for line in file.expanduser().read_text("utf-8-sig").splitlines() if line.strip()]
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else f"not UTF-8: {error.reason}"
        hint = f"names stand in brackets: source.columns=[{file}], or in a file, one a line"
        raise DataError(f"source.columns: {file} cannot be read: {reason}", hint=hint) from None
    if not names:
        raise DataError(f"{file}, which source.columns names, is empty", hint="write a column name on each line")
    return names
