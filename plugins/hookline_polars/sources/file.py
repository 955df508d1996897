"""Rows from files: CSV, Parquet, NDJSON, Arrow IPC and Excel, packed or not, and tables of Delta Lake and Iceberg."""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Collection, Mapping
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

from annotated_types import Ge, Gt, Len

from hookline import Dataset, Source, TextRules
from hookline.data.numerals import Decimal, Thousands
from hookline.errors import DataError
from hookline.kinds.artifacts import DateOrder

from ..reading import Dtype
from .file_index import fingerprint_of
from .formats.columnar import ParquetReader
from .formats.csv import CsvReader
from .formats.csv_names import names_in
from .formats.logged.delta import DeltaReader, is_delta
from .formats.table import READERS, require_format
from .messages import EMPTY, first_line
from .places.bringing import Brought
from .places.far import far_files, fingerprint_of_far, is_far
from .places.files import Files
from .places.packed import unpacked_name
from .places.scanning import Scanning
from .positions import Position, paths_below
from .texts import Wording, order_of_dates

if TYPE_CHECKING:
    import polars as pl

MISSING = ("", "NA", "N/A", "NaN", "nan", "null", "NULL", "None")


class FileSource(Source):
    """Rows of a CSV, Parquet, NDJSON, Arrow IPC or Excel file, of a glob, or of every such file in a folder."""

    name = "file"
    mends: ClassVar = {
        "missing_words": "source.missing=[{words}]",
        "more_missing_words": "source.missing=[{missing},{words}]",
        "no_header": "source.header=false source.columns=[]",
        "read_type": "source.dtypes={{{column}: {type}}}",
        "spaced_names": "source.strip=true",
        "spaced_values": "source.strip=true",
        "unreadable": "source.dtypes={{COLUMN: string}}",
        "disguised_numbers": "source.decimal={decimal}",
        "asked_numbers": ("source.decimal=.", 'source.decimal=","'),
        "asked_dates": ("source.date_order=day_first", "source.date_order=month_first"),
        "dates_in_order": "source.date_order={order}",
        "unread_values": "source.dtypes={{{column}: string}}",
    }
    path: str | Path = dataclasses.field(kw_only=False)
    """A file, a glob such as `data/2026-*.parquet`, or a folder; of this machine, or at a URL such as `s3://bucket/t.parquet`."""
    format: Literal["auto", "csv", "parquet", "ndjson", "ipc", "excel"] = "auto"
    """The format; `auto` goes by the suffix."""
    columns: tuple[str, ...] | Path = ()
    """CSV: column names of a file that has no header line; or a file that holds them, one a line."""
    header: bool = True
    """CSV: whether the first line holds column names; of a file without, columns are c1, c2, ... where none are given."""
    separator: Annotated[str, Len(1, 1)] | Literal["tab", "\\t"] = ","
    """CSV: the character between values, or `tab`; a .tsv file, or any but .csv with tabs and no comma in line 1, has tabs."""
    quote: Annotated[str, Len(1, 1)] | Literal["none"] | None = '"'
    """CSV: what a value with a separator in it stands in; `none`: quotes are part of the texts."""
    missing: tuple[str, ...] = MISSING
    """CSV: texts that mean a missing value."""
    strip: bool = False
    """CSV: take spaces off both ends of every value and header name."""
    skip_rows: Annotated[int, Ge(0)] = 0
    """CSV: lines before the header to leave out."""
    encoding: Literal["utf8", "utf8-lossy"] = "utf8"
    """CSV: `utf8-lossy` replaces bytes that are no UTF-8."""
    dtypes: Mapping[str, Dtype] = dataclasses.field(default_factory=dict)
    """Column -> type, where what is inferred is not what is meant."""
    decimal: Decimal | None = None
    """What stands before fractions in numbers that are written as texts, such as `1.234,50` or `$3.20`; null leaves texts alone.

    Said, or `thousands`, texts of which every value is a number are read so, with a sign of money or % taken off.
    """
    thousands: Thousands | None = None
    """What stands between thousands in such numbers; null finds out."""
    date_order: DateOrder | None = None
    """Whether the day or the month stands first in dates such as 03/04/2026; null leaves texts that do not tell alone."""
    file_column: Annotated[str, Len(1)] | None = None
    """Add a column of this name that holds each row's file name, such as `train.csv`: `split.column` may go by it."""
    hive: bool = True
    """Of a folder or glob: whether folders below it that are called `year=2026` give a column, unless the files have it."""
    sheet: Annotated[str, Len(1)] | None = None
    """Excel: the sheet; without, the first. Of the fields above, `header` and `skip_rows` hold as well."""
    version: Annotated[int, Ge(0)] | Annotated[str, Len(1)] | None = None
    """Delta Lake: a version by number, or by a time such as `2026-11-01T12:00:00Z` (without a zone, UTC); without, the last.

    Iceberg: a snapshot by number.
    """
    most_bytes: Annotated[int, Gt(0)] = 1 << 34
    """Bytes of a file that is packed with gzip, zstd or zip, or of a workbook, once unpacked; and of one that is fetched."""

    def __post_init__(self) -> None:
        if self.decimal is not None and self.decimal == self.thousands:
            raise ValueError(f"decimal and thousands must differ, got {self.decimal!r} for both")
        if isinstance(self.version, str):
            try:
                datetime.fromisoformat(self.version)
            except ValueError:
                told = "version must be a whole number, or a time such as 2026-11-01T12:00:00Z"
                raise ValueError(f"{told}, got {self.version!r}") from None

    def load(self) -> Dataset:
        """Return the rows lazily; raises DataError for what is missing, empty, or not readable as its format."""
        found = self._streamed()
        if found is not None and not found.head(1).collect().is_empty():
            return self._dataset(found)
        frame, empty = self._read(self._files.brought())
        if empty:
            raise DataError(f"{self.path} has a header but no rows", hint=EMPTY)
        return self._dataset(frame)

    def fingerprint(self) -> str:
        """Return a digest of names, sizes, modification times, and the first and last 64 KiB of each file.

        Of a table of Delta Lake it is one of the table's id and the version. Of several files, only those are opened that have
        been touched since the last time. A change that keeps a file's size
        and time and both its ends goes unseen.
        """
        if is_far(self.path):
            far = far_files(self.path)
            told = [fingerprint_of_far(far), *self._said_names()]
            if any((partitions := self._scanning.partitions_of_far(far))[0]):
                told.append(repr(partitions))
            return hashlib.sha256("\n".join(told).encode()).hexdigest()
        files = self._files.found()
        with self._files.readable():
            if is_delta(files[0]):
                return DeltaReader.of(self).fingerprint(files[0])
            rows = fingerprint_of(files)
            more = self._said_names()
            if any((partitions := self._scanning.partitions(Brought(files)))[0]):
                more.append(repr(partitions))
            return hashlib.sha256("\n".join([rows, *more]).encode()).hexdigest() if more else rows

    def columns_ahead(self) -> Mapping[str, pl.DataType | None] | None:
        """Return the columns of the first file, with the types of a Parquet or Arrow IPC file; None where they cannot be read."""
        import polars as pl

        brought = self._files.brought(first=True)
        file = brought.files[0]
        reader = READERS[self._files.format_of([file])].of(self)
        try:
            with brought.told(), self._files.readable():
                if isinstance(reader, CsvReader):
                    names = self._scanning.with_partitions(reader.names(file), brought)
                    return dict.fromkeys(names if self.file_column is None else [*names, self.file_column])
                held = self._scanning.held(reader, brought).collect_schema() if reader.magic else None
        except pl.exceptions.PolarsError:
            # Loading says what is wrong with it.
            return None
        # What the folders' names mean is known only of all of them.
        said = self._scanning.retyped(brought, held) if held else set()
        return held and {name: None if name in said else dtype for name, dtype in held.items()}

    def at(self, place: str, texts: Collection[str] = (), dates: Mapping[str, DateOrder] | None = None) -> FileSource:
        """Return the source that reads another file, glob or folder as this one reads its own; types of absent columns go."""
        orders = {*(dates or {}).values()}
        order = orders.pop() if self.date_order is None and len(orders) == 1 else self.date_order
        wanted: dict[str, Dtype] = {**self.dtypes, **dict.fromkeys(texts, "string")}
        columns = tuple(names_in(self.columns)) if isinstance(self.columns, Path) else self.columns
        elsewhere = dataclasses.replace(self, path=place, dtypes=wanted, columns=columns, date_order=order)
        return dataclasses.replace(elsewhere, dtypes=elsewhere.dtypes_there()) if place and wanted else elsewhere

    def text_rules(self, moments: Collection[str] = ()) -> TextRules:
        """Return the texts that are missing, whether spaces are taken off, and the order of dates; but for CSV the last only."""
        brought = self._files.brought()
        orders = self._date_orders(brought, moments) if moments else {}
        if self._files.format_of(brought.files) != "csv":
            return TextRules(dates=orders)
        return TextRules(tuple(text for text in self.missing if text), self.strip, orders)

    def position(self) -> str:
        """Return which files there are, each by its size and a digest of its first and last 64 KiB; reads no rows.

        The text is the same wherever the folder lies. Raises DataError where the path is neither a folder nor a glob.
        """
        folder = self._files.folder()
        files = self._files.found()
        with self._files.readable():
            return Position.of(folder, files).text()

    def load_between(self, after: str | None, upto: str) -> Dataset:
        """Return the rows of the files that came between two positions, lazily.

        Where there are none, the frame is empty and has the columns of all files. Raises DataError for a file of either
        position that has since grown, changed or gone.
        """
        folder = self._files.folder()
        first, last = Position({}) if after is None else Position.parse(after), Position.parse(upto)
        with self._files.readable():
            last.require_unchanged(folder, first)
        if new := last.names_beyond(first):
            frame, empty = self._read(self._files.unpacked(paths_below(folder, new)))
            if not empty:
                return self._dataset(frame)
        frame, _ = self._read(self._files.unpacked(paths_below(folder, last.files)))
        return self._dataset(frame.clear())

    def dtypes_there(self) -> Mapping[str, Dtype]:
        """Return the types of those columns that the first file has."""
        import polars as pl

        brought = self._files.brought(first=True)
        file = brought.files[0]
        reader = READERS[self._files.format_of([file])].of(self)
        try:
            with brought.told(), self._files.readable():
                require_format(file, type(reader))
                present = {*self._scanning.with_partitions(reader.names(file), brought), self.file_column}
        except pl.exceptions.PolarsError as error:
            with brought.told():
                reader.explain(file)
            raise DataError(f"{self.path} cannot be read: {first_line(error)}", hint=reader.hint(str(error))) from error
        return {name: dtype for name, dtype in self.dtypes.items() if name in present}

    @property
    def _files(self) -> Files:
        return Files(self.path, self.format, self.most_bytes)

    @property
    def _scanning(self) -> Scanning:
        wording = Wording(self.decimal, self.thousands, self.date_order)
        return Scanning(self.path, self.hive, self.file_column, self.dtypes, wording)

    def _date_orders(self, brought: Brought, moments: Collection[str]) -> dict[str, DateOrder]:
        """Return the order of day and month in those columns that are read as dates whose year stands last."""
        import polars as pl

        # Columns without a type are taken as texts, so that none has to be inferred from all of the file.
        files = brought.files
        reader = READERS[self._files.format_of(files)].of(self)
        plain = dataclasses.replace(self, dtypes=dict.fromkeys(reader.names(files[0]), "string"))
        texts = type(reader).of(plain).scan(files[0])
        held = [name for name, dtype in texts.collect_schema().items() if dtype == pl.String and name in moments]
        orders: dict[str, DateOrder | None] = {name: self.date_order or order_of_dates(texts, name) for name in held}
        found: dict[str, DateOrder] = {name: order for name, order in orders.items() if order is not None}
        # A transform may have made moments of what the file's reader leaves a text.
        read = self._read(brought)[0].collect_schema() if found else {}
        return {name: order for name, order in found.items() if read[name].is_temporal()}

    def _dataset(self, frame: pl.LazyFrame) -> Dataset:
        return Dataset(frame, name=Path(unpacked_name(Path(self.path).name)).stem)

    def _read(self, brought: Brought) -> tuple[pl.LazyFrame, bool]:
        """Return the rows of files, and whether there are none."""
        import polars as pl

        reader = READERS[self._files.format_of(brought.files)].of(self)
        try:
            with brought.told(), self._files.readable(reader):
                frame = brought.held(self._scanning.read(reader, brought))
                return frame, frame.head(1).collect().is_empty()
        except pl.exceptions.NoDataError:
            raise DataError(f"{self.path} is empty", hint=EMPTY) from None
        except (pl.exceptions.PolarsError, UnicodeDecodeError) as error:
            with brought.told():
                for file in brought.files:
                    reader.explain(file)
            raise DataError(f"{self.path} cannot be read: {first_line(error)}", hint=reader.hint(str(error))) from error

    def _said_names(self) -> list[str]:
        """Return the column names that a file of their own says, as a change of it is one of the rows."""
        return list(names_in(self.columns)) if isinstance(self.columns, Path) else []

    def _streamed(self) -> pl.LazyFrame | None:
        """Return the rows of Parquet files at a URL where they lie; None where they have to be fetched."""
        if not is_far(self.path) or self.file_column is not None:
            return None
        files = far_files(self.path)
        suffixes = {Path(file.name).suffix.lower() for file in files}
        is_parquet = self.format == "parquet" or (self.format == "auto" and suffixes <= {*ParquetReader.suffixes})
        return self._scanning.streamed(files) if is_parquet else None
