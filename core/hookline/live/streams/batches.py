"""Batches of a source that reads on, each stored under the position after which it begins."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hookline.data.collecting import alone, require_reads_on
from hookline.errors import DataError, StoreError
from hookline.kinds.kinds import Source
from hookline.kinds.plain import from_json
from hookline.kinds.streams.places import place_of
from hookline.registry.registry import Registry
from hookline.workspace.signing import flush

from .places import keep, require_same

if TYPE_CHECKING:
    import polars as pl

FOLDER = "streams"
"""Where batches lie in the home."""
DIGITS = 16


@dataclass(frozen=True)
class Batch:
    """Rows between two positions of a source."""

    after: str | None
    upto: str
    rows: int


@dataclass(frozen=True)
class Batches:
    """The batches that were read for one purpose; a batch counts once its rows and then its note are on the disk.

    Whoever knows the position of the last one that he made use of, knows which are next: nothing else moves. Where a process is
    killed while it stores a batch, the next stores it again.
    """

    folder: Path

    def since(self, position: str | None) -> Iterator[Batch]:
        """Yield the batches that follow a position, each beginning where the one before it ends; raises StoreError."""
        while (batch := self._stored(position)) is not None:
            yield batch
            position = batch.upto

    def every(self) -> list[Batch]:
        """Return all batches that are stored, the oldest first, whichever positions they follow; raises StoreError."""
        notes = [path for path in self.folder.glob("*.json") if path.with_suffix(".parquet").is_file()]
        return [self._read(path) for path in sorted(notes, key=lambda path: (path.stat().st_mtime_ns, path.name))]

    def note(self, batch: Batch) -> Path:
        """Return the file that says of a batch that it is there, beside which its rows lie."""
        return self._path(batch.after, "json")

    def take(self, registry: Registry, source: Source, position: str | None) -> list[Batch]:
        """Return all batches that follow a position, once what the source has beyond them is stored as another.

        Raises UsageError where the source does not read on or the batches are of another one, DataError where its rows cannot
        be read or some were lost.
        """
        reader: Any = require_reads_on(registry, source)
        with alone(self.folder):
            require_same(self.folder, place_of(source), f"to begin with this one, move {self.folder} away")
            found = list(self.since(position))
            last = found[-1].upto if found else position
            upto = reader.position()
            return found if upto == last else [*found, self._store(reader, last, upto)]

    def frame(self, batches: list[Batch]) -> pl.DataFrame:
        """Return the rows of batches, in order; raises DataError where a column is of types that have nothing in common."""
        import polars as pl

        frames = [pl.read_parquet(self._path(one.after, "parquet")) for one in batches if one.rows]
        if not frames:
            return pl.DataFrame()
        try:
            return pl.concat(frames, how="diagonal_relaxed")
        except pl.exceptions.PolarsError as error:
            raise DataError(
                f"the rows that came have columns of other types than those before: {str(error).splitlines()[0]}",
                hint="say the types at the source",
            ) from error

    def _stored(self, after: str | None) -> Batch | None:
        note = self._path(after, "json")
        return self._read(note) if note.is_file() else None

    def _read(self, note: Path) -> Batch:
        try:
            return from_json(Batch, json.loads(note.read_text("utf-8")))
        except ValueError as error:
            raise StoreError(
                f"{note} is damaged", hint="move it away: the batch is read from the source again"
            ) from error

    def _store(self, reader: Any, after: str | None, upto: str) -> Batch:
        import polars as pl

        path = self._path(after, "parquet")
        temporary = path.with_name(f".{path.name}")
        try:
            reader.load_between(after, upto).frame.sink_parquet(temporary)
            flush(temporary)
            temporary.replace(path)
        except pl.exceptions.PolarsError as error:
            raise DataError(f"the rows that came cannot be read: {str(error).splitlines()[0]}") from error
        finally:
            temporary.unlink(missing_ok=True)
        keep(self.folder, place_of(reader))
        flush(self.folder)
        rows = int(pl.scan_parquet(path, glob=False).select(pl.len()).collect().item())
        batch = Batch(after, upto, rows)
        self._note(batch)
        return batch

    def _note(self, batch: Batch) -> None:
        note = self._path(batch.after, "json")
        temporary = note.with_name(f".{note.name}")
        temporary.write_text(json.dumps(asdict(batch)), "utf-8")
        flush(temporary)
        temporary.replace(note)
        flush(self.folder)

    def _path(self, after: str | None, suffix: str) -> Path:
        name = "start" if after is None else hashlib.sha256(after.encode()).hexdigest()[:DIGITS]
        return self.folder / f"{name}.{suffix}"
