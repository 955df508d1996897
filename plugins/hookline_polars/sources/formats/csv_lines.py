"""What the lines at both ends of a CSV file say, before polars reads it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from io import BytesIO
from itertools import chain
from pathlib import Path
from typing import Any

from hookline.errors import DataError
from hookline.registry.remedies import list_option

from ..messages import EMPTY
from .dialect import Dialect

HEAD = 100
"""Rows that are looked at first."""
CODE_ROWS = 1_000
"""Rows that are looked at for codes."""
BLOCK = 64 * 1024
"""Bytes that are read at a time."""
LONGEST = 2**31 - 1
"""Characters of a value at most."""
LARGE_BLOCK = 256 * 1024
"""Bytes of which the separators are counted at a time."""


def first_row(file: Path, dialect: Dialect, skip: int, encoding: str) -> list[str]:
    """Return the values of the first line that is not blank, after `skip` lines; raises DataError where there is none."""
    import csv

    errors = "replace" if encoding == "utf8-lossy" else "strict"
    try:
        with _long_values(), file.open(encoding="utf-8-sig", errors=errors, newline="") as opened:
            for _ in range(skip):
                next(opened, None)
            row = next((row for row in dialect.rows(opened) if row), [])
    except UnicodeDecodeError as error:
        raise _not_utf8(file, error, error.start) from None
    except csv.Error as error:
        raise DataError(f"the first line of {file} cannot be read: {error}", hint=_QUOTES) from None
    if not row:
        raise DataError(f"{file} is empty", hint=EMPTY)
    return row


def require_text(file: Path) -> None:
    """Read a file through; raises DataError naming the place of the first byte that is not UTF-8, or that is NUL."""
    import codecs

    decoder = codecs.getincrementaldecoder("utf-8")()
    with file.open("rb") as opened:
        while True:
            block = opened.read(BLOCK)
            if (place := block.find(0)) >= 0:
                raise DataError(
                    f"{file} is no text: it holds a NUL byte at byte {opened.tell() - len(block) + place}",
                    hint="is it UTF-16, or was it cut off while it was written? Make it UTF-8 with iconv, or write it again",
                )
            kept = len(decoder.getstate()[0])
            try:
                decoder.decode(block, final=not block)
            except UnicodeDecodeError as error:
                raise _not_utf8(file, error, opened.tell() - len(block) - kept + error.start) from None
            if not block:
                return


def require_line_feeds(file: Path) -> None:
    """Raise DataError where lines end with carriage returns alone, which polars takes for one line."""
    with file.open("rb") as opened:
        head = opened.read(BLOCK)
    if b"\r" in head and b"\n" not in head:
        raise DataError(
            f"the lines of {file} end with carriage returns alone", hint=f"tr '\\r' '\\n' < {file} > new.csv"
        )


def require_width(file: Path, dialect: Dialect, skip: int, names: Sequence[str]) -> None:
    """Raise DataError naming the first line that has not a value a name; polars would fill a short one with gaps."""
    if len(names) > 1 and dialect.is_plain and _maybe_uneven(file, dialect, skip, len(names) - 1):
        name_uneven(file, dialect, skip, names)


def name_uneven(file: Path, dialect: Dialect, skip: int, names: Sequence[str]) -> None:
    """Raise DataError naming the first line that has not a value a name, or whose quote is not closed."""
    import csv

    before = skip
    with _long_values(), file.open(encoding="utf-8-sig", errors="replace", newline="") as opened:
        for _ in range(skip):
            next(opened, None)
        rows: Any = dialect.rows(chain(opened, ["\n", _END]))
        try:
            for row in rows:
                last = skip + rows.line_num
                if row and row[-1].endswith(_END) and row != [_END]:
                    raise _unclosed(file, before + 1)
                if len(row) != len(names) and any(value.strip() for value in row) and row != [_END]:
                    raise _uneven(file, before + 1, last, row, names)
                before = last
        except csv.Error:
            # What a quote has swallowed.
            raise _unclosed(file, before + 1) from None


@contextmanager
def _long_values() -> Iterator[None]:
    """Let Python's module read values of any length, which it else refuses from 131,072 characters on."""
    import csv

    before = csv.field_size_limit(LONGEST)
    try:
        yield
    finally:
        csv.field_size_limit(before)


def is_even(lines: bytes, dialect: Dialect, separators: int) -> bool:
    """Tell whether each of some whole lines that is not blank holds so many separators, and every quote is closed.

    Where there are no quotes, the sum decides, as in `require_width`: polars refuses the long line next to a short one.
    """
    if not lines.endswith(b"\n"):
        lines += b"\n"
    if not dialect.quotes_in(lines) and _adds_up(lines, len(lines), dialect, separators):
        return True
    whole, uneven = _counted(lines, dialect, separators)
    return whole == len(lines) and not uneven


def _maybe_uneven(file: Path, dialect: Dialect, skip: int, separators: int) -> bool:
    """Tell, fast, whether some line holds fewer separators; wrongly perhaps where quotes stand alone.

    Where there are no quotes, the sum decides: a short line next to a long one is missed here, and the long one by nobody.
    """
    rest = b""
    with file.open("rb") as opened:
        for _ in range(skip):
            opened.readline()
        while block := opened.read(LARGE_BLOCK):
            lines = rest + block
            whole = lines.rfind(b"\n") + 1
            if dialect.quotes_in(lines) or not _adds_up(lines, whole, dialect, separators):
                whole, uneven = _counted(lines, dialect, separators)
                if uneven or len(lines) - whole > 64 * LARGE_BLOCK:
                    return True
            rest = lines[whole:]
    whole, uneven = _counted(rest + b"\n", dialect, separators)
    return uneven or whole <= len(rest)


def _adds_up(lines: bytes, end: int, dialect: Dialect, separators: int) -> bool:
    """Tell whether the separators up to a place are as many as its lines should hold together."""
    return lines.count(dialect.separator.encode(), 0, end) == separators * lines.count(b"\n", 0, end)


def _counted(lines: bytes, dialect: Dialect, separators: int) -> tuple[int, bool]:
    """Return how many bytes are whole lines, and whether one of them holds another number of separators and is not blank."""
    import numpy as np

    separator = dialect.separator.encode()
    data = np.frombuffer(lines, dtype=np.uint8)
    marks = np.flatnonzero((data == 10) | (data == separator[0]))
    if dialect.quote is not None and dialect.quotes_in(lines):
        # What an odd number of quotes comes before is inside of them.
        marks = marks[np.searchsorted(np.flatnonzero(data == ord(dialect.quote)), marks) % 2 == 0]
    ends = np.flatnonzero(data[marks] == 10)
    if not len(ends):
        return 0, False
    stops = marks[ends]
    starts = np.concatenate([[0], stops[:-1] + 1])
    odd = np.flatnonzero(np.diff(ends, prepend=-1) - 1 != separators)
    uneven = any(
        separator in lines[starts[i] : stops[i]] or lines[starts[i] : stops[i]].strip(b" \t\r\xef\xbb\xbf") for i in odd
    )
    return int(stops[-1]) + 1, uneven


def code_columns(source: str | BytesIO, options: Mapping[str, Any]) -> list[str]:
    """Return the columns of whole numbers of which some begin with a zero, by the first rows: codes such as 007, not numbers.

    options: of `polars.scan_csv`
    """
    import polars as pl

    some = {**options, "schema_overrides": None, "infer_schema": False, "n_rows": CODE_ROWS}
    try:
        frame = pl.scan_csv(source, **some).collect()
    except pl.exceptions.PolarsError:
        return []
    texts = pl.all().str.strip_chars()
    padded = frame.select(texts.str.contains(r"^0\d+$").any() & texts.str.contains(r"^\d+$").all())
    return [name for name in padded.columns if padded[name][0]]


def blank_lines_at_end(file: Path, separator: str) -> int:
    """Count the lines at the very end of a file that hold neither a separator nor text: polars makes rows of them."""
    blanks = b" \t\r\n".replace(separator.encode(), b"")
    size, length = file.stat().st_size, BLOCK
    with file.open("rb") as opened:
        while True:
            opened.seek(max(0, size - length))
            tail = opened.read()
            text = tail.rstrip(blanks)
            if text or length >= size:
                break
            length *= 2
    # What follows the first line break; the last line needs none of its own.
    _, *lines = tail[len(text) :].split(b"\n")
    return len(lines) - (lines[-1:] == [b""])


def may_hold_dates(source: str | BytesIO, options: Mapping[str, Any]) -> bool:
    """Tell whether a column may hold dates only, by the first rows: looking for them in all texts of a file is slow.

    options: of `polars.scan_csv`
    """
    import polars as pl

    some = {**options, "try_parse_dates": True, "infer_schema_length": HEAD, "n_rows": HEAD}
    try:
        frame = pl.scan_csv(source, **some).collect()
    except pl.exceptions.PolarsError:
        return True
    return any(column.dtype.is_temporal() or column.null_count() == len(column) for column in frame)


def _unclosed(file: Path, line: int) -> DataError:
    hint = f"{NO_QUOTE} where quotes are part of the texts; otherwise close it"
    return DataError(f"line {line} of {file} opens a quote that is not closed", hint=hint)


def _uneven(file: Path, first: int, last: int, row: Sequence[str], names: Sequence[str]) -> DataError:
    where = f"line {first} of {file}" if first == last else f"the row in lines {first} to {last} of {file}"
    values, width = len(row), len(names)
    hint = _QUOTES if last > first or values > width else _SHORT
    if values == width + 1 and not row[-1].strip():
        hint = f"lines end with a separator, and the first does not: {_one_more(names)}"
    return DataError(
        f"{where} has {values} {'value' if values == 1 else 'values'}, where there are {width} columns", hint=hint
    )


def _one_more(names: Sequence[str]) -> str:
    """Return how a file is read of which every line but the first ends with a separator."""
    if len(names) > MOST_TYPED:
        return "add one to it"
    return f"add one to it, or source.skip_rows=1 {list_option('source.columns', [*names, f'c{len(names) + 1}'])}"


MOST_TYPED = 30
"""Names that are shown as a list to be typed."""
NO_QUOTE = "source.quote=none"


_END = "\0 the end of the file"
_SHORT = "is the file cut short, or a separator missing?"
_QUOTES = "look at its separators and quotes: a value that holds a separator, a quote or a line break stands in quotes"


def _not_utf8(file: Path, error: UnicodeDecodeError, at: int) -> DataError:
    return DataError(f"{file} is not UTF-8: {error.reason} at byte {at}", hint="source.encoding=utf8-lossy")
