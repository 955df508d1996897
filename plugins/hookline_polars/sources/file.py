"""Rows from files: CSV, Parquet, NDJSON and Arrow IPC."""

from __future__ import annotations

import dataclasses
import os
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from glob import escape, glob, has_magic
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from annotated_types import Ge, Len

from hookline import Dataset, Source
from hookline.data.frames import require_columns
from hookline.errors import DataError, suggestion

from ..reading import Dtype, read_as
from .contents import SUFFIX_HINTS, require_format, require_objects
from .csv_lines import (
    blank_lines_at_end,
    first_row,
    may_hold_dates,
    name_uneven,
    require_line_feeds,
    require_text,
    require_width,
)
from .file_index import files_below, fingerprint_of, in_order
from .small_files import FEW, Group, groups

if TYPE_CHECKING:
    import polars as pl

SUFFIXES: Mapping[str, str] = {
    ".csv": "csv",
    ".tsv": "csv",
    ".data": "csv",
    ".txt": "csv",
    ".parquet": "parquet",
    ".pq": "parquet",
    ".ndjson": "ndjson",
    ".jsonl": "ndjson",
    ".arrow": "ipc",
    ".feather": "ipc",
    ".ipc": "ipc",
}
MISSING = ("", "NA", "N/A", "NaN", "nan", "null", "NULL", "None")
WHOLE_FILE = 100 * 1024**2
"""Bytes up to which the types of a CSV file's columns are inferred from all of it; beyond, from its first 100,000 rows."""
SEPARATORS = (",", ";", "\t", "|")
"""What else may stand between the values of a CSV file whose header seems to hold one name."""


class FileSource(Source):
    """Rows of a CSV, Parquet, NDJSON or Arrow IPC file, of a glob, or of every such file in a folder."""

    name = "file"
    path: str | Path = dataclasses.field(kw_only=False)
    """A file, a glob such as `data/2026-*.parquet`, or a folder."""
    format: Literal["auto", "csv", "parquet", "ndjson", "ipc"] = "auto"
    """The format; `auto` goes by the suffix."""
    columns: tuple[str, ...] = ()
    """CSV: column names of a file that has no header line."""
    separator: Annotated[str, Len(1, 1)] = ","
    """CSV: the character between values; a .tsv file is read with tabs."""
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
    file_column: Annotated[str, Len(1)] | None = None
    """Add a column of this name that holds each row's file name, such as `train.csv`: `split.column` may go by it."""

    def load(self) -> Dataset:
        """Return the rows lazily; raises DataError for what is missing, empty, or not readable as its format."""
        import polars as pl

        files = self._files()
        try:
            with self._readable():
                frame = self._together(*self._scans(files))
                frame = self._typed(frame)
                empty = frame.head(1).collect().is_empty()
        except pl.exceptions.NoDataError:
            raise DataError(f"{self.path} is empty") from None
        except (pl.exceptions.PolarsError, UnicodeDecodeError) as error:
            self._name_place(files)
            raise DataError(f"{self.path} cannot be read: {_first_line(error)}", hint=_hint(str(error))) from error
        if empty:
            raise DataError(f"{self.path} has a header but no rows")
        return Dataset(frame, name=Path(self.path).stem)

    def fingerprint(self) -> str:
        """Return a digest of names, sizes, modification times, and the first and last 64 KiB of each file.

        Of several files, only those are opened that have been touched since the last time. A change that keeps a file's size
        and time and both its ends goes unseen.
        """
        files = self._files()
        with self._readable():
            return fingerprint_of(files)

    @contextmanager
    def _readable(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            reason = error.strerror or _first_line(error)
            raise DataError(f"{_short(error.filename or self.path)} cannot be read: {reason}") from error

    def _files(self) -> list[Path]:
        if not str(self.path).strip():
            raise DataError("source.path is empty", hint="name a file, a glob or a folder")
        with self._readable():
            found = self._found()
        self._refuse_mixed(found)
        return found

    def _found(self) -> list[Path]:
        text = str(Path(self.path).expanduser())
        path = Path(text)
        if has_magic(text) and not path.exists():
            names = glob(text, recursive=True)  # noqa: PTH207  Path.glob refuses absolute patterns
            found = in_order(name for name in names if os.path.isfile(name))  # noqa: PTH113  names may be many
            if not found:
                raise DataError(f"no file fits {self.path}")
        elif path.is_dir():
            found = in_order(file for file in files_below(text) if known_suffix(file))
            if not found:
                raise DataError(
                    f"the folder {self.path} holds no file of a known format", hint=f"known: {', '.join(SUFFIXES)}"
                )
        elif path.is_file():
            found = [path]
        elif path.is_symlink():
            raise DataError(f"{self.path} is a link to {path.readlink()}, which is not there")
        else:
            siblings = [file.name for file in path.parent.glob("*")] if path.parent.is_dir() else []
            hint = suggestion(path.name, siblings, "file") if siblings else None
            raise DataError(f"there is no file {self.path}", hint=hint if hint and "mean" in hint else None)
        return found

    def _refuse_mixed(self, files: Sequence[Path]) -> None:
        formats = {self._format(file) for file in files}
        if len(formats) > 1:
            raise DataError(f"{self.path} mixes formats: {', '.join(sorted(formats))}", hint="name one with a glob")

    def _format(self, file: Path) -> str:
        if self.format != "auto":
            return self.format
        if file.suffix.lower() not in SUFFIXES:
            hint = SUFFIX_HINTS.get(file.suffix.lower(), "say it: source.format=csv")
            raise DataError(f"the format of {file} is not known from its suffix", hint=hint)
        return SUFFIXES[file.suffix.lower()]

    def _scans(self, files: Sequence[Path]) -> tuple[list[pl.LazyFrame], list[Path]]:
        """Return frames to put one below the other, and a file of each."""
        import polars as pl

        alike = len({file.suffix.lower() for file in files}) == 1 and self._format(files[0]) == "csv"
        if len(files) < FEW or not alike or self.columns or self.skip_rows or self.file_column:
            return [self._named(self._scan(file), file) for file in files], list(files)
        scans: list[tuple[pl.LazyFrame, Path]] = []
        separator = self._separator(files[0])
        options = self._csv_options() | {"separator": separator, "encoding": self.encoding}
        typed = {} if self.strip else dict.fromkeys(self.dtypes, pl.String())
        for group in groups(files, options | {"schema_overrides": typed}, lossy=self.encoding == "utf8-lossy"):
            # A file's own scan says what is wrong with its header, and reads what only it has.
            if group.schema is None:
                scans += [(self._scan(file), file) for file in group.files]
                continue
            self._header(group.files[0])
            scans.append((self._scan_group(group, options), group.files[0]))
        return [frame for frame, _ in scans], [file for _, file in scans]

    def _scan_group(self, group: Group, options: Mapping[str, Any]) -> pl.LazyFrame:
        import polars as pl

        assert group.schema is not None
        names = [str(file) for file in group.files]
        frame = pl.scan_csv(names, **options, schema=group.schema, glob=False)
        if not self.strip:
            return frame
        return self._stripped(frame.rename({name: name.strip() for name in group.schema}))

    def _csv_options(self) -> dict[str, Any]:
        """Return what polars is told of every CSV file."""
        return {
            "null_values": None if self.strip else list(self.missing),
            "infer_schema": not self.strip,
        }

    def _scan(self, file: Path) -> pl.LazyFrame:
        import polars as pl

        kind = self._format(file)
        name = _literal(file)
        require_format(file, kind)
        if kind == "parquet":
            return pl.scan_parquet(name)
        if kind == "ipc":
            return pl.scan_ipc(name)
        if kind == "ndjson":
            return pl.scan_ndjson(name, infer_schema_length=None if file.stat().st_size < WHOLE_FILE else 100_000)
        return self._scan_csv(file)

    def _named(self, frame: pl.LazyFrame, file: Path) -> pl.LazyFrame:
        """Add the file's name to each of its rows, where asked."""
        import polars as pl

        if self.file_column is None:
            return frame
        if self.file_column in frame.collect_schema():
            raise DataError(
                f"{file} has a column '{self.file_column}' of its own",
                hint="choose another name for source.file_column",
            )
        return frame.with_columns(pl.lit(file.name).alias(self.file_column))

    def _scan_csv(self, file: Path) -> pl.LazyFrame:
        import polars as pl

        require_line_feeds(file)
        header = self._header(file)
        if self.encoding == "utf8":
            require_text(file)
        require_width(file, self._separator(file), self.skip_rows, len(header))
        whole = file.stat().st_size < WHOLE_FILE
        options: dict[str, Any] = {
            "has_header": not self.columns,
            "new_columns": header,
            "separator": self._separator(file),
            "schema_overrides": {name: pl.String() for name in header if name in self.dtypes},
            "skip_rows": self.skip_rows,
            "encoding": self.encoding,
            "extra_columns": "raise",
            "missing_columns": "raise",
            **self._csv_options(),
        }
        options["try_parse_dates"] = not self.strip and may_hold_dates(_literal(file), options)
        frame = pl.scan_csv(_literal(file), infer_schema_length=None if whole else 100_000, **options)
        # In a file of one column a blank line is a missing value.
        blank = blank_lines_at_end(file, self._separator(file)) if len(header) > 1 else 0
        if blank:
            rows = frame.select(pl.len()).collect().item()
            frame = frame.head(rows - blank)
        return self._stripped(frame) if self.strip else frame

    def _header(self, file: Path) -> list[str]:
        """Return the column names; raises DataError for a name that stands twice, which would silently be renamed."""
        separator = self._separator(file)
        names = list(self.columns) or first_row(file, separator, self.skip_rows, self.encoding)
        names = [name.strip() for name in names] if self.strip else names
        self._refuse_other_separator(file, names)
        # What pandas writes of an unnamed index has no name.
        names = [name or f"column_{place}" for place, name in enumerate(names, 1)]
        twice = [name for name, count in Counter(names).items() if count > 1]
        if twice:
            raise DataError(f"{file} has the column name '{twice[0]}' {names.count(twice[0])} times")
        if self.columns:
            width = len(first_row(file, separator, self.skip_rows, self.encoding))
            if width != len(names):
                raise DataError(f"source.columns names {len(names)} columns, but {file} has {width}")
        return names

    def _name_place(self, files: Sequence[Path]) -> None:
        """Raise DataError naming the line that polars could not read, where one can be found."""
        for file in files:
            if self._format(file) == "ndjson":
                require_objects(file)
            elif self._format(file) == "csv":
                name_uneven(file, self._separator(file), self.skip_rows, len(self._header(file)))

    def _refuse_other_separator(self, file: Path, names: Sequence[str]) -> None:
        others = [other for other in SEPARATORS if other in names[0] and other != self._separator(file)]
        if len(names) == 1 and others and not self.columns:
            hint = "call it .tsv" if others[0] == "\t" else f"source.separator='{others[0]}'"
            raise DataError(
                f"{file} has one column, named '{_short(names[0])}'", hint=f"is its separator another? {hint}"
            )

    def _separator(self, file: Path) -> str:
        return "\t" if file.suffix.lower() == ".tsv" and self.separator == "," else self.separator

    def _stripped(self, frame: pl.LazyFrame) -> pl.LazyFrame:
        import polars as pl

        texts = pl.all().str.strip_chars()
        cleaned = frame.with_columns(texts).with_columns(pl.all().replace(list(self.missing), None))
        kinds = _infer(cleaned)
        return cleaned.with_columns(
            pl.col(name).cast(dtype) for name, dtype in kinds.items() if name not in self.dtypes
        )

    def _typed(self, frame: pl.LazyFrame) -> pl.LazyFrame:
        import polars as pl

        if not self.dtypes:
            return frame
        schema = frame.collect_schema()
        require_columns(list(self.dtypes), schema.names(), "source.dtypes")
        typed = frame.with_columns(
            read_as(pl.col(name), schema[name], dtype, strict=True) for name, dtype in self.dtypes.items()
        )
        # Every value is looked at here, so that one that cannot be read is not met in the middle of a run.
        typed.select(pl.col(name).null_count() for name in self.dtypes).collect()
        return typed

    def _together(self, frames: list[pl.LazyFrame], files: Sequence[Path]) -> pl.LazyFrame:
        """Put files one below the other; whole numbers give way to fractions, and anything to text."""
        import polars as pl

        if len(frames) == 1:
            return frames[0]
        schemas = [frame.collect_schema() for frame in frames]
        for schema, file in zip(schemas, files, strict=True):
            missing = [name for name in schemas[0] if name not in schema]
            extra = [name for name in schema if name not in schemas[0]]
            if missing or extra:
                what = f"has no column '{missing[0]}'" if missing else f"has a column '{extra[0]}'"
                raise DataError(f"{file} {what}, unlike {files[0]}", hint="name the files that belong together")
        names = schemas[0].names()
        same = all(schema == schemas[0] for schema in schemas)
        frames = [frame.select(names) if same else _without_empty(frame.select(names)) for frame in frames]
        return pl.concat(frames, how="vertical" if same else "vertical_relaxed")


def known_suffix(name: str) -> bool:
    """Tell whether a file's name ends as one of a known format does."""
    return os.path.splitext(name)[1].lower() in SUFFIXES  # noqa: PTH122  names may be many


def _without_empty(frame: pl.LazyFrame) -> pl.LazyFrame:
    """Give text columns that hold nothing no type, so that they take on that of the other files."""
    import polars as pl

    texts = [name for name, dtype in frame.collect_schema().items() if dtype == pl.String]
    held = frame.select(pl.col(name).count() for name in texts).collect().row(0, named=True) if texts else {}
    return frame.with_columns(pl.lit(None).alias(name) for name, count in held.items() if not count)


def _infer(frame: pl.LazyFrame) -> dict[str, pl.DataType]:
    """Return the type that every text of a column can be read as: integer, number, else it stays text."""
    import polars as pl

    names = frame.collect_schema().names()
    tries: tuple[pl.DataType, ...] = (pl.Int64(), pl.Float64())
    lost = [
        (pl.col(name).cast(dtype, strict=False).null_count() - pl.col(name).null_count()).alias(f"{i}\0{name}")
        for i, dtype in enumerate(tries)
        for name in names
    ]
    found = (
        frame.select([*lost, *(pl.col(name).count().alias(f"n\0{name}") for name in names)])
        .collect()
        .row(0, named=True)
    )
    kinds: dict[str, pl.DataType] = {}
    for name in names:
        fits = [dtype for i, dtype in enumerate(tries) if found[f"{i}\0{name}"] == 0 and found[f"n\0{name}"]]
        if fits:
            kinds[name] = fits[0]
    return kinds


def _literal(file: Path) -> str:
    """Return a path that polars, which reads every name as a glob, takes as it stands."""
    return escape(str(file))


def _first_line(error: Exception) -> str:
    return _short(str(error).strip().splitlines()[0])


def _short(text: object) -> str:
    shown = str(text)
    return shown if len(shown) <= 300 else f"{shown[:297]}..."


def _hint(text: str) -> str | None:
    if "utf-8" in text.lower():
        return "source.encoding=utf8-lossy"
    if "CSV malformed" in text:
        return 'a quote stands inside a value: such a value stands in quotes, and the quote twice, as in "5"" nail"'
    if "found more fields" in text:
        return "a row has more values than the header has names; look at its separators and quotes"
    if "could not parse" in text.lower():
        found = re.search(r"at column '([^']+)'", text)
        column = found.group(1) if found else "column"
        return f"say what is meant with source.dtypes={{{column}: string}}, or add the text to source.missing"
    return None
