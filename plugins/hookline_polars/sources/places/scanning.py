"""How files become one table: each is read, called by its name, given the values of its folders, and put below the others."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from typing import TYPE_CHECKING

from hookline.data.frames import require_columns
from hookline.errors import DataError

from ...reading import Dtype
from ..finding import folder_of
from ..formats.base import Reader
from ..formats.logged.delta import is_delta
from ..formats.table import require_format
from ..texts import Wording
from ..together import together
from .bringing import Brought
from .far import FarFile, far_folder, is_far, streamed
from .partitions import Values, partitions_of, typed

if TYPE_CHECKING:
    import polars as pl


@dataclass(frozen=True)
class Scanning:
    """What is said of the files of a source, whatever their format."""

    path: str | Path
    hive: bool
    file_column: str | None
    dtypes: Mapping[str, Dtype]
    wording: Wording

    def read(self, reader: Reader, brought: Brought) -> pl.LazyFrame:
        """Return the rows of all files, with the types that are said."""
        return self.typed(self.held(reader, brought))

    def held(self, reader: Reader, brought: Brought) -> pl.LazyFrame:
        """Return the rows of all files, as their format has them."""
        return together(self._scans(reader, brought))

    def typed(self, frame: pl.LazyFrame) -> pl.LazyFrame:
        """Return rows with the types that are said, and texts that are numbers or dates read as such."""
        if self.dtypes:
            require_columns(list(self.dtypes), frame.collect_schema().names(), "source.dtypes")
            frame = self.wording.typed(frame, self.dtypes)
        return self.wording.read(frame, but=list(self.dtypes))

    def retyped(self, brought: Brought, names: Collection[str]) -> set[str]:
        """Return the columns of which the files do not tell the type: those that are said, or stand in names of folders."""
        texts = names if self.wording != Wording() else ()
        return {*self.dtypes, *self.partitions(brought)[0], *texts}

    def with_partitions(self, names: Sequence[str], brought: Brought) -> list[str]:
        """Return the names of columns with those that stand in the names of folders."""
        return list(dict.fromkeys([*names, *self.partitions(brought)[0]]))

    def partitions(self, brought: Brought) -> tuple[list[str], list[Values]]:
        """Return the columns that stand in the names of folders, and each file's values of them."""
        return self._partitions_of([Path(brought.names.get(file, file)) for file in brought.files])

    def partitions_of_far(self, files: Sequence[FarFile]) -> tuple[list[str], list[Values]]:
        """Return the same of files at a URL."""
        return self._partitions_of([Path(file.url) for file in files])

    def streamed(self, files: Sequence[FarFile]) -> pl.LazyFrame | None:
        """Return the rows of Parquet files at a URL where they lie; None where they have to be fetched."""
        names, values = self.partitions_of_far(files)
        columns = typed(names, values) if names else {}
        parts: list[tuple[pl.LazyFrame, Path]] = []
        for partition, group in groupby(zip(files, values or [()] * len(files), strict=True), key=itemgetter(1)):
            some = [file for file, _ in group]
            frame = streamed(some)
            if frame is None:
                return None
            parts.append((_with_values(frame, columns.get(partition, {})), Path(some[0].name)))
        return self.typed(together(parts))

    def _partitions_of(self, files: Sequence[Path]) -> tuple[list[str], list[Values]]:
        if not self.hive:
            return [], []
        if is_far(self.path):
            return partitions_of(files, far_folder(self.path))
        folder = folder_of(self.path)
        return partitions_of(files, None if folder is None or is_delta(folder) else folder)

    def _scans(self, reader: Reader, brought: Brought) -> list[tuple[pl.LazyFrame, Path]]:
        """Return frames to put one below the other, and a file of each."""

        def one(file: Path) -> pl.LazyFrame:
            require_format(file, type(reader))
            return self._named(reader.scan(file), brought.name(file))

        files = brought.files
        names, values = self.partitions(brought)
        if names:
            columns = typed(names, values)
            parts: list[tuple[pl.LazyFrame, Path]] = []
            for partition, group in groupby(zip(files, values, strict=True), key=itemgetter(1)):
                there = self._parts(reader, [file for file, _ in group], one)
                parts += [(_with_values(frame, columns[partition]), file) for frame, file in there]
            return parts
        return self._parts(reader, files, one)

    def _parts(
        self, reader: Reader, files: Sequence[Path], one: Callable[[Path], pl.LazyFrame]
    ) -> list[tuple[pl.LazyFrame, Path]]:
        return reader.scan_many(files, one) if self.file_column is None else [(one(file), file) for file in files]

    def _named(self, frame: pl.LazyFrame, file: str) -> pl.LazyFrame:
        """Add the file's name to each of its rows, where asked."""
        import polars as pl

        if self.file_column is None:
            return frame
        if self.file_column in frame.collect_schema():
            raise DataError(
                f"{file} has a column '{self.file_column}' of its own",
                hint="choose another name for source.file_column",
            )
        return frame.with_columns(pl.lit(file).alias(self.file_column))


def _with_values(frame: pl.LazyFrame, values: Mapping[str, pl.Series]) -> pl.LazyFrame:
    """Add columns of one value each; one that is there stays as it is."""
    import polars as pl

    there = frame.collect_schema()
    return frame.with_columns(
        pl.lit(value.item(), dtype=value.dtype).alias(name) for name, value in values.items() if name not in there
    )
