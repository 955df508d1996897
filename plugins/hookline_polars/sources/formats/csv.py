"""CSV files: read one by one, or many small ones as if they were one."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from hookline.data.numerals import Decimal, Thousands, said_decimal
from hookline.errors import DataError
from hookline.kinds.artifacts import DateOrder
from hookline.registry.remedies import list_option, option

from .base import Part, Reader, literal, rows_to_infer
from .csv_lines import (
    NO_QUOTE,
    blank_lines_at_end,
    code_columns,
    first_row,
    may_hold_dates,
    name_uneven,
    require_line_feeds,
    require_text,
    require_width,
)
from .csv_names import given_names, refuse_other_separator
from .csv_types import infer, misread
from .dialect import Dialect
from .small_files import FEW, Group, groups

if TYPE_CHECKING:
    import polars as pl

TABS = ("tab", "\\t", "\t")
"""How a tab may be typed."""
LONGEST_LINE = 1024**2
"""Bytes of a first line that are looked at."""


@dataclass(frozen=True)
class CsvReader(Reader):
    """Reads CSV, and with tabs TSV."""

    title: ClassVar[str] = "CSV"
    suffixes: ClassVar[tuple[str, ...]] = (".csv", ".tsv", ".data", ".txt")

    columns: tuple[str, ...] | Path
    header: bool
    separator: str
    quote: str | None
    missing: tuple[str, ...]
    strip: bool
    skip_rows: int
    encoding: Literal["utf8", "utf8-lossy"]
    dtypes: Mapping[str, str]
    decimal: Decimal | None
    thousands: Thousands | None
    date_order: DateOrder | None

    def scan(self, file: Path) -> pl.LazyFrame:
        """Return the rows; raises DataError for a header or line that polars would read as something else, or not at all."""
        import polars as pl

        require_line_feeds(file)
        header = self._header(file)
        if self.encoding == "utf8":
            require_text(file)
        require_width(file, self._dialect(file), self.skip_rows, header)
        options: dict[str, Any] = {
            "has_header": self._has_header,
            "new_columns": header,
            "schema_overrides": {name: pl.String() for name in header if name in self.dtypes},
            "skip_rows": self.skip_rows,
            "extra_columns": "raise",
            "missing_columns": "raise",
            **self._options(file),
        }
        if not self.strip:
            codes = code_columns(literal(file), options)
            options["schema_overrides"] |= {name: pl.String() for name in codes}
        options["try_parse_dates"] = not self.strip and may_hold_dates(literal(file), options)
        options["infer_schema_length"] = rows_to_infer(file)
        frame = pl.scan_csv(literal(file), **options)
        if found := self._misread(frame.collect_schema(), lambda texts: _scan_texts(file, options, texts)):
            frame = _scan_texts(file, options, found)
        # In a file of one column a blank line is a missing value.
        blank = blank_lines_at_end(file, self._separator(file)) if len(header) > 1 else 0
        if blank:
            rows = frame.select(pl.len()).collect().item()
            frame = frame.head(rows - blank)
        return self._stripped(frame) if self.strip else frame

    def names(self, file: Path) -> list[str]:
        """Return the column names of a file, whose rows are not looked at."""
        require_line_feeds(file)
        return self._header(file)

    def scan_many(self, files: Sequence[Path], one: Callable[[Path], pl.LazyFrame]) -> list[Part]:
        """Return the rows of small files with one and the same header together."""
        import polars as pl

        alike = len({file.suffix.lower() for file in files}) == 1
        if len(files) < FEW or not alike or not self._has_header or self.skip_rows:
            return super().scan_many(files, one)
        options = self._options(files[0])
        typed = {} if self.strip else dict.fromkeys(self.dtypes, pl.String())
        parts: list[Part] = []
        for group in groups(files, options | {"schema_overrides": typed}, lossy=self.encoding == "utf8-lossy"):
            # A file's own scan says what is wrong with its header, and reads what only it has.
            if group.schema is None:
                parts += super().scan_many(group.files, one)
                continue
            self._header(group.files[0])
            parts.append((self._scan_group(group, options), group.files[0]))
        return parts

    def explain(self, file: Path) -> None:
        """Raise DataError naming the first line with another number of values than the header."""
        name_uneven(file, self._dialect(file), self.skip_rows, self._header(file))

    def hint(self, message: str) -> str | None:
        """Return the option that reads what polars could not, or where to look."""
        if "utf-8" in message.lower():
            return "source.encoding=utf8-lossy"
        if "CSV malformed" in message or 'could not parse `"' in message:
            return (
                f"{NO_QUOTE} where quotes are part of the texts; otherwise a quote inside of quotes stands there twice"
            )
        if "found more fields" in message:
            return "a row has more values than the header has names; look at its separators and quotes"
        if "could not parse" in message.lower():
            return self._about_a_value(message)
        return None

    def _about_a_value(self, message: str) -> str:
        """Return the options by which a value that polars could not parse is a text, or missing."""
        found = re.search(r"could not parse `([^`]*)`.*at column '([\w -]+)'", message)
        if found is None:
            return "say what is meant with source.dtypes, or add the text to source.missing"
        as_text = option("source.dtypes", f"{{{found[2]}: string}}")
        return f"{as_text}, or {list_option('source.missing', [*self.missing, found[1]])}"

    def _scan_group(self, group: Group, options: Mapping[str, Any]) -> pl.LazyFrame:
        import polars as pl

        held = group.schema
        assert held is not None
        names = [str(file) for file in group.files]

        def scan(texts: Sequence[str]) -> pl.LazyFrame:
            schema = {**held, **dict.fromkeys(texts, pl.String())}
            return pl.scan_csv(names, **options, schema=schema, glob=False)

        frame = scan(self._misread(held, scan))
        if not self.strip:
            return frame
        return self._stripped(frame.rename({name: name.strip() for name in held}))

    def _misread(self, schema: Mapping[str, pl.DataType], scan: Callable[[Sequence[str]], pl.LazyFrame]) -> list[str]:
        return [] if self.strip else misread(schema, scan, self._fractions, self.date_order)

    def _options(self, file: Path) -> dict[str, Any]:
        """Return what polars is told of every such file."""
        return {
            "separator": self._separator(file),
            "quote_char": self._quote,
            "encoding": self.encoding,
            "null_values": None if self.strip else list(self.missing),
            "infer_schema": not self.strip,
        }

    @property
    def _fractions(self) -> bool:
        """Whether what polars takes for a number with a fraction is one."""
        return said_decimal(self.decimal, self.thousands) != ","

    @property
    def _has_header(self) -> bool:
        return self.header and not self.columns

    @property
    def _quote(self) -> str | None:
        return None if self.quote == "none" else self.quote

    def _dialect(self, file: Path) -> Dialect:
        return Dialect(self._separator(file), self._quote)

    def _separator(self, file: Path) -> str:
        """Return the separator as a character; where none is said, of a file that is called so or has no comma, a tab."""
        if self.separator in TABS:
            return "\t"
        suffix = file.suffix.lower()
        if self.separator != "," or suffix == ".csv":
            return self.separator
        with file.open("rb") as opened:
            first = b"" if suffix == ".tsv" else opened.readline(LONGEST_LINE)
        return "\t" if suffix == ".tsv" or (b"\t" in first and b"," not in first) else ","

    def _header(self, file: Path) -> list[str]:
        """Return the column names; raises DataError for a name that stands twice, which would silently be renamed."""
        first = first_row(file, self._dialect(file), self.skip_rows, self.encoding)
        names = first if self._has_header else given_names(file, self.columns, len(first))
        names = [name.strip() for name in names] if self.strip else names
        if not self.columns:
            refuse_other_separator(file, first, self._separator(file))
        # What pandas writes of an unnamed index has no name.
        names = [name or f"column_{place}" for place, name in enumerate(names, 1)]
        twice = [name for name, count in Counter(names).items() if count > 1]
        if twice:
            hint = "source.header=false where its first line is a row" if self._has_header else "name each otherwise"
            raise DataError(f"{file} has the column name '{twice[0]}' {names.count(twice[0])} times", hint=hint)
        return names

    def _stripped(self, frame: pl.LazyFrame) -> pl.LazyFrame:
        import polars as pl

        texts = pl.all().str.strip_chars()
        cleaned = frame.with_columns(texts).with_columns(pl.all().replace(list(self.missing), None))
        kinds = infer(cleaned, fractions=self._fractions)
        return cleaned.with_columns(
            pl.col(name).cast(dtype) for name, dtype in kinds.items() if name not in self.dtypes
        )


def _scan_texts(file: Path, options: Mapping[str, Any], texts: Sequence[str]) -> pl.LazyFrame:
    """Return the rows with some columns as texts."""
    import polars as pl

    overrides = {**options["schema_overrides"], **dict.fromkeys(texts, pl.String())}
    return pl.scan_csv(literal(file), **{**options, "schema_overrides": overrides})
