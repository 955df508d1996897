"""The rows of a version of data, given back: from what a run left in the store, or else from where they came."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hookline.data.spreadsheets import without_formulas
from hookline.data.versions import version_of
from hookline.errors import DataError, HooklineError, Problem, UsageError
from hookline.kinds.artifacts import ROW_ID, DataVersion, Roles
from hookline.registry.registry import Registry, load_registry
from hookline.workspace.catalog.datasets import SHORT, DataRecord
from hookline.workspace.files import temporary_beside
from hookline.workspace.workspace import Workspace, open_workspace

from ..stages.split import parts_of, split_in
from .keeping import kept_rows, scan
from .trace import reopen

if TYPE_CHECKING:
    import polars as pl

SUFFIXES = (".parquet", ".arrow", ".csv", ".ndjson")
"""What a file of rows may end in; the first two keep every type."""
MOST_REASONS = 5
"""Reasons that are told of why nobody has the rows."""


@dataclass(frozen=True)
class CheckedOut:
    """The rows of a version as they were written to a file. found: where they were"""

    version: DataVersion
    path: Path
    found: str


def checkout(version: str, output: str | Path, *, formulas: bool = False, home: str | Path | None = None) -> CheckedOut:
    """Write the rows of a version of data to a file, in order; they are those that the version's fingerprint says, or none.

    version: `last`, the first letters of a fingerprint, a dataset's name (its newest version), or a run
    output: a file that ends in .parquet or .arrow, which keep every type, .csv or .ndjson; what is there is replaced
    formulas: whether texts that a spreadsheet takes for formulas stay as they are in a CSV file
    Raises UnknownName, UsageError for another suffix, and DataError where neither the store nor a source has the rows any
    more, or the file cannot be written.
    """
    path = _meant(Path(output))
    workspace = open_workspace(home)
    record = workspace.catalog.datasets.find(version)
    with rows_of(record, load_registry(), workspace) as (frame, found):
        write_rows(frame, path, formulas=formulas)
    return CheckedOut(record.version, path, found)


def write_rows(frame: pl.LazyFrame, path: Path, *, formulas: bool = False) -> None:
    """Write rows to a file in the format of its suffix, in one step; raises as `checkout` does."""
    import polars as pl

    _meant(path)
    try:
        with temporary_beside(path) as temporary:
            _sink(frame, temporary, path.suffix, formulas=formulas)
            temporary.replace(path)
    except pl.exceptions.PolarsError as error:
        reason = str(error).splitlines()[0]
        raise DataError(f"{path} cannot be written: {reason}", hint="a .parquet file keeps every type") from error
    except OSError as error:
        # Polars tells the name of the file beside it as well, which is gone.
        reason = error.strerror or str(error).partition(":")[0]
        raise DataError(f"{path} cannot be written: {reason}") from error


def _meant(path: Path) -> Path:
    if path.suffix not in SUFFIXES:
        raise UsageError(f"'{path}' must end in {', '.join(SUFFIXES[:-1])} or {SUFFIXES[-1]}")
    return path


@contextmanager
def rows_of(record: DataRecord, registry: Registry, workspace: Workspace) -> Iterator[tuple[pl.LazyFrame, str]]:
    """Give the rows of a version, in order and without row ids, with where they were; they are there within this block.

    What is given has the version's fingerprint. Raises DataError where nobody has the rows any more, with every reason.
    """
    with workspace.store.scratch() as folder:
        yield _found(record, registry, workspace, folder)


def _found(record: DataRecord, registry: Registry, workspace: Workspace, folder: Path) -> tuple[pl.LazyFrame, str]:
    kept = kept_rows(workspace.store, record.version)
    if kept is not None and _is_it(scan(kept), record):
        return scan(kept), "the store, which kept them"
    for run_id in _unlike(record, workspace, "split"):
        frame = _divided(workspace, run_id)
        if frame is not None and _is_it(frame, record):
            return frame, f"the store, where run {run_id} left them"
    lost: list[Problem] = []
    for run_id in _unlike(record, workspace, "source"):
        try:
            frame, name = _read(registry, workspace, run_id, folder / f"{run_id}.arrow")
        except HooklineError as error:
            lost.append(Problem(f"run {run_id}", str(error).splitlines()[0]))
        else:
            if _is_it(frame, record):
                return frame, f"source '{name}', which still gives them"
            lost.append(Problem(f"run {run_id}", f"source '{name}' gives other rows by now"))
    raise DataError(
        f"nobody has the rows of {record.version.name} {record.version.fingerprint[:SHORT]} any more",
        lost[:MOST_REASONS],
        hint="bring back the source as it was, and ask again; a run with keep_data=true keeps its rows in the store",
    )


def _unlike(record: DataRecord, workspace: Workspace, stage: str) -> list[str]:
    """Return the runs that saw a version, the newest of those whose stage is the same."""
    runs = workspace.catalog.runs
    by_stage: dict[str | None, str] = {}
    for run_id in record.runs:
        by_stage.setdefault(runs.stage_fingerprint(run_id, stage), run_id)
    return [*by_stage.values()]


def _divided(workspace: Workspace, run_id: str) -> pl.LazyFrame | None:
    """Return the parts that a run divided its rows into, together and in order; None where the store lost them."""
    fingerprint = workspace.catalog.runs.stage_fingerprint(run_id, "split")
    folder = None if fingerprint is None else workspace.store.get(fingerprint)
    if folder is None:
        return None
    return parts_of(split_in(folder, Roles()))


def _read(registry: Registry, workspace: Workspace, run_id: str, file: Path) -> tuple[pl.LazyFrame, str]:
    """Read a run's source once more, into a file, so that what is looked at is what is given; returns its name as well."""
    import polars as pl

    run = reopen(registry, workspace, run_id, Path(workspace.catalog.runs.get(run_id).path))
    try:
        run.value("source").frame.drop(ROW_ID).sink_ipc(file)
    except pl.exceptions.PolarsError as error:
        raise DataError(str(error).splitlines()[0]) from error
    return pl.scan_ipc(file, glob=False), run.plan["source"].name


def _is_it(frame: pl.LazyFrame, record: DataRecord) -> bool:
    return version_of(frame, record.version.name).fingerprint == record.version.fingerprint


def _sink(frame: pl.LazyFrame, path: Path, suffix: str, *, formulas: bool) -> None:
    sinks: dict[str, Any] = {
        ".parquet": frame.sink_parquet,
        ".arrow": frame.sink_ipc,
        ".csv": (frame if formulas else without_formulas(frame)).sink_csv,
        ".ndjson": frame.sink_ndjson,
    }
    sinks[suffix](path)
