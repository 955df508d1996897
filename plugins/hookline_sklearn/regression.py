"""Metrics and charts of predicted numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hookline import Chart, Prediction, Report, Table
from hookline.errors import DataError

from .bootstrap import with_intervals

if TYPE_CHECKING:
    import numpy as np

POINTS = 500
"""Most points of a scatter plot, so that a report stays small."""


def regression_report(
    truth: np.ndarray, prediction: Prediction, weight: np.ndarray | None, n_bootstrap: int, confidence: float, seed: int
) -> Report:
    """Judge predicted numbers, (n_rows,), in the target's own unit."""
    import numpy as np

    if not len(truth):
        raise DataError("there are no rows to evaluate on")
    y = np.asarray(truth, dtype=np.float64)
    guess = np.asarray(prediction.values, dtype=np.float64)
    weights = np.ones(len(y)) if weight is None else weight

    def measure(rows: np.ndarray) -> dict[str, float]:
        return measures(y[rows], guess[rows], weights[rows])

    metrics = with_intervals(measure, len(y), n_bootstrap, confidence, seed)
    table = _residual_table(y - guess)
    return Report("Regression", metrics, (table,), _charts(y, guess))


def measures(y: np.ndarray, guess: np.ndarray, weight: np.ndarray) -> dict[str, float]:
    """Return metric name -> value; equal to sklearn.metrics' functions. MAPE is a share, as there, and absent where y has zeros."""
    import numpy as np

    error = y - guess
    squared = float(np.average(error**2, weights=weight))
    spread = float(np.average((y - np.average(y, weights=weight)) ** 2, weights=weight))
    found = {
        "rmse": squared**0.5,
        "mae": float(np.average(np.abs(error), weights=weight)),
        "median_ae": float(np.median(np.abs(error))),
    }
    if spread > 0:
        found["r2"] = 1 - squared / spread
    if (y != 0).all():
        found["mape"] = float(np.average(np.abs(error / y), weights=weight))
    return found


def _residual_table(residuals: np.ndarray) -> Table:
    import numpy as np

    shares = (0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99)
    values = np.quantile(residuals, shares)
    rows = tuple((f"{share:.0%}", float(value)) for share, value in zip(shares, values, strict=True))
    return Table("Residuals (true - predicted)", ("quantile", "residual"), rows)


def _charts(y: np.ndarray, guess: np.ndarray) -> tuple[Chart, ...]:
    import numpy as np

    kept = np.random.default_rng(0).choice(len(y), min(POINTS, len(y)), replace=False)
    points = [{"true": float(f"{y[i]:.6g}"), "predicted": float(f"{guess[i]:.6g}")} for i in kept]
    low, high = float(min(y.min(), guess.min())), float(max(y.max(), guess.max()))
    axes = {
        "x": {"field": "true", "type": "quantitative", "scale": {"zero": False}},
        "y": {"field": "predicted", "type": "quantitative", "scale": {"zero": False}},
    }
    ends = {"values": [{"true": low, "predicted": low}, {"true": high, "predicted": high}]}
    scatter = {
        "layer": [
            {"data": {"values": points}, "mark": {"type": "circle", "opacity": 0.5}, "encoding": axes},
            {"data": ends, "mark": {"type": "line", "strokeDash": [4, 4], "opacity": 0.5}, "encoding": axes},
        ]
    }
    counts, edges = np.histogram(y - guess, bins=40)
    bars = [
        {"from": float(f"{a:.6g}"), "to": float(f"{b:.6g}"), "rows": int(n)}
        for a, b, n in zip(edges[:-1], edges[1:], counts, strict=True)
    ]
    histogram = {
        "data": {"values": bars},
        "mark": "bar",
        "encoding": {
            "x": {"field": "from", "type": "quantitative", "bin": {"binned": True}, "title": "true - predicted"},
            "x2": {"field": "to"},
            "y": {"field": "rows", "type": "quantitative"},
        },
    }
    return (
        Chart("predicted", "Predicted against true", scatter),
        Chart("residuals", "Residuals", histogram),
    )
