"""Files that hold columns with their types: Parquet and Arrow IPC."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from hookline.errors import DataError

from .base import Reader, literal

if TYPE_CHECKING:
    import polars as pl


@dataclass(frozen=True)
class ParquetReader(Reader):
    """Reads Parquet."""

    title: ClassVar[str] = "Parquet"
    suffixes: ClassVar[tuple[str, ...]] = (".parquet", ".pq")
    magic: ClassVar[bytes] = b"PAR1"

    def scan(self, file: Path) -> pl.LazyFrame:
        """Return the rows; raises DataError where the end is missing, without which nothing can be read."""
        import polars as pl

        with file.open("rb") as opened:
            opened.seek(max(0, file.stat().st_size - len(self.magic)))
            tail = opened.read()
        if tail != self.magic:
            raise DataError(f"{file} is cut short: the end of a Parquet file is missing", hint="copy or write it again")
        return pl.scan_parquet(literal(file))


@dataclass(frozen=True)
class IpcReader(Reader):
    """Reads Arrow IPC, which Feather is a name of."""

    title: ClassVar[str] = "Arrow IPC"
    suffixes: ClassVar[tuple[str, ...]] = (".arrow", ".feather", ".ipc")
    magic: ClassVar[bytes] = b"ARROW1"

    def scan(self, file: Path) -> pl.LazyFrame:
        """Return the rows."""
        import polars as pl

        return pl.scan_ipc(literal(file))
