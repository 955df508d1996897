"""Metrics with percentile bootstrap intervals (Efron and Tibshirani, 1993, section 13.3)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from hookline import Metric

if TYPE_CHECKING:
    import numpy as np

    Measure: TypeAlias = Callable[[np.ndarray], Mapping[str, float]]

MAX_ROWS = 20_000
"""Rows above which resamples are made of a subset, each row counted more often."""
MIN_DEFINED = 0.9
"""Share of resamples in which a metric must be defined for it to get an interval."""
LOWER_IS_BETTER = frozenset({"log_loss", "brier", "rmse", "mae", "median_absolute_error", "mape"})


@dataclass(frozen=True)
class Resampling:
    """How often rows are drawn again, and from which seed."""

    n_bootstrap: int = 200
    seed: int = 0


def with_intervals(
    measure_rows: Callable[[np.ndarray], Measure], weight: np.ndarray, resampling: Resampling
) -> tuple[Metric, ...]:
    """Measure all rows, and resamples of them; a metric that all rows leave undefined is left out.

    measure_rows: row positions, int64 (n,) -> what measures those rows under weights, float64 (n,); NaN is undefined
    weight: float64, (n_rows,); a resample multiplies it with how often each row was drawn

    Above `MAX_ROWS` rows the resamples are one bag of little bootstraps (Kleiner et al., 2014): n draws from a subset.
    """
    import numpy as np

    everything = np.arange(len(weight))
    whole = _defined(measure_rows(everything)(weight))
    if len(weight) < 2 or not resampling.n_bootstrap:
        return tuple(_metric(name, value) for name, value in whole.items())
    rng = np.random.default_rng(resampling.seed)
    bag = np.sort(rng.choice(everything, MAX_ROWS, replace=False)) if len(weight) > MAX_ROWS else everything
    measure = measure_rows(bag)
    center = _defined(measure(weight[bag]))
    draws = [
        _defined(measure(weight[bag] * _counts(rng, len(weight), len(bag)))) for _ in range(resampling.n_bootstrap)
    ]
    return tuple(_metric(name, value, _interval(name, value, center, draws)) for name, value in whole.items())


def _counts(rng: np.random.Generator, draws: int, rows: int) -> np.ndarray:
    """Return how often each row comes up in `draws` draws."""
    import numpy as np

    if draws == rows:
        return np.bincount(rng.integers(0, rows, rows), minlength=rows)
    return rng.multinomial(draws, np.full(rows, 1 / rows))


def _interval(
    name: str, value: float, center: Mapping[str, float], draws: list[dict[str, float]]
) -> tuple[float, float] | None:
    import numpy as np

    found = [draw[name] for draw in draws if name in draw]
    if name not in center or len(found) < MIN_DEFINED * len(draws):
        return None
    low, high = np.quantile(found, [0.025, 0.975]) + (value - center[name])
    return float(low), float(high)


def _defined(values: Mapping[str, float]) -> dict[str, float]:
    import math

    return {name: float(value) for name, value in values.items() if math.isfinite(value)}


def _metric(name: str, value: float, interval: tuple[float, float] | None = None) -> Metric:
    low, high = interval or (None, None)
    return Metric(name, value, low, high, name not in LOWER_IS_BETTER)
