"""What each row adds to the difference of two runs, and how far that difference may be chance."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from hookline.errors import DataError
from hookline.kinds.artifacts import Target
from hookline.kinds.fitted import Prediction
from hookline.quality.intervals import Units, of_mean, of_shares_difference

from .difference import Difference

if TYPE_CHECKING:
    import numpy as np

RESAMPLES = 1_000
FEWER, MANY = 200, 50_000
"""From `MANY` rows on, `FEWER` resamples are drawn: the interval is then narrow, and each takes its time."""
SEED = 0


def losses_of(target: Target, truth: np.ndarray, prediction: Prediction) -> dict[str, tuple[np.ndarray, bool, bool]]:
    """Return metric -> what each row adds, whether greater is better, and whether the root is taken of the mean."""
    import numpy as np

    if target.task == "regression":
        error = np.asarray(truth, dtype=np.float64) - prediction.values
        return {"rmse": (error**2, False, True), "mae": (np.abs(error), False, False)}
    found = {"accuracy": ((prediction.values == truth).astype(np.float64), True, False)}
    if prediction.probabilities is not None:
        codes = {label: code for code, label in enumerate(target.classes)}
        rows = np.arange(len(truth))
        of_truth = prediction.probabilities[rows, [codes[label] for label in truth.tolist()]]
        found["log_loss"] = (-np.log(np.clip(of_truth, 1e-15, 1)), False, False)
        onehot = np.zeros_like(prediction.probabilities)
        onehot[rows, [codes[label] for label in truth.tolist()]] = 1
        scale = 2 if len(target.classes) == 2 else 1
        found["brier"] = (((prediction.probabilities - onehot) ** 2).sum(axis=1) / scale, False, False)
    return found


def require_finite(run: str, losses: Mapping[str, tuple[np.ndarray, bool, bool]]) -> None:
    """Raise DataError where a run's answer to some rows is not a number."""
    import numpy as np

    for name, (loss, _, _) in losses.items():
        lost = int((~np.isfinite(loss)).sum())
        if lost:
            raise DataError(
                f"the {name.replace('_', ' ')} of run {run} is not a number in {lost:,} of {len(loss):,} rows",
                hint="compare it with a run that answers every row",
            )


def of_means(name: str, first: Any, second: Any, units: Units) -> Difference:
    """Return second - first. What is the root of a mean changes by half of the mean's change over the root."""
    import numpy as np

    (a, greater, root), (b, _, _) = first, second
    means = [float(np.average(loss, weights=units.weight)) for loss in (a, b)]
    values = [math.sqrt(mean) if root else mean for mean in means]
    slopes = [1 / (2 * value) if root and value > 0 else 1.0 for value in values]
    added = slopes[1] * (b - means[1]) - slopes[0] * (a - means[0])
    share = units.weight / units.weight.sum()
    if name == "accuracy":
        low, high = of_shares_difference(values[1] - values[0], units.sums((b - a) * share))
    else:
        low, high = of_mean(values[1] - values[0], units.sums(added * share))
    return Difference(name, values[0], values[1], low, high, greater)


Figure = Callable[["np.ndarray"], float]
"""Weights of the rows, float64 (n_rows,) -> a metric of a prediction."""


def of_figures(
    target: Target, truth: np.ndarray, predictions: tuple[Prediction, Prediction], units: Units
) -> list[Difference]:
    """Return the differences in metrics that are no means of rows, with the intervals of a paired bootstrap.

    Both runs are measured on the same resamples of the units, and the percentiles of the differences are taken (Efron and
    Tibshirani 1993, chapter 13).
    """
    import numpy as np

    first, second = (_figures(target, truth, prediction) for prediction in predictions)
    names = [name for name in first if name in second]
    if not names or units.count < 2:
        return []
    rng = np.random.default_rng(SEED)
    drawn = []
    for _ in range(FEWER if len(truth) >= MANY else RESAMPLES):
        often = np.bincount(rng.integers(units.count, size=units.count), minlength=units.count)
        weight = units.weight * often[units.of]
        drawn.append([second[name](weight) - first[name](weight) for name in names])
    found = np.array(drawn)
    differences = []
    for name, column in zip(names, found.T, strict=True):
        known = column[np.isfinite(column)]
        values = first[name](units.weight), second[name](units.weight)
        if len(known) and all(map(math.isfinite, values)):
            low, high = np.quantile(known, (0.025, 0.975))
            differences.append(Difference(name, *values, float(low), float(high), greater_is_better=True))
    return differences


def _figures(target: Target, truth: np.ndarray, prediction: Prediction) -> dict[str, Figure]:
    if target.task == "regression":
        return {"r2": _r2(truth, prediction.values)}
    found = {"balanced_accuracy": _balanced(truth, prediction.values)}
    if prediction.probabilities is not None and target.task == "binary":
        found["roc_auc"] = _Auc.of(prediction.probabilities[:, 1], truth == target.classes[1])
    return found


def _r2(truth: np.ndarray, values: np.ndarray) -> Figure:
    import numpy as np

    known = np.asarray(truth, dtype=np.float64)

    def figure(weight: np.ndarray) -> float:
        around = known - np.average(known, weights=weight)
        total = float((weight * around**2).sum())
        return 1 - float((weight * (known - values) ** 2).sum()) / total if total else math.nan

    return figure


def _balanced(truth: np.ndarray, values: np.ndarray) -> Figure:
    import numpy as np

    names, codes = np.unique(truth, return_inverse=True)
    right = (values == truth).astype(np.float64)

    def figure(weight: np.ndarray) -> float:
        totals = np.bincount(codes, weight, len(names))
        met = totals > 0
        return float((np.bincount(codes, weight * right, len(names))[met] / totals[met]).mean())

    return figure


@dataclass(frozen=True)
class _Auc:
    """The area under the ROC curve as the share of pairs in order, ties counted half (Hanley and McNeil 1982), weighted.

    order: rows by ascending score; tie: which score a row has, from 0; positive: bool; all (n_rows,) in that order
    """

    order: np.ndarray
    tie: np.ndarray
    positive: np.ndarray

    @classmethod
    def of(cls, scores: np.ndarray, positive: np.ndarray) -> _Auc:
        import numpy as np

        order = np.argsort(scores, kind="stable")
        tie = np.cumsum(np.diff(scores[order], prepend=scores[order[:1]]) > 0)
        return cls(order, tie, positive[order])

    def __call__(self, weight: np.ndarray) -> float:
        """Return the area. weight: float64, (n_rows,)."""
        import numpy as np

        sorted_ = weight[self.order]
        count = int(self.tie[-1]) + 1
        yes = np.bincount(self.tie, sorted_ * self.positive, count)
        no = np.bincount(self.tie, sorted_ * ~self.positive, count)
        total = yes.sum() * no.sum()
        return float((yes * (np.cumsum(no) - no / 2)).sum() / total) if total else math.nan
