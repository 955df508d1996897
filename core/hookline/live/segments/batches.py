"""A chunk of answers that were given together, written to a log as one closed segment."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import NAMESPACE_OID, uuid5

from hookline.kinds.fitted import Prediction

from . import parquet
from .parquet import Timed
from .segment import sync_folder
from .swapping import temporary_for

if TYPE_CHECKING:
    import polars as pl


@dataclass(frozen=True)
class Batch:
    """What is the same of all answers of a chunk."""

    model: str
    version: int | None
    time: datetime
    """When they were given, with its zone."""
    name: str
    """Of the chunk: letters and digits, the same where it is written again after a kill, and never given to another."""
    arm: str | None = None
    keep: Callable[[Mapping[str, Any]], Mapping[str, Any]] | None = None
    """What is recorded of a row, such as `Rules.row`; None: all."""


def record_batch(folder: Path, rows: pl.DataFrame, prediction: Prediction, batch: Batch) -> list[str]:
    """Record answers to rows, all or none, and return their ids; a chunk that is on record already stays as it is.

    rows: raw columns, in the order of the answers. Raises OSError where the disk does not take them.
    """
    found = list(_timed(rows, prediction, batch))
    ids = [str(one.record["id"]) for one in found]
    folder.mkdir(parents=True, exist_ok=True)
    if not found or any(folder.glob(f"predictions-*-{batch.name}{parquet.SUFFIX}")):
        return ids
    version = "none" if batch.version is None else batch.version
    path = folder / f"predictions-{found[0].time:%Y-%m-%d}-v{version}-{batch.name}{parquet.SUFFIX}"
    temporary = temporary_for(path)
    try:
        parquet.write(parquet.frame_of(found, batch.name), temporary)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
    sync_folder(folder)
    return ids


def _timed(rows: pl.DataFrame, prediction: Prediction, batch: Batch) -> Iterator[Timed]:
    import polars.selectors as cs

    time = batch.time.astimezone(UTC)
    shares = prediction.probabilities
    told = rows.with_columns(cs.float().fill_nan(None)).iter_rows(named=True)
    for place, (row, answer) in enumerate(zip(told, prediction.values.tolist(), strict=True)):
        record = {
            "id": str(uuid5(NAMESPACE_OID, f"{batch.model}/{batch.name}/{place}")),
            "time": time.isoformat(),
            "model": batch.model,
            "version": batch.version,
            "row": row if batch.keep is None else batch.keep(row),
            "row_id": None,
            "prediction": answer,
            "probabilities": None if shares is None else shares[place].tolist(),
            "warnings": list(prediction.warnings.get(place, ())),
            "arm": batch.arm,
        }
        line = json.dumps(record, default=_text)
        # As it will be read: a moment is a text in it.
        yield Timed(json.loads(line), line, time)


def _text(value: Any) -> str:
    return value.isoformat() if isinstance(value, date) else str(value)
