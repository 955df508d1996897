"""What must hold of a table as a whole: rows that do not repeat in some columns, times that are fresh, enough rows."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from hookline.errors import Breach, DataError, closest
from hookline.kinds.artifacts import ROW_ID
from hookline.kinds.contracts.rules import CountRule, FreshRule, TableRules, UniqueRule

from ..dates import read_moments
from .checked import MOST_EXAMPLES, Checked
from .rules import numbered

if TYPE_CHECKING:
    import polars as pl

AHEAD = timedelta(days=1)
"""How far ahead of now a time may lie, as those without a zone do in the east; a later one is taken for a wrong one."""
UNITS = {"s": 1, "m": 60, "h": 3_600, "d": 86_400, "w": 604_800}
FIRST = "\0first"
"""The first row with the values of each."""
LENGTH = re.compile(r"(\d{1,9}(?:\.\d+)?)\s*([smhdw])")


def length_of(text: str) -> timedelta:
    """Return a length of time such as 36h; raises ValueError."""
    found = LENGTH.fullmatch(text.strip())
    if found is None:
        raise ValueError(f"must be a number with s, m, h, d or w, such as 36h, got '{text}'")
    try:
        return timedelta(seconds=float(found[1]) * UNITS[found[2]])
    except OverflowError:
        raise ValueError(f"is longer than any time there is: '{text}'") from None


def columns_of(rules: TableRules) -> Iterator[tuple[str, str]]:
    """Yield the place in the file, and the name, of each column that rules name."""
    for i, unique in enumerate(rules.unique):
        yield from ((f"unique.{i}.columns", name) for name in unique.columns)
    yield from ((f"freshness.{i}.column", fresh.column) for i, fresh in enumerate(rules.freshness))


def absent_columns(rules: TableRules, present: Collection[str], what: str) -> Iterator[tuple[str, str]]:
    """Yield the place of each column that is not among those present, and what is wrong; what: whose they are, in words."""
    for place, name in columns_of(rules):
        if name not in present:
            near = closest(name, list(present))
            yield place, f"{what} no column '{name}'" + (f"; did you mean '{near}'?" if near else "")


def check_table(
    frame: pl.LazyFrame,
    rules: TableRules,
    checked: Checked,
    *,
    id_column: str | None = None,
    now: datetime | None = None,
) -> None:
    """Add to what was found in a table which rules of it as a whole it breaks; those of columns that it has not are not asked.

    checked: of the same rows, counted; now: aware, by itself the time
    """
    present = frame.collect_schema().names()
    frame, id_column = numbered(frame), id_column if id_column in present else None
    for unique in rules.unique:
        if set(unique.columns) <= set(present):
            _check_unique(frame, unique, checked, id_column)
    for fresh in rules.freshness:
        if fresh.column in present:
            _check_fresh(frame, fresh, checked, now or datetime.now(UTC))
    if rules.rows is not None:
        _check_count(rules.rows, checked)


def _check_unique(frame: pl.LazyFrame, rule: UniqueRule, checked: Checked, id_column: str | None) -> None:
    import polars as pl

    names = list(rule.columns)
    kept = [*dict.fromkeys([*names, ROW_ID, *([id_column] if id_column else [])])]
    rows = frame.select(kept).drop_nulls(names).collect(engine="streaming").sort(ROW_ID)
    rows = rows.with_columns(pl.col(ROW_ID).first().over(names).alias(FIRST))
    repeated = rows.filter(pl.col(ROW_ID) != pl.col(FIRST))
    if not repeated.height:
        return
    examples = []
    for row in repeated.head(MOST_EXAMPLES).iter_rows(named=True):
        said = f"repeats row {row[FIRST]} in {', '.join(f'{name}={row[name]}' for name in names)}"
        examples.append(Breach(int(row[ROW_ID]), ", ".join(names), said, None if id_column is None else row[id_column]))
    checked.add(", ".join(names), "unique", rule.on_violation == "reject", repeated.height, examples, repeated[ROW_ID])


def _check_fresh(frame: pl.LazyFrame, rule: FreshRule, checked: Checked, now: datetime) -> None:
    import polars as pl

    dtype = frame.collect_schema()[rule.column]
    if dtype not in (pl.String, pl.Date, pl.Datetime):
        raise DataError(f"freshness is of dates and times, and '{rule.column}' holds {dtype}")
    moments = read_moments(pl.col(rule.column)) if dtype == pl.String else pl.col(rule.column)
    moment, upto = moments.cast(pl.Datetime("us")), now.astimezone(UTC).replace(tzinfo=None)
    newest = frame.select(moment.filter(moment <= upto + AHEAD).max()).collect().item()
    age = None if newest is None else upto - newest
    if age is not None and age <= length_of(rule.within):
        return
    said = (
        "holds no time up to now"
        if newest is None
        else f"is {_told(age)} old at its newest, {newest.isoformat(' ', 'seconds')}"
    )
    breach = Breach(0, rule.column, f"{said}; the contract allows {rule.within}")
    checked.add(rule.column, "freshness", rule.on_violation == "reject", 1, [breach])


def _check_count(rule: CountRule, checked: Checked) -> None:
    low, high = rule.minimum, rule.maximum
    if (low is None or checked.rows >= low) and (high is None or checked.rows <= high):
        return
    allowed = f"at least {low:,}" if high is None else f"at most {high:,}" if low is None else f"{low:,} to {high:,}"
    breach = Breach(0, "rows", f"there are {checked.rows:,} rows; the contract allows {allowed}")
    checked.add("rows", "rows", rule.on_violation == "reject", 1, [breach])


def _told(age: timedelta | None) -> str:
    seconds = 0.0 if age is None else age.total_seconds()
    unit = next((u for u in ("d", "h", "m") if seconds >= 2 * UNITS[u]), "s")
    return f"{seconds / UNITS[unit]:.0f}{unit}"
