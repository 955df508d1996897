"""Rows of a version of data that a run was told to keep: one Parquet file a content, in the store."""

from __future__ import annotations

import hashlib
from collections.abc import Collection
from pathlib import Path
from typing import TYPE_CHECKING

from hookline.data.versions import version_of
from hookline.errors import DataError
from hookline.kinds.artifacts import ROW_ID, DataVersion
from hookline.workspace.store import Store

from ..stages.split import facts_of, parts_of

if TYPE_CHECKING:
    import polars as pl

    from ..execution import Execution

FILE = "rows.parquet"
NOTE = "rows_of"
"""What the note of an entry calls the version whose rows it holds."""


def keep_rows(run: Execution) -> None:
    """Keep the rows that a run saw, as they were before any transform, unless the store has them already.

    Raises DataError where the source gives other rows by now than the run saw.
    """
    version = facts_of(run).version
    if version is None or run.workspace.store.has(key_of(version.fingerprint)):
        return
    untouched = run.plan["split"].inputs[0] == "source"
    frame = parts_of(run.value("split")) if untouched else run.value("source").frame.drop(ROW_ID)

    def write(folder: Path) -> None:
        frame.sink_parquet(folder / FILE)
        if version_of(scan(folder), version.name).fingerprint != version.fingerprint:
            raise DataError(
                f"source '{run.plan['source'].name}' gives other rows by now than the run saw, so that they cannot be kept",
                hint="run again, while nothing writes to it",
            )

    run.workspace.store.put(key_of(version.fingerprint), write, note={NOTE: version.fingerprint, "name": version.name})


def kept_rows(store: Store, version: DataVersion) -> Path | None:
    """Return the folder with the rows of a version that were kept, or None."""
    return store.get(key_of(version.fingerprint))


def which_are_kept(store: Store, versions: Collection[DataVersion]) -> set[str]:
    """Return the fingerprints of those versions whose rows are kept."""
    return {version.fingerprint for version in versions if store.has(key_of(version.fingerprint))}


def scan(folder: Path) -> pl.LazyFrame:
    """Return the rows that are kept in a folder, lazily."""
    import polars as pl

    return pl.scan_parquet(folder / FILE, glob=False)


def key_of(fingerprint: str) -> str:
    """Return under which name the store keeps the rows of a version."""
    return hashlib.sha256(f"rows of {fingerprint}".encode()).hexdigest()
