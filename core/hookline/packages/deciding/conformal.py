"""Intervals around numbers, and sets of classes, by how far off the model is on rows that it did not learn from.

This is split conformal prediction: of n rows like a further one, that one is no further off than the k-th of them with the
chance k / (n + 1), whatever the model and the distribution.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Literal

from hookline.errors import DataError
from hookline.kinds.answering.rules import Intervals, PredictionSets, class_scores
from hookline.kinds.fitted import Prediction
from hookline.kinds.reports import Chart

if TYPE_CHECKING:
    import numpy as np

WITHIN = 0.381966
"""Where a limit lies between two scores: not halfway, where another row of a forest's round probabilities may lie."""
ROOM = 1e-6
"""How far beyond the last score a limit lies."""
NO_OTHER: Mapping[Literal["lac", "aps"], float] = {"lac": 1.0, "aps": 0.0}
"""The limit that keeps every class but the most probable one out of the set."""
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


def errors_of(truth: np.ndarray, said: Prediction) -> np.ndarray:
    """Return how far each truth lies from the answer, or beyond the quantiles that the model tells: float64 (n_rows,).

    Of those it is less than 0 where the truth lies between them (Romano, Patterson and Candes 2019, "Conformalized quantile
    regression", equation 6). truth: float64, (n_rows,)
    """
    import numpy as np

    if said.intervals is None:
        off: np.ndarray = np.abs(truth - said.values)
        return off
    low, high = said.intervals.T
    beyond: np.ndarray = np.maximum(low - truth, truth - high)
    return beyond


def measured(
    coverage: float, errors: np.ndarray, weight: np.ndarray | None, by: Literal["errors", "quantiles"] = "errors"
) -> Intervals:
    """Return intervals that cover a share of rows; raises DataError where there are too few rows to tell.

    errors: as `errors_of` returns them; by: whether of answers, or of quantiles
    """
    reach = reach_of(errors, weight, coverage)
    if reach is None:
        raise too_few(coverage, len(errors))
    return Intervals(coverage, reach, len(errors), by)


def measured_sets(
    coverage: float,
    method: Literal["lac", "aps"],
    truth: np.ndarray,
    probabilities: np.ndarray,
    weight: np.ndarray | None,
) -> PredictionSets:
    """Return sets of classes that cover a share of rows; raises DataError where there are too few rows to tell.

    truth: int64, (n_rows,), class codes; probabilities: float64, (n_rows, n_classes); weight: float64, (n_rows,)
    """
    limit = _limit(coverage, method, truth, probabilities, weight)
    if limit is None:
        raise too_few(coverage, len(truth), "sets")
    return PredictionSets(coverage, limit, len(truth), method)


def _limit(
    coverage: float,
    method: Literal["lac", "aps"],
    truth: np.ndarray,
    probabilities: np.ndarray,
    weight: np.ndarray | None,
) -> float | None:
    import numpy as np

    own = class_scores(probabilities, method)[np.arange(len(truth)), truth]
    far = -own if method == "lac" else own
    # It is in the set whatever the limit, so that no limit need be chosen for it.
    far = np.where(probabilities[np.arange(len(truth)), truth] == probabilities.max(axis=1), -np.inf, far)
    reach = reach_of(far, weight, coverage)
    if reach is None:
        return None
    if not np.isfinite(reach):
        return NO_OTHER[method]
    # Between two scores that were seen, so that rounding in another format moves no row across; further out, so none is lost.
    beyond = far[far > reach].min(initial=np.inf)
    least = reach + WITHIN * (beyond - reach) if np.isfinite(beyond) else reach + ROOM
    return float(-least if method == "lac" else least)


def sets_again(
    before: PredictionSets, truth: np.ndarray, probabilities: np.ndarray, weight: np.ndarray | None
) -> PredictionSets:
    """Return sets measured anew on rows that the model has not learned yet; as before where they are too few."""
    limit = _limit(before.coverage, before.method, truth, probabilities, weight)
    return before if limit is None else replace(before, limit=limit, rows=len(truth))


def least_rows(coverage: float) -> int:
    """Return how many rows it takes to tell how far a share of them reaches."""
    return math.ceil(coverage / (1 - coverage) - 1e-9)


def too_few(coverage: float, rows: int, what: str = "intervals") -> DataError:
    """Return the error of fewer rows. what: is to cover them, intervals or sets"""
    return DataError(
        f"{what} that cover {coverage:g} of the rows need at least {least_rows(coverage):,} validation rows, and there are "
        f"{rows:,}",
        hint=f"a larger split.valid, or a smaller {what}.coverage",
    )


def measured_again(before: Intervals, errors: np.ndarray, weight: np.ndarray | None) -> Intervals:
    """Return intervals measured anew on rows that the model has not learned yet; as before where they are too few."""
    reach = reach_of(errors, weight, before.coverage)
    return before if reach is None else replace(before, half_width=reach, rows=len(errors))


def sizes_of(sets: np.ndarray) -> Chart:
    """Draw how many classes sets hold. sets: bool, (n_rows, n_classes)"""
    import numpy as np

    counts = np.bincount(sets.sum(axis=1), minlength=2)
    values = [{"classes": size, "rows": count} for size, count in enumerate(counts.tolist()) if size]
    encoding = {
        "x": {"field": "classes", "type": "ordinal", "title": "classes in the set", "axis": {"labelAngle": 0}},
        "y": {"field": "rows", "type": "quantitative", "title": "held-out rows"},
    }
    return Chart(
        "sizes", "How many classes the sets hold", {"data": {"values": values}, "mark": "bar", "encoding": encoding}
    )


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
