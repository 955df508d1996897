"""An answer as a file of rows that a file source reads, and what must be known of it before."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from hookline.errors import DataError

from .client import Answer
from .faults import shown

Format = Literal["auto", "json", "ndjson", "csv", "parquet"]
KINDS: Mapping[str, Format] = {
    "application/json": "json",
    "application/x-ndjson": "ndjson",
    "application/ndjson": "ndjson",
    "application/jsonl": "ndjson",
    "text/csv": "csv",
    "application/csv": "csv",
    "application/vnd.apache.parquet": "parquet",
    "application/x-parquet": "parquet",
}
"""Content type -> format."""
SUFFIXES: Mapping[str, Format] = {
    ".json": "json",
    ".ndjson": "ndjson",
    ".jsonl": "ndjson",
    ".csv": "csv",
    ".parquet": "parquet",
}
ROWS = "rows.ndjson"
LARGEST_JSON = 1 << 28
"""Bytes of one JSON answer, which is held in memory whole."""

WRITTEN = json.JSONEncoder(ensure_ascii=False, allow_nan=False)
"""How records are written for the file source."""


@dataclass(frozen=True)
class Layout:
    """Where the rows of an answer stand."""

    format: Format
    records: str | None
    """Where the list of records stands in a JSON answer, as `data.items`."""
    cursor: str | None
    """Where the next cursor or URL stands in it."""
    columns: Sequence[str]
    """Which fields of its records are kept; all where none are named."""


@dataclass(frozen=True)
class Page:
    """Rows of one answer."""

    file: Path
    rows: int
    digest: str
    """Of the answer's bytes."""
    following: str | None = None
    """The cursor or URL of the next page, as a JSON answer says it."""
    kinds: Mapping[str, str] | None = None
    """Of JSON: field -> what its values are, "" where none has any."""
    linked: bool = False
    """Whether its answer has a Link header at all."""


def page_of(answer: Answer, layout: Layout, number: int, folder: Path) -> Page:
    """Return an answer's rows, written to a file of the folder; raises DataError for what is not of its format.

    Those of JSON are put below those of the pages before, so that many small pages are one file.
    """
    require_data(answer)
    form = format_of(answer, layout.format)
    with answer.body.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    if form == "json":
        return _json_page(answer, layout, number, folder / ROWS, digest)
    if layout.cursor is not None:
        raise DataError(
            f"{shown(answer.url)} answers with {form}, which has no place for source.cursor={layout.cursor}",
            hint="ask for JSON, or page otherwise: source.paging=link, page or offset",
        )
    kept = answer.body.rename(folder / f"page-{number:06d}.{form}")
    return Page(kept, _count(kept, form), digest, linked=answer.linked)


def rows_end(folder: Path) -> int:
    """Return the bytes of the file that rows of JSON are put below each other in."""
    file = folder / ROWS
    return file.stat().st_size if file.exists() else 0


def format_of(answer: Answer, said: Format) -> Format:
    """Return the format of an answer: as said, by its content type, or by the end of its URL's path."""
    if said != "auto":
        return said
    found = KINDS.get(answer.kind) or SUFFIXES.get(Path(answer.url.partition("?")[0]).suffix.lower())
    if found is None and answer.kind.endswith("+json"):
        return "json"
    if found is None:
        raise DataError(
            f"{shown(answer.url)} answers with '{answer.kind or 'no content type'}', which says no format",
            hint="say it: source.format=json, ndjson, csv or parquet",
        )
    return found


def require_data(answer: Answer) -> None:
    """Raise DataError for a page that is for people: of a login, or of an error that calls itself a success."""
    with answer.body.open("rb") as file:
        head = file.read(2000).decode("utf-8", "replace")
    if not re.match(r"\ufeff?\s*<(!doctype html|html)", head, re.IGNORECASE):
        return
    title = re.search(r"<title[^>]*>([^<]{1,100})", head, re.IGNORECASE)
    called = f", titled '{title[1].strip()}'" if title else ""
    raise DataError(
        f"{shown(answer.url)} answers with a page for people (HTML){called}, and not with data",
        hint="look at it in a browser: it may ask to log in, or tell of an error",
    )


def _json_page(answer: Answer, layout: Layout, number: int, file: Path, digest: str) -> Page:
    if answer.body.stat().st_size > LARGEST_JSON:
        raise DataError(
            f"{shown(answer.url)} answers with more than {LARGEST_JSON:,} bytes of JSON at once",
            hint="ask for pages, or for NDJSON, CSV or Parquet",
        )
    try:
        told = json.loads(answer.body.read_bytes(), parse_constant=_constant)
    except (ValueError, RecursionError) as error:
        raise DataError(
            f"page {number} of {shown(answer.url)} is no JSON, or cut short: {str(error).partition(chr(10))[0][:100]}",
            hint="look at it with curl; if it is another format, say source.format",
        ) from None
    rows = _rows(told, layout.records, answer.url)
    if layout.columns:
        rows = [{name: row[name] for name in layout.columns if name in row} for row in rows]
    following = None if layout.cursor is None else _next(told, layout.cursor, number, answer.url)
    try:
        (following or "").encode()
        with file.open("ab") as out:
            out.writelines(f"{WRITTEN.encode(row)}\n".encode() for row in rows)
    except ValueError as error:
        half = isinstance(error, UnicodeEncodeError)
        wrong = "a text with half a character (a lone surrogate)" if half else "a number that is infinite or too large"
        raise DataError(
            f"page {number} of {shown(answer.url)} has {wrong}, which cannot be kept",
            hint="leave its field out by source.columns=[...], or report it to who runs the server",
        ) from None
    answer.body.unlink()
    return Page(file, len(rows), digest, following, _kinds(rows), answer.linked)


def _next(told: Any, cursor: str, number: int, url: str) -> str | None:
    """Return the cursor or URL of the next page; None after the last one, which may leave it out unless it is the first."""
    if number == 1:
        _require_cursor(told, cursor, url)
    found = _at(told, cursor)
    return None if found in (None, False, "") else str(found)


def _require_cursor(told: Any, cursor: str, url: str) -> None:
    """Raise DataError where an answer has no such field at all: it is misspelt, and the rest would go unread."""
    at = told
    for name in cursor.split("."):
        if at is None:
            return
        if not isinstance(at, Mapping) or name not in at:
            has = ", ".join(at)[:200] if isinstance(at, Mapping) and at else "no fields"
            raise DataError(
                f"page 1 of {shown(url)} has no field '{name}', for source.cursor={cursor}; there are {has}",
                hint="say where the next cursor or URL stands; if this page is all, leave out source.paging and source.cursor",
            )
        at = at[name]


def _constant(name: str) -> float | None:
    """Return what a word stands for that is no JSON, and that many servers write all the same: NaN is a missing value."""
    return None if name == "NaN" else float(name)


def _rows(told: Any, records: str | None, url: str) -> Sequence[Mapping[str, Any]]:
    """Return the records of an answer."""
    found = told if records is None else _at(told, records)
    if isinstance(found, list) and all(isinstance(row, Mapping) for row in found):
        return found
    lists = [name for name, value in told.items() if isinstance(value, list)] if isinstance(told, Mapping) else []
    where = "the answer" if records is None else f"source.records={records}"
    raise DataError(
        f"{where} of {shown(url)} is no list of records",
        hint=f"say where they stand: source.records={lists[0] if lists else 'data.items'}",
    )


def _at(told: Any, path: str) -> Any:
    """Return what stands at a dotted path; None where nothing does."""
    for name in path.split("."):
        told = told.get(name) if isinstance(told, Mapping) else None
    return told


def _kinds(rows: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    found: dict[str, str] = {}
    for row in rows:
        for name, value in row.items():
            kind = _kind(value)
            if kind or name not in found:
                found[name] = kind or found.get(name, "")
    return found


def _kind(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, (int, float)):
        return "number"
    return "text" if isinstance(value, str) else "list" if isinstance(value, list) else "record"


def _count(file: Path, form: Format) -> int:
    """Return how many rows a file has."""
    import polars as pl

    if file.stat().st_size == 0:
        return 0
    try:
        if form == "parquet":
            return int(pl.scan_parquet(file).select(pl.len()).collect().item())
        if form == "csv":
            return int(
                pl.scan_csv(file, infer_schema=False, truncate_ragged_lines=True).select(pl.len()).collect().item()
            )
    except pl.exceptions.PolarsError:
        # Whoever reads the rows says what is wrong with them.
        return 1
    with file.open("rb") as lines:
        return sum(1 for line in lines if line.strip())
