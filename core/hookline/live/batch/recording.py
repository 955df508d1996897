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

from hookline.errors import StoreError
from hookline.kinds.artifacts import ROW_ID
from hookline.kinds.fitted import PROBABILITY
from hookline.packages.parts import sync
from hookline.packages.scoring import Chunk, warnings_column

from ..log.rules import Rules
from ..routing import key_text
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
            rules, records = Rules.of(self.folder), self._records(chunk, told, now)
            if rules.changes:
                _write_ruled(records, rules, temporary)
            else:
                records.write_ndjson(temporary)
        return told

    def publish(self, folder: Path) -> None:
        """Move the records that wait in a folder into the log, all of them or none; raises StoreError."""
        moved: list[Path] = []
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            for file in sorted(folder.glob("predictions-*.ndjson")):
                _move(file, self.folder / file.name)
                moved.append(file)
        except OSError as error:
            for file in moved:
                with suppress(OSError):
                    _move(self.folder / file.name, file)
            raise unrecorded(error, "free the disk, and say the same again") from error

    def _records(self, chunk: Chunk, told: pl.DataFrame, now: datetime) -> pl.DataFrame:
        """Return one record a row, as the server writes it: with the raw row as it came."""
        import polars as pl

        assert chunk.rows is not None
        raw = chunk.rows.drop(ROW_ID)
        keys = self.panel.keys(raw)
        named = self.panel.live.roles.id in raw.columns
        return told.select(
            pl.col(ID).alias("id"),
            pl.lit(now.isoformat().replace("+00:00", "Z")).alias("time"),
            pl.lit(self.panel.model or self.panel.live.manifest["name"]).alias("model"),
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


def _write_ruled(records: pl.DataFrame, rules: Rules, path: Path) -> None:
    """Write records with what the log's rules keep of a row, of what calls it, and of what decided who answers."""
    heads = _beside(records, rules).drop("row").write_ndjson().split("\n")
    rows = _kept(records["row"].struct.unnest(), rules)
    with path.open("w", encoding="utf-8") as file:
        # As texts, since a row without columns beside others that have some would be one of nulls to polars.
        for head, row in zip(heads, rows):  # noqa: B905  rows end with the last, heads with an empty line
            if head:
                file.write(f'{head[:-1]},"row":{row if rules.keeps_row() else "{}"}}}\n')


def _beside(records: pl.DataFrame, rules: Rules) -> pl.DataFrame:
    import polars as pl

    if not rules.settings.columns:
        return records
    beside = {name: records[name].to_list() for name in ("row_id", "key")}
    rows = records["row"].to_list()
    return records.with_columns(
        pl.Series(name, [rules.beside(value, row) for value, row in zip(values, rows, strict=True)], strict=False)
        for name, values in beside.items()
    )


def _kept(raw: pl.DataFrame, rules: Rules) -> Sequence[str]:
    """Return raw rows as JSON texts, with the columns that are kept, hashed where that is the rule."""
    import polars as pl

    ruled = rules.settings.columns
    kept = raw.select(name for name in raw.columns if ruled.get(name) != "drop")
    if not kept.width:
        return ["{}"] * raw.height
    hashed = [
        pl.Series(name, [rules.value(name, value) for value in kept[name].to_list()], dtype=pl.String)
        for name in kept.columns
        if ruled.get(name) == "hash"
    ]
    return kept.with_columns(*hashed).write_ndjson().split("\n")


def unrecorded(error: OSError, hint: str) -> StoreError:
    """Return what to raise where answers cannot be put on record."""
    return StoreError(f"the answers cannot be recorded: {error.strerror or error}", hint=hint)


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
    return pl.Series([None if key is None else key_text(key) for key in keys], dtype=pl.String)


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
