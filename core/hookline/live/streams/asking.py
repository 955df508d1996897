"""A few rows asked of a model: what is sent of each, also of one that the model refuses, and their records."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hookline.errors import DataError
from hookline.kinds.artifacts import ROW_ID
from hookline.packages.parts import new_mark
from hookline.packages.reading import reading_in
from hookline.packages.scoring import Chunk, Tally, Told
from hookline.registry.registry import Registry

from ..batch.panel import Panel
from ..batch.recording import ID, Recorder, new_ids
from ..rows import rows_for

if TYPE_CHECKING:
    import polars as pl

Answers = list[Mapping[str, Any]]
"""What is sent, one a row and in order."""


@dataclass(frozen=True)
class Asker:
    """Asks a panel."""

    registry: Registry
    panel: Panel
    recorder: Recorder
    id_column: str | None
    """What tells rows apart at their source, and is told with each answer."""

    def ask(self, rows: pl.DataFrame, start: int, folder: Path) -> tuple[Answers, Tally]:
        """Return the answers to rows as they came, and how many were strange; their records wait in a folder.

        start: the place of the first among all that are answered together
        """
        import polars as pl

        numbered = rows.with_row_index(ROW_ID, start).with_columns(pl.col(ROW_ID).cast(pl.Int64))
        found, tally, mark = Answers(), Tally(), new_mark()
        for number, (part, told, seconds) in enumerate(self._told(numbered)):
            tally.rows += part.height
            if isinstance(told, DataError):
                found += self._refused(part, told)
                continue
            tally.strange += len(told.warnings)
            chunk = Chunk(number, part.height, part, told, seconds)
            found += self._named(part, self.recorder.add(chunk, told.frame(), folder, mark))
        return found, tally

    def _told(self, rows: pl.DataFrame) -> Iterator[tuple[pl.DataFrame, Told | DataError, float]]:
        """Yield rows with what is told of them together; those that are refused each alone, so that the others are answered."""
        since = time.perf_counter()
        told: Told | DataError
        try:
            told = self.panel.ask(self._read(rows))
        except DataError as error:
            if rows.height > 1:
                half = rows.height // 2
                yield from self._told(rows[:half])
                yield from self._told(rows[half:])
                return
            told = error
        yield rows, told, time.perf_counter() - since

    def _read(self, rows: pl.DataFrame) -> pl.DataFrame:
        live = self.panel.live
        reading = reading_in(live.manifest)
        return rows_for(self.registry, rows, self.panel.schema, live.target, live.roles, reading).frame.collect()

    def _named(self, rows: pl.DataFrame, answers: pl.DataFrame) -> Answers:
        if self.id_column is not None and self.id_column in rows.columns:
            answers = answers.with_columns(rows[self.id_column].alias("row_id"))
        return [{name: value for name, value in row.items() if value not in (None, "")} for row in answers.to_dicts()]

    def _refused(self, rows: pl.DataFrame, error: DataError) -> Answers:
        told = str(error).partition("\nhint: ")[0]
        ids = new_ids(rows.height).to_list()
        names = rows[
            ROW_ID if self.id_column is None or self.id_column not in rows.columns else self.id_column
        ].to_list()
        return [{"row_id": name, "error": told, ID: id_} for name, id_ in zip(names, ids, strict=True)]
