"""A table of labels, read and checked: whom each row is about, what was true, and since when."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hookline.data.frames import mark_missing, to_polars
from hookline.errors import DataError, Problem, closest
from hookline.kinds.artifacts import Column, Label, Schema, Target
from hookline.packages.reading import Reading, read_table
from hookline.registry.registry import Registry
from hookline.workspace.catalog.labels import LONGEST_ID

from ..segments.moments import in_utc
from .rules import as_key

if TYPE_CHECKING:
    import polars as pl

IDS = ("prediction_id", "id")
"""Columns that hold the ids of predictions, the first that is there."""
MOST_SHOWN = 20
AHEAD = timedelta(days=1)
"""So far in the future a clock may be."""


@dataclass(frozen=True)
class Told:
    """One row of a table of labels. row: its position, from 0; who: an id or a key's value"""

    row: int
    who: str
    value: Label
    became: datetime | None
    """UTC; None where the table does not say."""


@dataclass(frozen=True)
class Telling:
    """A table of labels that was found whole."""

    rows: tuple[Told, ...]
    origin: str
    empty: int
    """Rows without a value, which tell nothing."""
    zoneless: int
    """Times that named no zone."""


@dataclass(frozen=True)
class Columns:
    """Which columns of a table say what."""

    who: str
    value: str
    time: str | None


def read_told(registry: Registry, data: Any, target: Target, columns: Columns, zone: tzinfo, now: datetime) -> Telling:
    """Read a table of labels; raises DataError naming rows that cannot be taken, or that contradict each other."""
    frame, origin = _table(registry, data, target, columns)
    chosen = _chosen(frame.columns, columns, origin)
    whos, values = frame[chosen.who].to_list(), frame[chosen.value].to_list()
    times = [None] * len(whos) if chosen.time is None else frame[chosen.time].to_list()
    read = _Reading(target, chosen, zone, now)
    rows = [told for row in zip(range(len(whos)), whos, values, times, strict=True) if (told := read.row(*row))]
    _require_whole(read, len(whos), origin)
    _require_one_word(rows, origin)
    return Telling(tuple(rows), origin, read.empty, read.zoneless)


def read_rows(rows: Sequence[Mapping[str, Any]], target: Target, origin: str, now: datetime) -> Telling:
    """Read labels given as rows of `prediction_id`, `value` and, all of them or none, `time`; raises DataError as above."""
    timed = any("time" in row for row in rows)
    columns = Columns(IDS[0], "value", "time" if timed else None)
    read = _Reading(target, columns, UTC, now)
    found: list[Told] = []
    for place, row in enumerate(rows):
        for name in sorted({IDS[0], "value"} - set(row)):
            read.problem(place, name, f"is missing{_near(name, list(row))}")
        told = (
            read.row(place, row.get(IDS[0]), row.get("value"), row.get("time"))
            if {IDS[0], "value"} <= set(row)
            else None
        )
        # What no answer is called by would be kept aside for ever.
        if told is not None and not isinstance(row[IDS[0]], str):
            read.problem(place, IDS[0], f"must be a text, got '{told.who[:60]}'")
        found += [told] if told is not None else []
    _require_whole(read, len(rows), origin)
    _require_one_word(found, origin)
    return Telling(tuple(found), origin, read.empty, read.zoneless)


def _require_whole(read: _Reading, count: int, origin: str) -> None:
    if read.problems:
        raise DataError(
            f"{len(read.problems):,} of {count:,} rows of {origin} cannot be taken, so none is",
            read.problems[:MOST_SHOWN],
            hint="mend these rows, and add the table again",
        )


def _table(registry: Registry, data: Any, target: Target, columns: Columns) -> tuple[pl.DataFrame, str]:
    """Return a table's rows, ids, times and classes as texts, and where they are from."""
    if not isinstance(data, (str, Path)):
        return mark_missing(to_polars(data).lazy()).collect(), "a data frame"
    texts = [*(IDS if columns.who in IDS else (columns.who,)), *([columns.time] if columns.time else [])]
    texts += [columns.value] if target.classes else []
    schema = Schema(tuple(Column(name, "String", "string") for name in dict.fromkeys(texts)))
    return read_table(registry, str(data), schema, Reading()).frame.collect(), str(data)


def _chosen(names: Sequence[str], columns: Columns, origin: str) -> Columns:
    """Return the columns as the table has them; raises DataError for one that is not there."""
    who = next((name for name in IDS if name in names), IDS[0]) if columns.who in IDS else columns.who
    wanted = {"--by": who, "--value": columns.value, "--time": columns.time}
    problems = [
        Problem(option, f"'{name}' is not a column{_near(name, names)}")
        for option, name in wanted.items()
        if name is not None and name not in names
    ]
    if problems:
        raise DataError(
            f"{origin} has the columns {', '.join(names)}", problems, hint="name the columns that are meant"
        )
    return Columns(who, columns.value, columns.time)


def _near(name: str, names: Sequence[str]) -> str:
    found = closest(name, names)
    return f"; did you mean '{found}'?" if found else ""


class _Reading:
    """Reads row after row, and keeps what is wrong with them."""

    def __init__(self, target: Target, columns: Columns, zone: tzinfo, now: datetime) -> None:
        self.target, self.columns, self.zone, self.now = target, columns, zone, now
        # A label that met a table format on the way is still the same: 1, 1.0 and the text 1.
        self.classes: dict[str, Label] = {_text(label): label for label in target.classes}
        self.problems: list[Problem] = []
        self.empty = self.zoneless = 0

    def row(self, row: int, who: Any, value: Any, time: Any) -> Told | None:
        """Return what a row tells; None where that is nothing, or wrong."""
        if value is None:
            self.empty += 1
            return None
        wrong = len(self.problems)
        name = self._who(row, who)
        label = self._number(row, value) if not self.target.classes else self._class(row, value)
        became = self._time(row, time) if self.columns.time is not None else None
        return None if label is None or len(self.problems) > wrong else Told(row, name, label, became)

    def _who(self, row: int, who: Any) -> str:
        name = "" if who is None else as_key(who)
        if not 0 < len(name) <= LONGEST_ID:
            self.problem(row, self.columns.who, f"is longer than {LONGEST_ID} letters" if name else "is missing")
        return name

    def _class(self, row: int, value: Any) -> Label | None:
        found = self.classes.get(_text(value))
        if found is None:
            known = ", ".join(map(str, self.target.classes[:MOST_SHOWN]))
            self.problem(row, self.columns.value, f"must be one of {known}; got '{str(value)[:60]}'")
        return found

    def _number(self, row: int, value: Any) -> float | None:
        try:
            number = float(value)
        except (TypeError, ValueError):
            number = math.nan
        if isinstance(value, bool) or not math.isfinite(number):
            self.problem(row, self.columns.value, f"must be a number, got '{str(value)[:60]}'")
            return None
        return number

    def _time(self, row: int, time: Any) -> datetime | None:
        column = str(self.columns.time)
        if time is None:
            self.problem(row, column, "is missing")
            return None
        try:
            moment, zoned = in_utc(time, self.zone)
        except ValueError:
            self.problem(row, column, f"must be a time such as 2026-11-28T08:00+01:00, got '{str(time)[:60]}'")
            return None
        self.zoneless += not zoned
        if moment > self.now + AHEAD:
            self.problem(row, column, f"is in the future: {moment:%Y-%m-%d %H:%M} UTC")
        return moment

    def problem(self, row: int, column: str, message: str) -> None:
        """Note what is wrong with a value."""
        self.problems.append(Problem(f"row {row}, {column}", message))


def _text(label: Any) -> str:
    return str(label).lower() if isinstance(label, bool) else as_key(label)


def _require_one_word(rows: Sequence[Told], origin: str) -> None:
    """Raise DataError where a table says two things of one answer for the same moment."""
    said: dict[tuple[str, datetime | None], Told] = {}
    problems = []
    for told in rows:
        first = said.setdefault((told.who, told.became), told)
        if first.value != told.value:
            message = f"'{told.value}' contradicts '{first.value}' in row {first.row}"
            problems.append(Problem(f"row {told.row}, {told.who}", message))
    if problems:
        raise DataError(
            f"{origin} contradicts itself in {len(problems):,} rows, so none of it is taken",
            problems[:MOST_SHOWN],
            hint="leave one of each, or let --time name the column that says when each became true",
        )
