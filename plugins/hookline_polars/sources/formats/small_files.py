"""Many small CSV files with one and the same header, read as if they were one: a scan of each would cost more than its rows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .csv_lines import code_columns, is_even, may_hold_dates
from .dialect import Dialect

if TYPE_CHECKING:
    import polars as pl

FEW = 20
"""Fewer files are read one by one."""
SMALL = 1024**2
"""Bytes from which on a file is read by itself."""
TOGETHER = 32 * 1024**2
"""Bytes of the files of one group, whose types are inferred from all of them."""


@dataclass(frozen=True)
class Group:
    """Files that follow each other, with the types that all their values have; None where one is to be read by itself."""

    files: tuple[Path, ...]
    schema: pl.Schema | None


def groups(files: Sequence[Path], options: dict[str, Any], *, lossy: bool) -> Iterator[Group]:
    """Yield the files in order, those of one header together.

    options: of `polars.scan_csv`; lossy: whether bytes that are no UTF-8 are to be replaced
    """
    dialect = Dialect(options["separator"], options["quote_char"])
    header = b""
    held: list[Path] = []
    text = bytearray()
    for file in files:
        content = b"" if file.stat().st_size > SMALL else file.read_bytes()
        first = content[: content.find(b"\n") + 1]
        plain = _is_plain(content, first, dialect, lossy=lossy)
        if held and (not plain or first != header or len(text) > TOGETHER):
            yield _group(held, bytes(text), options)
            held = []
        if not plain:
            yield Group((file,), None)
            continue
        if not held:
            header, text = first, bytearray(first)
        held.append(file)
        text += content[len(first) :]
        if not text.endswith(b"\n"):
            text += b"\n"
    if held:
        yield _group(held, bytes(text), options)


def _is_plain(content: bytes, first: bytes, dialect: Dialect, *, lossy: bool) -> bool:
    """Tell whether a file is a header line and lines of values below, with nothing that needs a second look."""
    if (
        not first.strip()
        or dialect.quotes_in(first)
        or content.startswith(b"\xef\xbb\xbf")
        or len(first) == len(content)
    ):
        return False
    # Lines of another width than the header's are for the file's own scan to refuse; polars would fill them with gaps.
    if b"\0" in content or not is_even(content, dialect, first.count(dialect.separator.encode())):
        return False
    if content.endswith((b"\n\n", b"\r\n\r\n", b" \n", b"\t\n", b" ", b"\t")):
        return False
    try:
        content.decode("utf-8")
    except UnicodeDecodeError:
        return lossy
    return True


def _group(files: Sequence[Path], text: bytes, options: dict[str, Any]) -> Group:
    import polars as pl

    if len(files) == 1:
        return Group(tuple(files), None)
    try:
        dates = bool(options["infer_schema"]) and may_hold_dates(BytesIO(text), options)
        codes = dict.fromkeys(code_columns(BytesIO(text), options), pl.String()) if options["infer_schema"] else {}
        typed = {**options, "schema_overrides": {**(options["schema_overrides"] or {}), **codes}}
        frame = pl.scan_csv(BytesIO(text), infer_schema_length=None, try_parse_dates=dates, **typed)
        return Group(tuple(files), frame.collect_schema())
    except pl.exceptions.PolarsError:
        # One by one they tell which of them is wrong, and how.
        return Group(tuple(files), None)
