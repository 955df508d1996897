"""Two runs compared on rows of one sort each: the values of a column, or stretches of its numbers."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from hookline.errors import UsageError, suggestion

from .difference import Difference

if TYPE_CHECKING:
    import numpy as np
    import polars as pl

FEWEST_ROWS = 30
MOST_VALUES = 20
STRETCHES = 4
SURELY = 0.05


@dataclass(frozen=True)
class SliceDifference:
    """How much better or worse the second run is on the rows of one slice.

    slice: `column=value`, or `20<column<=30` for a stretch of numbers; verdict: with Holm's allowance (1979)
        for all slices that were looked at
    """

    slice: str
    rows: int
    difference: Difference
    verdict: str


def sliced(
    rows: pl.DataFrame, columns: Sequence[str], compared: Callable[[np.ndarray], Difference | None]
) -> tuple[SliceDifference, ...]:
    """Return the differences on each slice of at least 30 rows; raises UsageError for a column that is not there.

    compared: rows to look at, bool (n_rows,) -> their difference, None where there is none
    """
    found = []
    for name, mask in _slices(rows, columns):
        if int(mask.sum()) >= FEWEST_ROWS and (one := compared(mask)) is not None:
            found.append(SliceDifference(name, int(mask.sum()), one, one.verdict))
    return tuple(_allowed(found))


def _slices(rows: pl.DataFrame, columns: Sequence[str]) -> Iterator[tuple[str, np.ndarray]]:
    import polars as pl

    for name in columns:
        if name not in rows.columns:
            raise UsageError(
                f"'{name}' is not a column of the held-out rows", hint=suggestion(name, rows.columns, "column")
            )
        column = rows[name]
        if column.dtype.is_numeric() and column.n_unique() > MOST_VALUES:
            bounds = sorted({float(column.quantile(part / STRETCHES) or 0.0) for part in range(1, STRETCHES + 1)})
            for low, high in zip((-math.inf, *bounds), bounds, strict=False):
                below = f"{low:g}<" if math.isfinite(low) else ""
                yield f"{below}{name}<={high:g}", ((column > low) & (column <= high)).fill_null(value=False).to_numpy()
            continue
        counts = column.value_counts(sort=True).head(MOST_VALUES)
        for value in counts[name].to_list():
            mask = column.is_null() if value is None else column.eq_missing(pl.lit(value))
            yield f"{name}={'missing' if value is None else value}", rows.select(mask.alias("m"))["m"].to_numpy()


def _allowed(found: Sequence[SliceDifference]) -> Iterator[SliceDifference]:
    """Take back what is told of slices where so many were looked at that it may be chance."""
    chances = [_chance(one.difference) for one in found]
    order = sorted(range(len(found)), key=lambda place: chances[place])
    surely, still = set(), True
    for rank, place in enumerate(order):
        still = still and chances[place] <= SURELY / (len(order) - rank)
        if still:
            surely.add(place)
    for place, one in enumerate(found):
        doubtful = one.verdict in ("better", "worse") and place not in surely
        yield replace(one, verdict="no difference shown") if doubtful else one


def _chance(one: Difference) -> float:
    """Return how likely such a difference is by chance, from its interval (Altman and Bland 2011, BMJ 343:d2304)."""
    error = (one.high - one.low) / (2 * 1.959964)
    return math.erfc(abs(one.difference) / error / math.sqrt(2)) if error > 0 else float(one.difference == 0)
