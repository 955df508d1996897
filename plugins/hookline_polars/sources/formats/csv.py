"""CSV files: read one by one, or many small ones as if they were one."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from hookline.data.dates import SHAPE, find_order
from hookline.data.numerals import Decimal, Thousands, said_decimal
from hookline.errors import DataError
from hookline.kinds.artifacts import DateOrder
from hookline.registry.remedies import list_option, option

from ..messages import short
from .base import Part, Reader, literal, rows_to_infer
from .csv_lines import (
    HEAD,
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
from .dialect import Dialect
from .small_files import FEW, Group, groups

if TYPE_CHECKING:
    import polars as pl

SEPARATORS = (",", ";", "\t", "|")
"""What else may stand between the values of a file whose header seems to hold one name."""
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
        if misread := self._misread(frame.collect_schema(), lambda texts: _scan_texts(file, options, texts)):
            frame = _scan_texts(file, options, misread)
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
            "quote_char": self._quote,
            "encoding": self.encoding,
            "null_values": None if self.strip else list(self.missing),
            "infer_schema": not self.strip,
        }

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
        names = first if self._has_header else self._given(file, len(first))
        names = [name.strip() for name in names] if self.strip else names
        self._refuse_other_separator(file, first)
        # What pandas writes of an unnamed index has no name.
        names = [name or f"column_{place}" for place, name in enumerate(names, 1)]
        twice = [name for name, count in Counter(names).items() if count > 1]
        if twice:
            hint = "source.header=false where its first line is a row" if self._has_header else "name each otherwise"
            raise DataError(f"{file} has the column name '{twice[0]}' {names.count(twice[0])} times", hint=hint)
        return names

    def _given(self, file: Path, width: int) -> list[str]:
        """Return the names of columns that have none in the file; raises DataError where they are not as many."""
        if not self.columns:
            return [f"c{place}" for place in range(1, width + 1)]
        names = names_in(self.columns) if isinstance(self.columns, Path) else list(self.columns)
        if width != len(names):
            raise DataError(
                f"source.columns names {len(names)} columns, but {file} has {width}",
                hint=f"name each of them, or c1 to c{width}: source.header=false source.columns=[]",
            )
        return names

    def _refuse_other_separator(self, file: Path, names: Sequence[str]) -> None:
        others = [other for other in SEPARATORS if other in names[0] and other != self._separator(file)]
        if len(names) == 1 and others and not self.columns:
            said = "tab" if others[0] == "\t" else f"'{others[0]}'"
            raise DataError(
                f"{file} has one column, named '{short(names[0])}'",
                hint=f"is its separator another? source.separator={said}",
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
    # A code such as 007 is a text, and no 7.
    codes = pl.col(names).str.contains(r"^0\d+$").any() & pl.col(names).str.contains(r"^\d+$").all()
    padded = frame.select(codes).collect().row(0, named=True)
    held = [pl.col(name).count().alias(f"n\0{name}") for name in names]
    found = frame.select([*lost, *held]).collect().row(0, named=True)
    kinds: dict[str, pl.DataType] = {}
    for name in names:
        if padded[name]:
            continue
        fits = [dtype for i, dtype in enumerate(tries) if found[f"{i}\0{name}"] == 0 and found[f"n\0{name}"]]
        if fits:
            kinds[name] = fits[0]
    return kinds


def names_in(file: Path) -> list[str]:
    """Return the column names in a file, one a line; raises DataError where there are none, or it cannot be read."""
    try:
        names = [line.strip() for line in file.expanduser().read_text("utf-8-sig").splitlines() if line.strip()]
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else f"not UTF-8: {error.reason}"
        hint = f"names stand in brackets: source.columns=[{file}], or in a file, one a line"
        raise DataError(f"source.columns: {file} cannot be read: {reason}", hint=hint) from None
    if not names:
        raise DataError(f"{file}, which source.columns names, is empty", hint="write a column name on each line")
    return names
