"""CSV files: read one by one, or many small ones as if they were one."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from hookline.data.dates import SHAPE, Order, find_order
from hookline.data.numerals import Decimal, Thousands, said_decimal
from hookline.errors import DataError

from ..messages import short
from .base import Part, Reader, literal, rows_to_infer
from .csv_lines import (
    HEAD,
    blank_lines_at_end,
    first_row,
    may_hold_dates,
    name_uneven,
    require_line_feeds,
    require_text,
    require_width,
)
from .small_files import FEW, Group, groups

if TYPE_CHECKING:
    import polars as pl

SEPARATORS = (",", ";", "\t", "|")
"""What else may stand between the values of a file whose header seems to hold one name."""


@dataclass(frozen=True)
class CsvReader(Reader):
    """Reads CSV, and with tabs TSV."""

    title: ClassVar[str] = "CSV"
    suffixes: ClassVar[tuple[str, ...]] = (".csv", ".tsv", ".data", ".txt")

    columns: tuple[str, ...]
    separator: str
    missing: tuple[str, ...]
    strip: bool
    skip_rows: int
    encoding: Literal["utf8", "utf8-lossy"]
    dtypes: Mapping[str, str]
    decimal: Decimal | None
    thousands: Thousands | None
    date_order: Order | None

    def scan(self, file: Path) -> pl.LazyFrame:
        """Return the rows; raises DataError for a header or line that polars would read as something else, or not at all."""
        import polars as pl

        require_line_feeds(file)
        header = self._header(file)
        if self.encoding == "utf8":
            require_text(file)
        require_width(file, self._separator(file), self.skip_rows, len(header))
        options: dict[str, Any] = {
            "has_header": not self.columns,
            "new_columns": header,
            "schema_overrides": {name: pl.String() for name in header if name in self.dtypes},
            "skip_rows": self.skip_rows,
            "extra_columns": "raise",
            "missing_columns": "raise",
            **self._options(file),
        }
        options["try_parse_dates"] = not self.strip and may_hold_dates(literal(file), options)
        options["infer_schema_length"] = rows_to_infer(file)
        frame = pl.scan_csv(literal(file), **options)
        if misread := self._misread(frame.collect_schema(), lambda texts: _scan_texts(file, options, texts)):
            frame = _scan_texts(file, options, misread)
        # In a file of one column a blank line is a missing value.
        blank = blank_lines_at_end(file, self._separator(file)) if len(header) > 1 else 0
        if blank:
            rows = frame.select(pl.len()).collect().item()
            frame = frame.head(rows - blank)
        return self._stripped(frame) if self.strip else frame

    def scan_many(self, files: Sequence[Path], one: Callable[[Path], pl.LazyFrame]) -> list[Part]:
        """Return the rows of small files with one and the same header together."""
        import polars as pl

        alike = len({file.suffix.lower() for file in files}) == 1
        if len(files) < FEW or not alike or self.columns or self.skip_rows:
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
        name_uneven(file, self._separator(file), self.skip_rows, len(self._header(file)))

    def hint(self, message: str) -> str | None:
        """Return the option that reads what polars could not, or where to look."""
        if "utf-8" in message.lower():
            return "source.encoding=utf8-lossy"
        if "CSV malformed" in message:
            return 'a quote stands inside a value: such a value stands in quotes, and the quote twice, as in "5"" nail"'
        if "found more fields" in message:
            return "a row has more values than the header has names; look at its separators and quotes"
        if "could not parse" in message.lower():
            found = re.search(r"at column '([^']+)'", message)
            column = found.group(1) if found else "column"
            return f"say what is meant with source.dtypes={{{column}: string}}, or add the text to source.missing"
        return None

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
        """Return the columns that polars makes numbers or dates of, and that may mean others.

        scan: returns the rows with some columns as texts
        """
        import polars as pl

        if self.strip:
            return []
        commas = said_decimal(self.decimal, self.thousands) == ","
        numbers = [name for name, dtype in schema.items() if dtype == pl.Float64 and commas]
        dated = [name for name, dtype in schema.items() if dtype.is_temporal()]
        if self.date_order == "day_first" or not dated:
            return numbers
        first = scan(dated).select(dated).head(HEAD).collect()
        dated = [name for name in dated if first[name].drop_nulls().head(1).str.contains(SHAPE).any()]
        if self.date_order is None and dated:
            texts = scan(dated).select(dated).collect()
            counts = {name: texts[name].drop_nulls().alias("text").value_counts(name="rows") for name in dated}
            orders = {name: find_order(of_name) for name, of_name in counts.items()}
            dated = [name for name, found in orders.items() if found is not None and found.order is None]
        return numbers + dated

    def _options(self, file: Path) -> dict[str, Any]:
        """Return what polars is told of every such file."""
        return {
            "separator": self._separator(file),
            "encoding": self.encoding,
            "null_values": None if self.strip else list(self.missing),
            "infer_schema": not self.strip,
        }

    def _separator(self, file: Path) -> str:
        return "\t" if file.suffix.lower() == ".tsv" and self.separator == "," else self.separator

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

    def _refuse_other_separator(self, file: Path, names: Sequence[str]) -> None:
        others = [other for other in SEPARATORS if other in names[0] and other != self._separator(file)]
        if len(names) == 1 and others and not self.columns:
            hint = "call it .tsv" if others[0] == "\t" else f"source.separator='{others[0]}'"
            raise DataError(
                f"{file} has one column, named '{short(names[0])}'", hint=f"is its separator another? {hint}"
            )

    def _stripped(self, frame: pl.LazyFrame) -> pl.LazyFrame:
        import polars as pl

        texts = pl.all().str.strip_chars()
        cleaned = frame.with_columns(texts).with_columns(pl.all().replace(list(self.missing), None))
        kinds = _infer(cleaned, fractions=said_decimal(self.decimal, self.thousands) != ",")
        return cleaned.with_columns(
            pl.col(name).cast(dtype) for name, dtype in kinds.items() if name not in self.dtypes
        )


def _scan_texts(file: Path, options: Mapping[str, Any], texts: Sequence[str]) -> pl.LazyFrame:
    """Return the rows with some columns as texts."""
    import polars as pl

    overrides = {**options["schema_overrides"], **dict.fromkeys(texts, pl.String())}
    return pl.scan_csv(literal(file), **{**options, "schema_overrides": overrides})


def _infer(frame: pl.LazyFrame, *, fractions: bool = True) -> dict[str, pl.DataType]:
    """Return the type that every text of a column can be read as: integer, number (with a point), else it stays text."""
    import polars as pl

    names = frame.collect_schema().names()
    tries: tuple[pl.DataType, ...] = (pl.Int64(), pl.Float64()) if fractions else (pl.Int64(),)
    lost = [
        (pl.col(name).cast(dtype, strict=False).null_count() - pl.col(name).null_count()).alias(f"{i}\0{name}")
        for i, dtype in enumerate(tries)
        for name in names
    ]
    held = [pl.col(name).count().alias(f"n\0{name}") for name in names]
    found = frame.select([*lost, *held]).collect().row(0, named=True)
    kinds: dict[str, pl.DataType] = {}
    for name in names:
        fits = [dtype for i, dtype in enumerate(tries) if found[f"{i}\0{name}"] == 0 and found[f"n\0{name}"]]
        if fits:
            kinds[name] = fits[0]
    return kinds
