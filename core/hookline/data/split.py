"""Divides rows into training, validation and test rows: exactly, the same on every machine, without moving them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hookline.errors import DataError
from hookline.kinds.artifacts import Dataset, DataVersion, Roles, Split

from .frames import UNREADABLE_HINT, count_rows
from .parts import PARTS, SplitOptions, assign
from .target import is_label

if TYPE_CHECKING:
    import polars as pl


ROWS = "rows.arrow"
PART = "\0part"
"""A column that no table has, while its rows are divided."""


@dataclass(frozen=True)
class SplitFacts:
    """What is known of a split without its rows."""

    name: str
    """Of the dataset."""
    method: str
    rows: Mapping[str, int]
    """Part -> number of rows, 0 for one that is not there."""
    version: DataVersion | None = None
    """Of the rows that the source loaded, before any transform."""

    @classmethod
    def of(cls, split: Split) -> SplitFacts:
        """Return the facts of a split whose rows are at hand."""
        parts = {name: getattr(split, name) for name in PARTS}
        rows = {name: count_rows(part.frame) if part else 0 for name, part in parts.items()}
        return cls(split.train.name, split.method, rows, split.version)


def write_rows(dataset: Dataset, folder: Path) -> pl.LazyFrame:
    """Write the rows into `folder`, for `prepare` to divide, and return them from there; raises DataError."""
    import polars as pl

    try:
        dataset.frame.sink_ipc(folder / ROWS)
    except pl.exceptions.PolarsError as error:
        reason = str(error).splitlines()[0]
        raise DataError(
            f"the rows of {dataset.name} cannot be read or transformed: {reason}",
            hint=UNREADABLE_HINT,
            ailment="unreadable",
        ) from error
    return pl.scan_ipc(folder / ROWS, glob=False)


def prepare(dataset: Dataset, options: SplitOptions, seed: int, folder: Path) -> tuple[str, dict[str, int]]:
    """Write the rows of each part into `folder`, and return the method with the number of rows of each part.

    Raises DataError where no such split is possible.
    """
    import polars as pl

    stored = pl.scan_ipc(folder / ROWS, glob=False) if (folder / ROWS).exists() else write_rows(dataset, folder)
    rows = stored.select(pl.len()).collect().item()
    if rows < 2:
        raise DataError(f"the data have {rows} rows, too few to train on some and test on others")
    method = choose_method(dataset, options, stored)
    part = assign(stored, dataset, method, options, seed)
    counts = {name: int((part == code).sum()) for code, name in enumerate(PARTS)}
    _refuse_empty(counts, options, method)
    for code, name in enumerate(PARTS):
        if counts[name]:
            # What says the part is known for these rows only, so it is no feature.
            kept = stored.drop(str(options.column)) if method == "column" else stored
            _write_part(kept, part, code, folder / f"{name}.arrow")
    (folder / ROWS).unlink()
    return method, counts


def read_split(folder: Path, facts: SplitFacts, roles: Roles) -> Split:
    """Return the parts that `prepare` wrote, as lazy, memory-mapped frames."""
    import polars as pl

    def part(name: str) -> Dataset:
        return Dataset(pl.scan_ipc(folder / f"{name}.arrow", glob=False), roles, facts.name)

    valid = part("valid") if facts.rows["valid"] else None
    return Split(part("train"), valid, part("test"), facts.method, facts.version)


def choose_method(dataset: Dataset, options: SplitOptions, frame: pl.LazyFrame) -> str:
    """Return the method that `auto` stands for, or the one that was asked for; raises DataError where its role is missing."""
    roles = dataset.roles
    if options.method == "auto":
        if roles.group:
            return "group"
        if roles.time:
            return "time"
        return "stratified" if roles.target and is_label(frame, roles.target) else "random"
    needs = {"group": roles.group, "time": roles.time, "column": options.column, "stratified": roles.target}
    if options.method in needs and not needs[options.method]:
        key = "split.column" if options.method == "column" else f"roles.{options.method}"
        raise DataError(f"split.method={options.method} needs {key}")
    return options.method


def _write_part(frame: pl.LazyFrame, part: Any, code: int, path: Path) -> None:
    import polars as pl

    mask = pl.DataFrame({PART: part}).lazy()
    joined = pl.concat([frame, mask], how="horizontal")
    joined.filter(pl.col(PART) == code).drop(PART).sink_ipc(path)


def _refuse_empty(counts: Mapping[str, int], options: SplitOptions, method: str) -> None:
    wanted = ["train", "test", *(["valid"] if options.valid else [])]
    empty = [name for name in wanted if not counts[name]]
    if empty:
        told = ", ".join(f"{name} {counts[name]}" for name in PARTS)
        hints = {"group": "rows of one group stay together; are there enough groups?", "column": "see split.column"}
        hints["time"] = "rows of one moment stay together; are there enough moments?"
        raise DataError(
            f"the {method} split leaves no {' and no '.join(empty)} rows ({told})",
            hint=hints.get(method, "change split.test or split.valid"),
        )
