"""Tables of Delta Lake: a folder whose log says which of its files count, by version."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from hookline.errors import DataError, MissingBackend

from ..base import Reader

if TYPE_CHECKING:
    import polars as pl

LOG = "_delta_log"


def is_delta(place: Path) -> bool:
    """Tell whether a folder is a table of Delta Lake."""
    return (place / LOG).is_dir()


@dataclass(frozen=True)
class DeltaReader(Reader):
    """Reads one version of a table."""

    title: ClassVar[str] = "Delta Lake"
    suffixes: ClassVar[tuple[str, ...]] = ()

    version: int | str | None

    def scan(self, file: Path) -> pl.LazyFrame:
        """Return the rows of the version; raises DataError for one that is not there, or files of it that are gone."""
        import polars as pl

        return pl.scan_delta(self._table(file))

    def hint(self, message: str) -> str | None:
        """Return what to do about files that are gone."""
        if "No such file" in message or "not found" in message:
            return "files that the table's log names are gone: restore them, or read a version that has others, source.version=N"
        return None

    def fingerprint(self, folder: Path) -> str:
        """Return a digest of the table's id and the version: each names one content, wherever the table lies."""
        table = self._table(folder)
        return hashlib.sha256(f"{table.metadata().id}\0{table.version()}".encode()).hexdigest()

    def _table(self, folder: Path) -> Any:
        try:
            import deltalake.exceptions
        except ImportError:
            raise MissingBackend("a table of Delta Lake", "deltalake", "delta") from None
        try:
            table = deltalake.DeltaTable(folder)
            if self.version is not None:
                self._go_to(table, folder)
        except deltalake.exceptions.DeltaError as error:
            told = str(error).strip().splitlines()[0]
            raise DataError(f"{folder} cannot be read: {told}", hint="look at the table's log, or restore it") from None
        return table

    def _go_to(self, table: Any, folder: Path) -> None:
        if isinstance(self.version, int):
            if self.version > table.version():
                raise DataError(
                    f"{folder} has no version {self.version}; the last is {table.version()}",
                    hint="look at source.version",
                )
            table.load_as_version(self.version)
            return
        moment = datetime.fromisoformat(str(self.version))
        moment = moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)
        first = min(one["timestamp"] for one in table.history())
        if moment.timestamp() * 1000 < first:
            since = datetime.fromtimestamp(first / 1000, UTC).isoformat(timespec="milliseconds")
            raise DataError(
                f"{folder} has no version of {self.version}; the first is of {since}", hint="look at source.version"
            )
        table.load_as_version(moment)
