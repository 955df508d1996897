"""Percentile bootstrap intervals of metrics (Efron, 1979; Efron and Tibshirani, 1993, section 13.3)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from hookline import Metric

if TYPE_CHECKING:
    import numpy as np

MAX_ROWS = 20_000
"""Rows above which resamples are drawn from a subset: intervals are then those of that many rows, scaled by the root of the share."""
LOSSES = frozenset({"log_loss", "brier", "rmse", "mae", "median_ae", "mape"})


def with_intervals(
    measure: Callable[[np.ndarray], Mapping[str, float]], rows: int, n_bootstrap: int, confidence: float, seed: int
) -> tuple[Metric, ...]:
    """Measure all rows, and resamples of them.

    measure: row positions, (n,) int64 -> metric name -> value; a metric that some resample lacks gets no interval
    """
    import numpy as np

    whole = measure(np.arange(rows))
    if rows < 2 or not n_bootstrap:
        return tuple(Metric(name, value, greater_is_better=name not in LOSSES) for name, value in whole.items())
    rng = np.random.default_rng(seed)
    size = min(rows, MAX_ROWS)
    shrink = (size / rows) ** 0.5
    draws = [measure(rng.integers(0, rows, size)) for _ in range(n_bootstrap)]
    metrics = []
    for name, value in whole.items():
        found = np.array([draw[name] for draw in draws if name in draw])
        low = high = None
        if len(found) == n_bootstrap:
            bounds = np.quantile(found, [(1 - confidence) / 2, (1 + confidence) / 2])
            low, high = (value + (float(bound) - value) * shrink for bound in bounds)
        metrics.append(Metric(name, value, low, high, name not in LOSSES))
    return tuple(metrics)
