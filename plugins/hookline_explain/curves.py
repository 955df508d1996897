"""How the answers go as one column changes: a grid of its values, each of them asked of every row."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from hookline import Predictor

from .answers import asking

if TYPE_CHECKING:
    import numpy as np
    import polars as pl

MOST_ASKED = 100_000
"""Rows that a model is asked about at a time, where a grid times the rows are more."""


@dataclass(frozen=True)
class Curve:
    """One column's grid, and what is answered along it.

    values: of the grid, in its order, the missing one last; continuous: whether they lie on a line (numbers, times)
    each: float64, (n_rows, n_values, n_outputs): every row's own answers; mean: (n_values, n_outputs), by the rows' weights
    """

    column: str
    values: tuple[Any, ...]
    continuous: bool
    each: np.ndarray
    mean: np.ndarray
    weight: np.ndarray

    @property
    def known(self) -> int:
        """How many values are not the missing one."""
        return len(self.values) - (self.values[-1] is None)

    def importance(self) -> float:
        """Return how far the mean answer goes with the column, of the output that goes furthest (Greenwell et al. 2018).

        The standard deviation along a number's grid, a quarter of the range over texts; 0 where there is one value.
        """
        import numpy as np

        known = self.mean[: self.known]
        if len(known) < 2:
            return 0.0
        spread = known.std(axis=0, ddof=1) if self.continuous else np.ptp(known, axis=0) / 4
        return float(spread.max())

    def reach(self) -> float:
        """Return the difference of the highest from the lowest mean answer, of the output where it is largest."""
        import numpy as np

        return float(np.ptp(self.mean, axis=0).max())

    def unlike(self) -> float:
        """Return how much rows go other ways than their mean: the root mean square of what is left of centered curves.

        0 where the column does the same to every row, whatever the others are (no interaction; Goldstein et al. 2015).
        """
        import numpy as np

        centered = self.each - self.each.mean(axis=1, keepdims=True)
        mean = np.average(centered, axis=0, weights=self.weight)
        left = np.average(((centered - mean) ** 2).mean(axis=1), axis=0, weights=self.weight)
        return float(np.sqrt(left).max())


def curve_of(
    predictor: Predictor,
    rows: pl.DataFrame,
    column: str,
    weight: np.ndarray,
    points: int,
    quantiles: tuple[float, float],
) -> Curve:
    """Ask every row with each value of a column's grid, in one batch. rows: of the schema's columns, (n_rows >= 1)"""
    import numpy as np
    import polars as pl

    grid, continuous = grid_of(rows[column], points, quantiles)
    height = max(1, MOST_ASKED // len(grid))
    parts = []
    for start in range(0, rows.height, height):
        some = rows[start : start + height]
        which, value = np.divmod(np.arange(some.height * len(grid)), len(grid))
        said = asking(predictor)(some[which].with_columns(pl.Series(column, grid).gather(value)))
        parts.append(said.reshape(some.height, len(grid), -1))
    each = np.concatenate(parts)
    mean = np.average(each, axis=0, weights=weight)
    return Curve(column, tuple(grid.to_list()), continuous, each, mean, weight)


def grid_of(column: pl.Series, points: int, quantiles: tuple[float, float]) -> tuple[pl.Series, bool]:
    """Return the values to ask about, of the column's type, and whether they lie on a line; one that is missing last.

    Of numbers and times even steps between two quantiles (`scipy.stats.mstats.mquantiles`), or the values themselves where they
    are fewer than `points`: the grid of scikit-learn's `partial_dependence`.
    """
    import polars as pl

    missing = column.is_null() | (
        column.is_nan() if column.dtype.is_float() else pl.repeat(False, len(column), eager=True)
    )
    known = column.filter(~missing)
    continuous = column.dtype.is_numeric() or column.dtype.is_temporal()
    values = _line(known, points, quantiles) if continuous else _most_frequent(known, points)
    if missing.any() or not len(values):
        values = values.append(pl.Series([None], dtype=column.dtype))
    return values.alias(column.name), continuous


def _line(known: pl.Series, points: int, quantiles: tuple[float, float]) -> pl.Series:
    import numpy as np
    import polars as pl
    from scipy.stats.mstats import mquantiles

    values = known.unique().sort()
    if len(values) < points:
        return values
    physical = known.to_physical()
    low, high = (float(end) for end in mquantiles(physical.to_numpy().astype(float), prob=list(quantiles)))
    if np.isclose(low, high):
        # Most rows have one value: the others are what there is to be told.
        low, high = float(physical.min()), float(physical.max())  # type: ignore[arg-type]
    steps = np.linspace(low, high, num=points)
    if not known.dtype.is_float():
        steps = np.unique(np.round(steps))
    return pl.Series(steps).cast(physical.dtype).cast(known.dtype)


def _most_frequent(known: pl.Series, points: int) -> pl.Series:
    """Return the most frequent values, in the order of their names."""
    # Under names of our own, since a column may be called as the counts are.
    counts = known.alias("value").value_counts(name="times")
    first = counts.sort("times", "value", descending=[True, False])["value"]
    return first.head(points).sort().alias(known.name)
