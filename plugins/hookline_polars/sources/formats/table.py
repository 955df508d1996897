"""The formats that are read, found by a file's suffix, and what a file's first bytes say that it is instead."""

from __future__ import annotations

import codecs
import os
import shlex
from collections.abc import Mapping
from pathlib import Path

from hookline.errors import DataError

from ..messages import EMPTY
from ..places.packed import unpacked_name
from .base import Reader
from .columnar import IpcReader, ParquetReader
from .csv import CsvReader
from .excel import ExcelReader
from .logged.delta import DeltaReader, is_delta
from .logged.iceberg import IcebergReader, is_iceberg
from .ndjson import NdjsonReader

READERS: Mapping[str, type[Reader]] = {
    "csv": CsvReader,
    "parquet": ParquetReader,
    "ndjson": NdjsonReader,
    "ipc": IpcReader,
    "excel": ExcelReader,
    "delta": DeltaReader,
    "iceberg": IcebergReader,
}
"""Format -> what reads it."""
SUFFIXES: Mapping[str, str] = {suffix: name for name, reader in READERS.items() for suffix in reader.suffixes}
"""Suffix -> format."""
OTHERS: Mapping[bytes, tuple[str, str]] = {
    b"\x1f\x8b": ("packed with gzip", "unpack it first: gunzip {file}"),
    b"\x28\xb5\x2f\xfd": ("packed with zstd", "unpack it first: unzstd {file}"),
    b"BZh": ("packed with bzip2", "unpack it first: bunzip2 {file}"),
    b"\xfd7zXZ": ("packed with xz", "unpack it first: unxz {file}"),
    b"PK\x03\x04": ("a zip archive or a spreadsheet", "unpack it, or save the sheet as CSV"),
    b"SQLite format 3": ("a SQLite database", "write the table to a CSV or Parquet file"),
    b"\xff\xfe": ("UTF-16 text", "iconv -f UTF-16 -t UTF-8 {file} > new.csv"),
    b"\xfe\xff": ("UTF-16 text", "iconv -f UTF-16 -t UTF-8 {file} > new.csv"),
}
"""First bytes -> what has them, and what to do about it."""
SUFFIX_HINTS: Mapping[str, str] = {
    ".json": "write one object a line, and call it .ndjson",
    **dict.fromkeys((".xls", ".xlsb", ".ods"), "save it as .xlsx, or the sheet as CSV"),
    **{
        suffix: f"unpack it first: {command} {{file}}, and then source.path={{unpacked}}"
        for suffix, command in ((".bz2", "bunzip2 -k"), (".xz", "unxz -k"))
    },
}
"""Suffix of a file that is not read -> what to do about it."""


def known_suffix(name: str) -> bool:
    """Tell whether a file's name ends as one of a known format does, packed or not."""
    return os.path.splitext(unpacked_name(name))[1].lower() in SUFFIXES  # noqa: PTH122  names may be many


def format_of(file: Path) -> str:
    """Return the format that a file's suffix stands for; raises DataError where it stands for none."""
    if is_delta(file):
        return "delta"
    if is_iceberg(file):
        return "iceberg"
    suffix = file.suffix.lower()
    if suffix not in SUFFIXES:
        hint = SUFFIX_HINTS.get(suffix, "say it: source.format=csv")
        told = hint.format(file=shlex.quote(str(file)), unpacked=shlex.quote(str(file.with_suffix(""))))
        raise DataError(f"the format of {file} is not known from its suffix", hint=told)
    return SUFFIXES[suffix]


def require_format(file: Path, wanted: type[Reader]) -> None:
    """Raise DataError where a file is empty, or plainly of another format than the wanted one."""
    if wanted in (DeltaReader, IcebergReader):
        return
    with file.open("rb") as opened:
        head = opened.read(4096)
    if not head:
        raise DataError(f"{file} is empty", hint=EMPTY)
    for first, (what, hint) in OTHERS.items():
        if head.startswith(first) and first != wanted.magic:
            raise DataError(f"{file} is {what}, not {wanted.title}", hint=hint.format(file=file))
    # Any text may be CSV, and a text format says itself what is wrong with it.
    fallback = "csv" if wanted.magic and _is_text(head) else None
    found = next((name for name, reader in READERS.items() if reader.looks_like(head)), fallback)
    if found is None and wanted.magic:
        raise DataError(
            f"{file} is neither {wanted.title} nor text: its first bytes are {head[:4].hex(' ')}",
            hint="copy or write it again",
        )
    if found is not None and READERS[found] is not wanted:
        raise DataError(f"{file} is {READERS[found].title}, not {wanted.title}", hint=f"source.format={found}")


def _is_text(head: bytes) -> bool:
    """Tell whether first bytes may be a text's; a character may be cut at their end."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    try:
        decoder.decode(head)
    except UnicodeDecodeError:
        return False
    return b"\0" not in head
