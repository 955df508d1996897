"""Metrics with 95 % intervals, from resamples of rows or of whole groups, and from what each row adds."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from hookline import Metric
from hookline.quality.intervals import Interval, Units, of_mean, of_share

if TYPE_CHECKING:
    import numpy as np


class Measure(Protocol):
    """Measures the same rows under any row weights."""

    def __call__(self, weight: np.ndarray) -> Mapping[str, float]:
        """Return metric name -> value, NaN where undefined. weight: float64, (n_rows,)."""
        ...

    def means(self, weight: np.ndarray) -> Mapping[str, MeanOf | RatioOf]:
        """Return the metrics that are means of what each row adds, or made of such means."""
        ...

    def scarcest(self, units: Units) -> Mapping[str, float]:
        """Return the shares and areas among the metrics, each with how many units of the scarcest sort it is taken from."""
        ...


@dataclass(frozen=True)
class MeanOf:
    """A mean, and how it becomes a metric.

    parts: float64, (n_rows,), what each row adds to it beyond its share of it; they sum to 0
    finish: what the metric is of the mean; never falling
    """

    value: float
    parts: np.ndarray
    finish: Callable[[float], float] = float

    @classmethod
    def of(cls, values: np.ndarray, weight: np.ndarray, finish: Callable[[float], float] = float) -> MeanOf:
        """Take the weighted mean of what each row adds, (n_rows,)."""
        total = weight.sum()
        mean = float((values * weight).sum() / total)
        return cls(mean, (values - mean) * weight / total, finish)

    def interval(self, units: Units) -> Interval:
        """Return the interval of the metric."""
        low, high = of_mean(self.value, units.sums(self.parts))
        return self.finish(low), self.finish(high)


@dataclass(frozen=True)
class RatioOf:
    """A ratio of two means over the same rows, and how it becomes a metric that falls as it grows.

    above, below: float64, (n_rows,), what each row adds to either mean, with its weight; the sum of `below` is positive
    """

    above: np.ndarray
    below: np.ndarray
    finish: Callable[[float], float]

    def interval(self, units: Units) -> Interval:
        """Return the interval of the metric: of the ratios r at which the mean of above - r * below may be 0.

        Fieller's (1954), with Hall's interval of that mean. A logarithm would be straight only where no row outweighs the rest.
        """
        above, below = units.sums(self.above), units.sums(self.below)

        def bounds(ratio: float) -> Interval:
            values = above - ratio * below
            return of_mean(float(values.sum()), values - values.mean())

        ratio = float(above.sum() / below.sum())
        low = _crossing(lambda r: bounds(r)[0], 0.0, ratio)
        high = _crossing(lambda r: bounds(r)[1], ratio, MOST * max(ratio, 1.0))
        return self.finish(high), self.finish(low)


MOST = 1e6
"""Times the ratio, or 1, beyond which the upper end of its interval is not looked for."""


def _crossing(of: Callable[[float], float], low: float, high: float) -> float:
    """Return where a falling function is 0 between two places; the first where it never rises above 0, else the last."""
    from scipy.optimize import root_scalar

    if of(low) <= 0:
        return low
    if of(high) >= 0:
        return high
    return float(root_scalar(of, bracket=(low, high), method="brentq", xtol=1e-9 * high, rtol=1e-9).root)


MAX_ROWS = 20_000
"""Rows above which resamples are made of a subset, each row counted more often."""
MIN_DEFINED = 0.9
"""Share of resamples in which a metric must be defined for it to get an interval."""
LOWER_IS_BETTER = frozenset(
    {"log_loss", "brier", "rmse", "mae", "median_absolute_error", "mape", "pinball_loss", "poisson_deviance"}
)


@dataclass(frozen=True)
class Resampling:
    """How often rows are drawn again, from which seed, and in which groups: int64, (n_rows,), or None."""

    n_bootstrap: int = 200
    seed: int = 0
    groups: np.ndarray | None = None


def with_intervals(
    measure_rows: Callable[[np.ndarray], Measure], weight: np.ndarray, resampling: Resampling
) -> tuple[Metric, ...]:
    """Measure all rows, with intervals; a metric that all rows leave undefined is left out.

    A mean gets Hall's interval, a share or an area Wilson's with the variance of resamples, and all else the percentiles of
    resamples (Efron and Tibshirani 1993, section 13.3). Rows of one group are drawn together (Davison and Hinkley 1997,
    section 3.8).

    measure_rows: row positions, int64 (n,) -> what measures those rows
    weight: float64, (n_rows,); a resample multiplies it with how often each row was drawn
    """
    import numpy as np

    everything = measure_rows(np.arange(len(weight)))
    whole = _defined(everything(weight))
    units = Units.among(weight, resampling.groups)
    if units.count < 2 or not resampling.n_bootstrap:
        return tuple(_metric(name, value) for name, value in whole.items())
    found = {name: mean.interval(units) for name, mean in everything.means(weight).items()}
    shares = everything.scarcest(units)
    draws = _draws(measure_rows, units, resampling)
    for name in whole.keys() - found.keys():
        interval = draws.percentiles(name, whole[name])
        if interval is not None and name in shares:
            interval = of_share(whole[name], draws.variance(name), shares[name], units.count)
        if interval is not None:
            found[name] = interval
    return tuple(_metric(name, value, found.get(name)) for name, value in whole.items())


@dataclass(frozen=True)
class _Draws:
    """The metrics of resamples, and of the rows that they were drawn from."""

    center: Mapping[str, float]
    found: tuple[Mapping[str, float], ...]
    units: int

    def of(self, name: str) -> list[float]:
        return [draw[name] for draw in self.found if name in draw]

    def percentiles(self, name: str, value: float) -> Interval | None:
        """Return the middle 95 %, moved to the value of all rows; None where too few resamples define the metric."""
        import numpy as np

        found = self.of(name)
        if name not in self.center or len(found) < MIN_DEFINED * len(self.found):
            return None
        low, high = np.quantile(found, [0.025, 0.975]) + (value - self.center[name])
        return float(low), float(high)

    def variance(self, name: str) -> float:
        """Return how much the metric varies; resamples of n units vary by (n - 1) / n of that."""
        import numpy as np

        return float(np.var(self.of(name))) * self.units / (self.units - 1)


def _draws(measure_rows: Callable[[np.ndarray], Measure], units: Units, resampling: Resampling) -> _Draws:
    """Draw units again; above `MAX_ROWS` rows one bag of little bootstraps (Kleiner et al., 2014): all draws from a subset."""
    import numpy as np

    rng = np.random.default_rng(resampling.seed)
    rows, bag = len(units.weight), np.arange(units.count)
    if rows > MAX_ROWS:
        bag = np.sort(rng.choice(bag, max(2, units.count * MAX_ROWS // rows), replace=False))
    kept = np.flatnonzero(np.isin(units.of, bag)) if len(bag) < units.count else np.arange(rows)
    place = np.searchsorted(bag, units.of[kept])
    measure, weight = measure_rows(kept), units.weight[kept]
    center = _defined(measure(weight))
    found = (
        _defined(measure(weight * _counts(rng, units.count, len(bag))[place])) for _ in range(resampling.n_bootstrap)
    )
    return _Draws(center, tuple(found), units.count)


def _counts(rng: np.random.Generator, draws: int, units: int) -> np.ndarray:
    """Return how often each unit comes up in `draws` draws."""
    import numpy as np

    if draws == units:
        return np.bincount(rng.integers(0, units, units), minlength=units)
    return rng.multinomial(draws, np.full(units, 1 / units))


def _defined(values: Mapping[str, float]) -> dict[str, float]:
    import math

    return {name: float(value) for name, value in values.items() if math.isfinite(value)}


def _metric(name: str, value: float, interval: Interval | None = None) -> Metric:
    low, high = interval or (None, None)
    return Metric(name, value, low, high, name not in LOWER_IS_BETTER)
