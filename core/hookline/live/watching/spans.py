"""A log divided into windows: counted file by file, each file once."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import MappingProxyType

from ..log.predictions import Predictions
from ..segments.standing import steady
from ..segments.tables import facts
from ..segments.wanted import Wanted
from .rules import WatchRules

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)

Cells = Mapping[datetime, int]
"""The start of each part of the grid -> how many answers were given in it."""


@dataclass(frozen=True)
class Span:
    """A window: from when on, before when, how many answers were given in it, and how many requests failed."""

    since: datetime
    until: datetime
    rows: int
    failed: int = 0


@dataclass
class Counts:
    """How many answers each version gave in each part of a grid; a file that has not changed is read once."""

    every: timedelta
    _known: dict[tuple[Path, int], Mapping[tuple[int, datetime], int]] = field(default_factory=dict)

    def of(self, log: Predictions) -> dict[int, Cells]:
        """Return the counts of answers that somebody was given, by version."""
        return steady(lambda: self._of(log))

    def _of(self, log: Predictions) -> dict[int, Cells]:
        known: dict[tuple[Path, int], Mapping[tuple[int, datetime], int]] = {}
        for path in log.files():
            key = path, path.stat().st_size
            held = self._known.get(key)
            known[key] = self._counted(path) if held is None else held
        self._known = known
        found: dict[int, dict[datetime, int]] = defaultdict(lambda: defaultdict(int))
        for one in known.values():
            for (version, cell), rows in one.items():
                found[version][cell] += rows
        return {version: dict(cells) for version, cells in found.items()}

    def _counted(self, path: Path) -> Mapping[tuple[int, datetime], int]:
        import polars as pl

        size = self.every // MICROSECOND
        cell = (pl.col("time").dt.epoch("us") // size).alias("cell")
        table = facts([path], Wanted(given=True, served=True)).drop_nulls("version")
        counted = table.group_by("version", cell).len().rows()
        return {(version, EPOCH + place * self.every): rows for version, place, rows in counted}


def spans(
    cells: Cells, end: datetime | None, now: datetime, rules: WatchRules, failures: Cells = MappingProxyType({})
) -> list[Span]:
    """Return the windows of a version that are over, in the order of time; those with too few answers run on into the next.

    end: up to when it was looked at before; None where it never was
    failures: requests that failed, which count as answers for that
    """
    found: list[Span] = []
    begin, rows, failed = None, 0, 0
    for cell in sorted({*cells, *failures}):
        stop = cell + rules.every
        if (end is not None and stop <= end) or stop <= now - rules.reach:
            continue
        if stop + rules.grace > now:
            break
        begin = begin or (cell if end is None else max(cell, end))
        rows, failed = rows + cells.get(cell, 0), failed + failures.get(cell, 0)
        if rows + failed >= rules.least:
            found.append(Span(begin, stop, rows, failed))
            begin, rows, failed = None, 0, 0
    return found
