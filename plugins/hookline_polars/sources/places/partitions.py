"""Values that stand in the names of folders, as Hive writes them: `sales/year=2026/part.parquet`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote

from hookline.errors import DataError

if TYPE_CHECKING:
    import polars as pl

ABSENT = "__HIVE_DEFAULT_PARTITION__"
"""The name that Hive gives to a missing value."""
Values = tuple[str | None, ...]


def partitions_of(files: Sequence[Path], folder: Path | None) -> tuple[list[str], list[Values]]:
    """Return the columns that the folders between a folder and its files name, and each file's values; none without.

    Raises DataError where one file's folders name others than the first's.
    """
    if folder is None:
        return [], []
    names: list[str] = []
    found: list[Values] = []
    for file in files:
        pairs = [part.partition("=") for part in file.relative_to(folder).parts[:-1] if part.find("=") > 0]
        here = [unquote(name) for name, _, _ in pairs]
        names = names if found else here
        if here != names or len({*here}) < len(here):
            told = "/".join(here) or "nothing"
            raise DataError(
                f"the folders of {file} name {told}, where those of {files[0]} name {'/'.join(names) or 'nothing'}",
                hint="name the files that belong together, or source.hive=false",
            )
        found.append(tuple(None if value == ABSENT else unquote(value) for _, _, value in pairs))
    return names, found


def typed(names: Sequence[str], values: Sequence[Values]) -> Mapping[Values, Mapping[str, pl.Series]]:
    """Return each file's values as one-row columns: whole numbers or dates where every value of a column is one, else texts."""
    import polars as pl

    different = list(dict.fromkeys(values))
    columns = [
        _typed(pl.Series(name, [one[place] for one in different], dtype=pl.String)) for place, name in enumerate(names)
    ]
    return {one: {column.name: column.slice(row, 1) for column in columns} for row, one in enumerate(different)}


def _typed(texts: pl.Series) -> pl.Series:
    import polars as pl

    whole = texts.cast(pl.Int64, strict=False)
    # A number with zeros before it is a code.
    if whole.null_count() == texts.null_count() and whole.cast(pl.String).equals(texts, null_equal=True):
        return whole if len(whole) > whole.null_count() else texts
    days = texts.str.to_date("%Y-%m-%d", strict=False)
    return days if days.null_count() == texts.null_count() else texts
