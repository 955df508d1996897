"""Where answers changed: in which rows, by the values of one column, the share of changes is greatest."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

from hookline.data.columns import column_kind
from hookline.data.contract.limits import shown
from hookline.kinds.artifacts import Column
from hookline.quality.distributions import numbers, profile
from hookline.quality.effects import share_effect

if TYPE_CHECKING:
    import numpy as np
    import polars as pl

BINS = 8
LEAST_ROWS = 20
"""Rows that a slice has at least."""
MOST_SLICES = 10


@dataclass(frozen=True)
class Slice:
    """Rows of one column's value or bin. surely: whether the share of changes is larger than elsewhere beyond chance"""

    column: str
    value: str
    rows: int
    changed: int
    surely: bool

    @property
    def share(self) -> float:
        """The share of its rows whose answer is another."""
        return self.changed / self.rows


def slices_of(frame: pl.DataFrame, changed: np.ndarray, columns: Sequence[Column]) -> tuple[Slice, ...]:
    """Return the slices with the greatest share of changes: a text's or boolean's values, and bins of numbers and times.

    A slice is surely changed more than the rest where the lower bound of the difference of both shares is above zero, at 95 %
    for all slices together (Bonferroni). changed: bool, (n_rows,)
    """
    rows, whole = len(changed), int(changed.sum())
    found = [(column.name, value, mask) for column in columns for value, mask in _parts(frame, column)]
    kept = [(name, value, mask) for name, value, mask in found if LEAST_ROWS <= int(mask.sum()) < rows]
    if not whole or not kept:
        return ()
    ranked: list[tuple[float, Slice]] = []
    for name, value, mask in kept:
        inside, held = int((changed & mask).sum()), int(mask.sum())
        if inside * rows <= whole * held:
            continue
        rest = (whole - inside, rows - held)
        low = share_effect(name, "share of changes", (inside, held), rest, confidence=1 - 0.05 / len(kept)).low
        ranked.append((low, Slice(name, value, held, inside, low > 0)))
    ranked.sort(key=lambda pair: (-pair[0], -pair[1].share))
    return tuple(one for _, one in ranked[:MOST_SLICES])


def _parts(frame: pl.DataFrame, column: Column) -> Iterator[tuple[str, np.ndarray]]:
    """Yield the values or bins of a column, each with the rows that have it, bool (n_rows,)."""
    import polars as pl

    if column.name not in frame.columns:
        return
    values = frame[column.name]
    kind = column_kind(values.dtype)
    gone = (
        values.is_null().to_numpy() if kind != "number" else values.cast(pl.Float64).fill_nan(None).is_null().to_numpy()
    )
    if gone.any():
        yield "missing", gone
    if kind in ("number", "datetime"):
        yield from _bins(frame, column, ~gone)
        return
    texts = values.cast(pl.String)
    for text, count in profile(frame.lazy(), [column.name])[column.name].top:
        if count < LEAST_ROWS:
            break
        yield text, (texts == text).fill_null(value=False).to_numpy()


def _bins(frame: pl.DataFrame, column: Column, there: np.ndarray) -> Iterator[tuple[str, np.ndarray]]:
    import numpy as np

    dtype = frame.schema[column.name]
    found = profile(frame.lazy(), [column.name], bins=BINS)[column.name]
    if found.bins is None or found.distinct == 1:
        return
    values = np.full(frame.height, np.nan)
    values[there] = numbers(frame.lazy(), column.name, column_kind(dtype), dtype)
    edges = found.bins.edges
    single = found.distinct <= BINS
    for place, (low, high) in enumerate(pairwise(edges)):
        mask = (values > low) & (values <= high) if place else (values >= low) & (values <= high)
        ends = list(dict.fromkeys(shown(column, end) for end in (low, high)))
        yield ends[-1] if single else " to ".join(ends), mask
