"""Metrics, residual table and charts of predicted numbers."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING

from hookline import Finding, Prediction, Report, Table, Target
from hookline.errors import DataError
from hookline.quality.intervals import Units

from . import constant
from .bootstrap import MeanOf, RatioOf, Resampling, with_intervals
from .charts import predicted_against_actual, residual_histogram

if TYPE_CHECKING:
    import numpy as np

QUANTILES = (0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99)


class RegressionMeasure:
    """Measures the same rows under any row weights. y, guess: float64, (n_rows,), in the target's own unit."""

    def __init__(self, y: np.ndarray, guess: np.ndarray) -> None:
        import numpy as np

        self.y = y
        self.error = np.abs(y - guess)
        self.order = np.argsort(self.error, kind="stable")

    def __call__(self, weight: np.ndarray) -> dict[str, float]:
        """Return metric name -> value, NaN where undefined. weight: float64, (n_rows,)."""
        import numpy as np

        total = weight.sum()
        if not total > 0:
            return {}
        squares = float((self.error**2 * weight).sum())
        spread = float(((self.y - (self.y * weight).sum() / total) ** 2 * weight).sum())
        return {
            "rmse": math.sqrt(squares / total),
            "mae": float((self.error * weight).sum() / total),
            "median_absolute_error": _median(self.error[self.order], weight[self.order]),
            "r2": 1 - squares / spread if spread > 0 and np.count_nonzero(weight) > 1 else math.nan,
            "mape": float((self.error / np.abs(self.y) * weight).sum() / total) if (self.y != 0).all() else math.nan,
        }

    def means(self, weight: np.ndarray) -> dict[str, MeanOf | RatioOf]:
        """Return all but the median."""
        import numpy as np

        squares = MeanOf.of(self.error**2, weight)
        found: dict[str, MeanOf | RatioOf] = {
            "rmse": replace(squares, finish=lambda mean: math.sqrt(max(0.0, mean))),
            "mae": MeanOf.of(self.error, weight, lambda mean: max(0.0, mean)),
        }
        if (self.y != 0).all():
            found["mape"] = MeanOf.of(self.error / np.abs(self.y), weight, lambda mean: max(0.0, mean))
        mean = np.average(self.y, weights=weight)
        spread = float(((self.y - mean) ** 2 * weight).sum())
        if spread > 0 and squares.value > 0:
            found["r2"] = RatioOf(self.error**2 * weight, (self.y - mean) ** 2 * weight, lambda ratio: 1 - ratio)
        return found

    def scarcest(self, units: Units) -> dict[str, float]:
        """Return nothing: no metric of numbers is a share."""
        return {}


def regression_report(
    truth: np.ndarray, prediction: Prediction, target: Target, weight: np.ndarray, resampling: Resampling
) -> Report:
    """Judge predicted numbers, (n_rows,), in the target's own unit; MAPE is a share, 0.1 for 10 %."""
    import numpy as np

    y, guess = (np.asarray(values, dtype=np.float64) for values in (truth, prediction.values))
    for what, values in (("the truth", y), ("the prediction", guess)):
        if not np.isfinite(values).all():
            raise DataError(f"{what} is not a finite number in {(~np.isfinite(values)).sum()} of {len(values)} rows")
    metrics = with_intervals(lambda rows: RegressionMeasure(y[rows], guess[rows]), weight, resampling)
    charts = (predicted_against_actual(y, guess, resampling.seed), residual_histogram(y - guess, weight))
    findings = (*_findings(y), *constant.of_numbers({metric.name: metric for metric in metrics}))
    title = f"Regression of '{target.name}' on {len(y):,} rows"
    return Report(title, metrics, (_residual_table(y - guess),), charts, findings)


def _median(values: np.ndarray, weight: np.ndarray) -> float:
    """Return the weighted median of sorted values, the mean of two where it falls between them."""
    import numpy as np

    present = weight > 0
    values, along = values[present], np.cumsum(weight[present])
    half = along[-1] / 2
    at = int(np.searchsorted(along, half))
    after = min(at + 1, len(values) - 1) if along[at] == half else at
    return float((values[at] + values[after]) / 2)


def _residual_table(residuals: np.ndarray) -> Table:
    import numpy as np

    values = np.quantile(residuals, QUANTILES).tolist()
    return Table("residuals", ("quantile", "actual - predicted"), tuple(zip(QUANTILES, values, strict=True)))


def _findings(y: np.ndarray) -> tuple[Finding, ...]:
    zeros = int((y == 0).sum())
    constant = bool((y == y[0]).all())
    found = []
    if zeros:
        text = f"MAPE is undefined and left out: the truth is 0 in {zeros:,} of {len(y):,} test rows."
        found.append(Finding("mape", "zero_targets", float(zeros), 0.0, "info", text))
    if constant:
        text = f"R2 is undefined and left out: the truth is {y[0]:g} in every test row."
        found.append(Finding("r2", "distinct_targets", 1.0, 2.0, "warning", text))
    return tuple(found)
