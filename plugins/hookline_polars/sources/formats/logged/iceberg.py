"""Tables of Iceberg: a metadata file that says which files count, by snapshot."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from hookline.errors import DataError, MissingBackend

from ..base import Reader

if TYPE_CHECKING:
    import polars as pl

METADATA = ".metadata.json"
PLANNER = "POLARS_ICEBERG_PLANNER"


def is_iceberg(place: Path) -> bool:
    """Tell whether a file is the metadata of a table of Iceberg."""
    return place.name.endswith(METADATA)


def require_no_table(folder: Path) -> None:
    """Raise DataError for the folder of a table of Iceberg, where files lie that count no more beside those that do."""
    found = sorted((folder / "metadata").glob(f"*{METADATA}"), key=lambda file: (file.stat().st_mtime_ns, file.name))
    if found:
        raise DataError(
            f"{folder} is a table of Iceberg, of whose files not all count",
            hint=f"name its newest metadata, as far as the folder tells: source.path={found[-1]}",
        )


def require_one(files: Sequence[Path]) -> None:
    """Raise DataError for several metadata files, which are states of a table, so that its rows would count twice."""
    told = [file for file in files if is_iceberg(file)]
    if len(told) > 1:
        raise DataError(
            f"{told[0]} and {told[1]} are metadata of Iceberg, and a table is named by one",
            hint=f"source.path={told[-1]}",
        )


@dataclass(frozen=True)
class IcebergReader(Reader):
    """Reads one snapshot of a table, by its metadata file."""

    title: ClassVar[str] = "Iceberg"
    suffixes: ClassVar[tuple[str, ...]] = ()

    version: int | str | None

    def scan(self, file: Path) -> pl.LazyFrame:
        """Return the rows of the snapshot; raises DataError for one that is not there, or metadata that cannot be read."""
        import polars as pl

        self._require(file)
        if find_spec("polars_iceberg") is None:
            # Otherwise polars warns that pyiceberg plans more slowly than a library that is not installed.
            os.environ.setdefault(PLANNER, "pyiceberg")
        snapshot = self.version if isinstance(self.version, int) else None
        return pl.scan_iceberg(str(file.absolute()), snapshot_id=snapshot)

    def hint(self, message: str) -> str | None:
        """Return what to do about files that are gone."""
        if "No such file" in message or "not found" in message:
            return "files that the metadata names are gone: name the table's newest .metadata.json, or restore them"
        return None

    def _require(self, file: Path) -> None:
        if find_spec("pyiceberg") is None:
            raise MissingBackend("a table of Iceberg", "pyiceberg", "iceberg")
        from pyiceberg.exceptions import ValidationError
        from pyiceberg.table.metadata import TableMetadataUtil

        try:
            text = file.read_text("utf-8")
            TableMetadataUtil.parse_raw(text)
            told = json.loads(text)
            snapshots = [int(one["snapshot-id"]) for one in told.get("snapshots") or ()]
        except (ValueError, KeyError, TypeError, AttributeError, ValidationError):
            raise DataError(
                f"{file} is no metadata of Iceberg", hint="name the table's newest .metadata.json"
            ) from None
        if isinstance(self.version, str):
            raise DataError(
                f"source.version={self.version} is a time, and a snapshot of Iceberg is named by its number",
                hint=f"snapshots: {', '.join(map(str, snapshots[-5:]))}",
            )
        if self.version is not None and self.version not in snapshots:
            raise DataError(
                f"{file} has no snapshot {self.version}", hint=f"the last ones: {', '.join(map(str, snapshots[-5:]))}"
            )
