"""Answers of a table put on record: a file of records a chunk, which joins the prediction log once the output is there."""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hookline.kinds.artifacts import ROW_ID
from hookline.kinds.fitted import PROBABILITY
from hookline.packages.parts import sync
from hookline.packages.scoring import Chunk, warnings_column

from ..log.rules import Rules
from ..segments.wanted import BATCH
from .panel import VERSION, Panel

if TYPE_CHECKING:
    import polars as pl

ID = "prediction_id"
BETWEEN = "\x1f"
"""Stands between the warnings of a row while they are one text; it is in none, as they are told to people."""
GROUPS = ((0, 8), (8, 4), (12, 4), (16, 4), (20, 12))
"""Where the groups of digits of a UUID begin, and how many each has."""


@dataclass(frozen=True)
class Recorder:
    """Puts a panel's answers on record in a folder of the prediction log."""

    panel: Panel
    folder: Path

    def add(self, chunk: Chunk, frame: pl.DataFrame, folder: Path | None, mark: str) -> pl.DataFrame:
        """Write the records of a chunk's answers, and return these with their ids; raises OSError.

        folder: where they wait for `publish`; None puts them on record at once
        """
        now = datetime.now(UTC)
        told = frame.with_columns(new_ids(frame.height))
        name = f"predictions-{now:%Y-%m-%d}-{mark}-{chunk.number:08d}.ndjson"
        place = self.folder if folder is None else folder
        place.mkdir(parents=True, exist_ok=True)
        for older in place.glob(f"predictions-*-{mark}-{chunk.number:08d}.ndjson"):
            # Of a chunk that is done again, perhaps on another day.
            older.unlink()
        with _whole(place / name) as temporary:
            self._records(chunk, told, now).write_ndjson(temporary)
        return told

    def publish(self, folder: Path) -> None:
        """Move the records that wait in a folder into the log; raises OSError, after which that can be done again."""
        self.folder.mkdir(parents=True, exist_ok=True)
        for file in sorted(folder.glob("predictions-*.ndjson")):
            _move(file, self.folder / file.name)

    def _records(self, chunk: Chunk, told: pl.DataFrame, now: datetime) -> pl.DataFrame:
        """Return one record a row, as the server writes it: with the raw row as it came."""
        import polars as pl

        assert chunk.rows is not None
        raw = chunk.rows.drop(ROW_ID)
        keys = self.panel.keys(raw)
        named = self.panel.live.roles.id in raw.columns
        rules = Rules.of(self.folder)
        record = told.select(
            pl.col(ID).alias("id"),
            pl.lit(now.isoformat().replace("+00:00", "Z")).alias("time"),
            pl.lit(self.panel.live.manifest["name"]).alias("model"),
            (pl.col(VERSION) if VERSION in told.columns else pl.lit(self.panel.version, pl.Int64)).alias("version"),
            pl.lit(BATCH).alias("arm"),
            raw.to_struct("row"),
            (pl.col("row_id") if named else pl.lit(None)).alias("row_id"),
            pl.col("prediction"),
            _shares(told).alias("probabilities"),
            _lists(chunk.told.warnings, told.height).alias("warnings"),
            pl.lit(round(chunk.seconds, 6)).alias("latency"),
            _texts(keys).alias("key"),
            pl.lit(None, pl.String).alias("request"),
            pl.lit(None, pl.String).alias("of"),
        )
        return _as_ruled(record, rules) if rules.changes else record


def _as_ruled(records: pl.DataFrame, rules: Rules) -> pl.DataFrame:
    """Return records with what the log's rules keep of a row, of what calls it, and of what decided who answers."""
    import polars as pl

    beside = {name: records[name].to_list() for name in ("row_id", "key")}
    rows = records["row"].to_list()
    named = [
        pl.Series(name, [rules.beside(value, row) for value, row in zip(values, rows, strict=True)], strict=False)
        for name, values in beside.items()
    ]
    return records.with_columns(pl.Series("row", [rules.row(row) for row in rows], strict=False), *named)


def new_ids(rows: int) -> pl.Series:
    """Return random UUIDs (RFC 9562, version 4), (rows,), made together, which is quicker than one by one."""
    import numpy as np
    import polars as pl

    drawn = np.frombuffer(os.urandom(16 * rows), np.uint8).reshape(rows, 16).copy()
    drawn[:, 6] = drawn[:, 6] & 0x0F | 0x40
    drawn[:, 8] = drawn[:, 8] & 0x3F | 0x80
    digits = np.frombuffer(drawn.tobytes().hex().encode(), "S32").astype("U32")
    whole = pl.Series(ID, digits.tolist(), pl.String).to_frame()
    groups = [pl.col(ID).str.slice(start, length) for start, length in GROUPS]
    return whole.select(pl.concat_str(groups, separator="-").alias(ID)).to_series()


def _texts(keys: Sequence[Any] | None) -> Any:
    import polars as pl

    if keys is None:
        return pl.lit(None, pl.String)
    return pl.Series([None if key is None else str(key) for key in keys], dtype=pl.String)


def _lists(warnings: Mapping[int, tuple[str, ...]], rows: int) -> Any:
    """Return the warnings of each row as a list; made of texts, which is many times quicker than of lists."""
    import polars as pl

    parted = warnings_column(warnings, rows, BETWEEN).str.split(BETWEEN)
    return parted.list.filter(pl.element() != "")


def _shares(told: pl.DataFrame) -> Any:
    import polars as pl

    names = [name for name in told.columns if name.startswith(PROBABILITY)]
    return pl.concat_list(names) if names else pl.lit(None)


@contextmanager
def _whole(path: Path) -> Iterator[Path]:
    """Give a name to write under; the file gets its own once the disk has it. The reader of a log passes over the other."""
    temporary = path.with_name(f".{path.name}")
    try:
        yield temporary
        sync(temporary)
        temporary.replace(path)
    finally:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)


def _move(file: Path, place: Path) -> None:
    try:
        file.replace(place)
    except OSError as error:
        if error.errno != errno.EXDEV:
            raise
        with _whole(place) as temporary:
            shutil.copyfile(file, temporary)
        file.unlink()
