"""Whom rows stand for: the columns of a table against shares, or against another table, that somebody says are the population."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import log, pi
from typing import TYPE_CHECKING

from hookline.data.columns import as_number, column_kind
from hookline.data.dates import shown
from hookline.data.frames import mark_missing, require_columns
from hookline.errors import DataError

from ...effects import numeric_effect

if TYPE_CHECKING:
    import numpy as np
    import polars as pl

ROWS = 1_000_000
"""Rows of a column, evenly spread, that are compared."""
SPANS = {r"\d{4}": "%Y", r"\d{4}-\d\d": "%Y-%m", r"\d{4}-\d\d-\d\d": "%Y-%m-%d"}
"""How a year, month or day is said -> how moments within it are written."""
CONFIDENCE = 0.95
PARTS = 10
"""Categories that are told, those whose shares differ most; and ranges of a number, as the population's tenths."""


@dataclass(frozen=True)
class Representation:
    """How far a column is from the population's."""

    column: str
    statistic: str
    """`total variation`: the share of rows that hold another category than they would in the population; or `KS`."""
    value: float
    low: float
    """What it is at least, with 95 % confidence."""
    parts: tuple[tuple[str, float, float], ...]
    """Category, or range of a number, with its share here and in the population; those that differ most first."""


class Population:
    """What somebody says the population is."""

    def __init__(self, shares: Mapping[str, Mapping[str, float]], frame: pl.LazyFrame | None = None) -> None:
        self._shares = shares
        self._frame = None if frame is None else mark_missing(frame)
        self.columns: tuple[str, ...] = tuple(shares) if frame is None else tuple(frame.collect_schema().names())

    def require(self, present: Sequence[str]) -> None:
        """Raise DataError where shares are said of a column that is not there, or a table has no column in common."""
        if self._frame is None:
            require_columns(self.columns, present, "population")
        elif not set(self.columns) & set(present):
            raise DataError("the population has no column in common with the table")

    def compare(self, column: pl.Series) -> Representation | None:
        """Return how far a column is from the population's; None of one that the population does not have or say."""
        import polars as pl

        if column.name not in self.columns:
            return None
        here = column.gather_every(max(1, -(-len(column) // ROWS))).drop_nulls()
        if self._frame is None:
            said = self._shares[column.name]
            if here.dtype in (pl.Date, pl.Datetime):
                return _of_shares(column.name, _counts(here.dt.strftime(_span_of(column.name, said))), said, None)
            shares = {_number(value): share for value, share in said.items()} if here.dtype.is_numeric() else said
            return _of_shares(column.name, _counts(here), shares, None)
        try:
            kind, held = column_kind(column.dtype), column_kind(self._frame.collect_schema()[column.name])
        except DataError:
            return None
        if kind != held:
            raise DataError(f"'{column.name}' is a {kind} in the table and a {held} in the population")
        every = self._frame.select(column.name).collect()[column.name]
        there = every.gather_every(max(1, -(-len(every) // ROWS))).drop_nulls()
        if here.is_empty() or there.is_empty():
            return None
        number = as_number(column.name, kind, column.dtype)
        other = as_number(column.name, kind, there.dtype)
        if kind in ("string", "boolean") or number is None or other is None:
            counts = _counts(there)
            rows = sum(counts.values())
            shares = {value: count / rows for value, count in counts.items()}
            return _of_shares(column.name, _counts(here), shares, rows)
        values = [
            part.to_frame().select(found.cast(pl.Float64)).to_series().to_numpy()
            for part, found in ((there, other), (here, number))
        ]
        return _of_numbers(column.name, values[0], values[1], moments=kind == "datetime")


def _span_of(name: str, shares: Mapping[str, float]) -> str:
    """Return how moments are written as shares say them, by year, month or day; raises DataError where those say neither."""
    for shape, written in SPANS.items():
        if all(re.fullmatch(shape, value) for value in shares):
            return written
    odd = next((value for value in shares if not any(re.fullmatch(shape, value) for shape in SPANS)), None)
    told = "are of several lengths" if odd is None else f"name {odd!r}"
    raise DataError(
        f"'{name}' holds dates, and the population's shares {told}",
        hint=f"say them all by year, month or day: {name}=2025:0.4,2026:0.6, or {name}=2026-01:0.5,2026-02:0.5",
    )


def _counts(column: pl.Series) -> dict[str, int]:
    import polars as pl

    counts: dict[str, int] = dict(column.cast(pl.String).value_counts(name="rows").rows())
    # A whole number is one whether or not a gap in its column made fractions of all.
    return {_number(value): rows for value, rows in counts.items()} if column.dtype.is_float() else counts


def _number(word: str) -> str:
    """Return a number as a whole one is written, where it is one."""
    try:
        value = float(word)
    except ValueError:
        return word
    return str(int(value)) if value.is_integer() else repr(value)


def _of_shares(name: str, counts: Mapping[str, int], shares: Mapping[str, float], size: int | None) -> Representation:
    """Compare counts with shares; size: rows that the shares were counted in, None where they are said.

    The lower bound takes off what samples differ by on average, and as much as chance adds in one case of 20 (McDiarmid, 1989).
    """
    rows = max(1, sum(counts.values()))
    values = sorted({*counts, *shares})
    parts = [(value, counts.get(value, 0) / rows, shares.get(value, 0.0)) for value in values]
    distance = sum(abs(here - there) for _, here, there in parts) / 2
    doubt = 1 / rows + (1 / size if size else 0.0)
    usual = sum((2 * there * (1 - there) * doubt / pi) ** 0.5 for _, _, there in parts) / 2
    low = distance - usual - (log(1 / (1 - CONFIDENCE)) * doubt / 2) ** 0.5
    most = sorted(parts, key=lambda part: (-abs(part[1] - part[2]), part[0]))
    return Representation(name, "total variation", distance, max(0.0, low), tuple(most[:PARTS]))


def _of_numbers(name: str, there: np.ndarray, here: np.ndarray, *, moments: bool) -> Representation | None:
    import numpy as np

    finite = there[np.isfinite(there)]
    if not len(finite):
        return None
    effect = numeric_effect(name, there, here, CONFIDENCE)
    edges = np.unique(np.quantile(finite, np.linspace(0, 1, PARTS + 1)[1:-1]))
    counted = [
        np.bincount(np.searchsorted(edges, values, side="right"), minlength=len(edges) + 1) / len(values)
        for values in (here, there)
    ]
    kind = "datetime" if moments else "number"
    said = [shown(float(edge), kind) for edge in edges]
    labels = [
        f"below {said[0]}",
        *(f"{low} to {high}" for low, high in pairwise(said)),
        f"{said[-1]} or more",
    ]
    parts = zip(labels, counted[0].tolist(), counted[1].tolist(), strict=True)
    most = sorted(parts, key=lambda part: -abs(part[1] - part[2]))
    return Representation(name, effect.statistic, effect.value, effect.low, tuple(most))
