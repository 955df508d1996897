"""The records of a log's files, of either form, also where one is replaced by another meanwhile."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hookline.workspace.files import meant_by

from . import parquet, segment
from .lines import read_lines
from .standing import standing, steady
from .wanted import ALL, Wanted

if TYPE_CHECKING:
    import polars as pl


def read_records(files: Iterable[Path], wanted: Wanted = ALL) -> Iterator[Mapping[str, Any]]:
    """Yield the records of files of the prediction log, file by file.

    Those of one that was replaced since it was found come from what took its place; of one that was pruned, none do.
    Raises DataError where a line in between is none.
    """
    for path in files:
        try:
            yield from _read(path, wanted)
        except FileNotFoundError:
            yield from _elsewhere(path, wanted)


def _read(path: Path, wanted: Wanted) -> Iterator[Mapping[str, Any]]:
    # A file is opened once, before the first of its records, so that it is there from then on.
    if path.suffix == segment.SUFFIX:
        return (record for record, _ in read_lines(path) if wanted.has(record))
    return parquet.read(path, wanted)


def _elsewhere(path: Path, wanted: Wanted) -> Iterator[Mapping[str, Any]]:
    final = meant_by(path)
    if final is not None:
        yield from read_records([final], wanted)
        return
    for found in steady(lambda: _moved(path, wanted)):
        yield from parquet.records_of(found)


def _moved(path: Path, wanted: Wanted) -> list[pl.Series]:
    """Return the texts of the records that stood in a file, from all files at one moment."""
    others = [other for other in standing(path.parent) if other.suffix != segment.SUFFIX]
    return [parquet.texts(other, wanted, segment=path.name) for other in others]
