"""Intervals around numbers, as wide as the errors on rows that the model did not learn from: split conformal prediction."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from hookline.errors import DataError
from hookline.kinds.answering.rules import Intervals
from hookline.kinds.reports import Chart

if TYPE_CHECKING:
    import numpy as np

LEVELS = (0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.99)
"""Shares of rows at which a chart shows how many held-out rows are covered."""


def reach_of(errors: np.ndarray, weight: np.ndarray | None, coverage: float) -> float | None:
    """Return how far from the answer a share of the rows lies at most; None where so few rows cannot tell.

    Of n rows it is the k-th smallest error, k = ceil((n + 1) * coverage): for a further row that is like them, the truth lies
    within with at least that chance (Lei, G'Sell, Rinaldo, Tibshirani and Wasserman 2018, "Distribution-free predictive
    inference for regression", algorithm 2). With weights the further row weighs as much as they do on average.
    errors: float64, (n_rows,), absolute; weight: float64, (n_rows,)
    """
    import numpy as np

    weights = np.ones(len(errors)) if weight is None else weight
    order = np.argsort(errors, kind="stable")
    along = np.cumsum(weights[order])
    # A share such as .9 of 10 rows is off by a rounding.
    wanted = coverage * (along[-1] + weights.mean()) * (1 - 1e-12)
    place = int(np.searchsorted(along, wanted))
    return float(errors[order[place]]) if place < len(order) else None


def measured(coverage: float, errors: np.ndarray, weight: np.ndarray | None) -> Intervals:
    """Return intervals that cover a share of rows; raises DataError where there are too few rows to tell."""
    reach = reach_of(errors, weight, coverage)
    if reach is None:
        raise too_few(coverage, len(errors))
    return Intervals(coverage, reach, len(errors))


def least_rows(coverage: float) -> int:
    """Return how many rows it takes to tell how far a share of them reaches."""
    return math.ceil(coverage / (1 - coverage) - 1e-9)


def too_few(coverage: float, rows: int) -> DataError:
    """Return the error of fewer rows."""
    return DataError(
        f"intervals that cover {coverage:g} of the rows need at least {least_rows(coverage):,} validation rows, and there are "
        f"{rows:,}",
        hint="a larger split.valid, or a smaller intervals.coverage",
    )


def measured_again(before: Intervals, errors: np.ndarray, weight: np.ndarray | None) -> Intervals:
    """Return intervals measured anew on rows that the model has not learned yet; as before where they are too few."""
    reach = reach_of(errors, weight, before.coverage)
    return before if reach is None else Intervals(before.coverage, reach, len(errors))


def chart_of(valid: tuple[np.ndarray, np.ndarray | None], held_out: tuple[np.ndarray, np.ndarray | None]) -> Chart:
    """Draw which share of held-out rows intervals of several coverages hold. Each: errors, and weights or None."""
    import numpy as np

    errors, weight = held_out
    reaches = {level: reach_of(*valid, level) for level in LEVELS}
    values = [
        {"wanted": level, "covered": round(float(np.average(errors <= reach, weights=weight)), 5)}
        for level, reach in reaches.items()
        if reach is not None
    ]
    return Chart("coverage", "Share of held-out rows within, against the share that is wanted", _line(values))


def _line(values: Sequence[Mapping[str, float]]) -> dict[str, object]:
    axes = {
        "x": {"field": "wanted", "type": "quantitative", "scale": {"zero": False}},
        "y": {"field": "covered", "type": "quantitative", "scale": {"zero": False}},
    }
    ends = [{"wanted": level, "covered": level} for level in (LEVELS[0], LEVELS[-1])]
    diagonal = {"data": {"values": ends}, "mark": {"type": "line", "strokeDash": [4, 4], "opacity": 0.5}}
    line = {"data": {"values": [*values]}, "mark": {"type": "line", "point": True}}
    return {"encoding": axes, "layer": [diagonal, line]}
