"""Rows of a source that reads on, collected part by part into a folder, each row exactly once."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hookline.errors import DataError, Problem, StoreError, UsageError
from hookline.kinds.capabilities import ReadsOn
from hookline.kinds.given.names import require_name
from hookline.kinds.kinds import Source
from hookline.kinds.plain import from_json, plain
from hookline.registry.registry import Registry
from hookline.telling.secrets import logger
from hookline.workspace.signing import flush

from .frames import require_names

if TYPE_CHECKING:
    import polars as pl

log = logger("hookline.data.collecting")

FORMAT = 1
"""Version of the mark's file."""
MARK = ".mark.json"
WRITING = ".writing"
"""Ends the name of a file that is not whole yet; it begins with a dot, so that no reader of the folder takes it."""


@dataclass(frozen=True)
class Collected:
    """What one call collected.

    path: the folder of all parts; part: the new one, None where there was nothing new; rows: of the new part
    """

    name: str
    path: Path
    part: Path | None
    rows: int
    position: str
    """Up to where the source was read."""

    @property
    def source(self) -> tuple[str, str]:
        """The overrides that make a run, or another command, read all that was collected."""
        return "source=file", f"source.path={self.path}"


@dataclass(frozen=True)
class Mark:
    """How far the source was read, and what the parts hold; moved only once the rows up to it are on the disk."""

    source: str
    """Digest of the source's name and fields; the fields themselves may hold a secret."""
    position: str | None = None
    parts: int = 0
    """How many there are, so that the next has this number."""
    columns: Mapping[str, str] = field(default_factory=dict)
    """Column -> dtype of every part."""
    format: int = FORMAT


def collect(registry: Registry, home: Path, name: str, source: Source) -> Collected:
    """Store the rows that came since the last call as one Parquet part in `home/collected/NAME`, and then move the mark.

    The mark is a file beside the parts rather than a row of the catalog, so that rows and mark are on one disk and are
    copied, restored and deleted together. A part is named by the number of those before it, so that a call that was killed
    before it moved the mark is made good by the next one, which replaces what that had stored, also where more rows have
    come since. Another process that collects the same name waits.
    Raises UsageError for a source that does not read on or a name that collects another one, DataError where the rows have
    other columns than those before or the source has lost some, StoreError where the mark is damaged.
    """
    reader = require_reads_on(registry, source)
    require_name(name, "a folder", "clicks")
    folder = home / "collected" / name
    with alone(folder):
        mark = _read_mark(folder, source)
        position = reader.position()
        if position == mark.position:
            return Collected(name, folder, None, 0, position)
        return _next_part(folder, mark, source, position)


def require_reads_on(registry: Registry, source: Source) -> ReadsOn:
    """Return a source as one that reads on; raises UsageError, with those that do, where it does not."""
    if isinstance(source, ReadsOn):
        return source
    able = [name for name in registry.names("source") if issubclass(registry.entry("source", name).cls, ReadsOn)]
    raise UsageError(
        f"source '{source.name}' cannot be read on from where it was left",
        hint=f"sources that can: {', '.join(able) or 'none is installed'}",
    )


@contextmanager
def alone(folder: Path) -> Iterator[None]:
    """Hold the lock of a folder, which is made where it is not there; a killed holder frees it."""
    from filelock import FileLock, Timeout

    folder.mkdir(parents=True, exist_ok=True)
    held = FileLock(folder / ".lock")
    try:
        held.acquire(timeout=0)
    except Timeout:
        log.info("waiting for another process, which collects into %s", folder)
        held.acquire()
    try:
        yield
    finally:
        held.release()


def _next_part(folder: Path, mark: Mark, source: Any, position: str) -> Collected:
    """Store the rows from the mark up to a position, and move the mark there; a part of no rows is none."""
    part = folder / f"part-{mark.parts:08d}.parquet"
    temporary = folder / f".{part.name}{WRITING}"
    try:
        rows, columns = _write(source.load_between(mark.position, position).frame, temporary, mark, source)
        if rows:
            flush(temporary)
            temporary.replace(part)
        else:
            # What a killed call may have stored under this number is not what the source says lies between.
            part.unlink(missing_ok=True)
        flush(folder)
    finally:
        temporary.unlink(missing_ok=True)
    parts = mark.parts + (1 if rows else 0)
    _write_mark(folder, Mark(mark.source, position, parts, columns if rows else mark.columns))
    return Collected(folder.name, folder, part if rows else None, rows, position)


def _write(frame: pl.LazyFrame, path: Path, mark: Mark, source: Source) -> tuple[int, Mapping[str, str]]:
    """Write rows as a Parquet file; returns how many, and their columns."""
    import polars as pl

    try:
        schema = frame.collect_schema()
        require_names(schema.names())
        columns = {name: repr(dtype) for name, dtype in schema.items()}
        _require_same(mark.columns or columns, columns)
        frame.select(list(mark.columns or columns)).sink_parquet(path)
    except pl.exceptions.PolarsError as error:
        raise DataError(f"the rows of source '{source.name}' cannot be read: {str(error).splitlines()[0]}") from error
    return int(pl.scan_parquet(path, glob=False).select(pl.len()).collect().item()), columns


def _require_same(before: Mapping[str, str], now: Mapping[str, str]) -> None:
    """Raise DataError naming each column in which new rows are unlike the parts before them."""
    problems = [Problem(name, f"is gone; it was {dtype}") for name, dtype in before.items() if name not in now]
    problems += [Problem(name, f"is new, {dtype}") for name, dtype in now.items() if name not in before]
    problems += [
        Problem(name, f"was {dtype}, and is {now[name]}")
        for name, dtype in before.items()
        if now.get(name, dtype) != dtype
    ]
    if problems:
        raise DataError(
            "the new rows have other columns than those that were collected before; nothing was stored",
            problems,
            hint="say what the columns are at the source, or collect these rows under another name",
        )


def _read_mark(folder: Path, source: Source) -> Mark:
    """Return the mark, at the beginning where nothing was collected yet."""
    told = json.dumps([source.name, plain(source)], sort_keys=True)
    digest = hashlib.sha256(told.encode()).hexdigest()
    try:
        mark = from_json(Mark, json.loads((folder / MARK).read_text("utf-8")))
    except FileNotFoundError:
        mark = Mark(digest)
    except ValueError as error:
        raise StoreError(f"{folder / MARK} is damaged", hint="collect anew under another name") from error
    if mark.source != digest:
        raise UsageError(
            f"'{folder.name}' is collected from a source of another name or with other fields, and its mark means nothing "
            f"to source '{source.name}' as it is here",
            hint="collect it under another name",
        )
    _require_known(folder, mark)
    return mark


def _require_known(folder: Path, mark: Mark) -> None:
    """Raise StoreError where there are parts beyond the one that a killed call may have left: rows would come twice."""
    beyond = sorted(path.name for path in folder.glob("part-*.parquet") if path.name > f"part-{mark.parts:08d}.parquet")
    if beyond:
        raise StoreError(
            f"{folder} holds {beyond[0]}, of which its mark does not know: was {MARK} lost, or brought back?",
            hint="move the folder away to collect anew, or collect under another name",
        )


def _write_mark(folder: Path, mark: Mark) -> None:
    """Move the mark, in one step."""
    temporary = folder / f"{MARK}{WRITING}"
    with temporary.open("w", encoding="utf-8") as file:
        json.dump(asdict(mark), file, indent=1)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(folder / MARK)
    flush(folder)
