"""Whether a model tells more than a guess that is the same for every row."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from hookline import Finding, Metric
from hookline.kinds.reports import Severity
from hookline.quality.intervals import Interval, Units

from .bootstrap import MeanOf

if TYPE_CHECKING:
    import numpy as np

STATISTIC = "constant_guess"
"""What the findings go by: the value is how far the model is above the guess, which is not enough from 0 down."""


def of_labels(metrics: Mapping[str, Metric], classes: int) -> Iterator[Finding]:
    """Yield a finding where labels tell `classes` classes apart no better than one and the same label would."""
    metric, chance = metrics["balanced_accuracy"], 1 / max(1, classes)
    if classes > 1 and metric.low is not None and metric.high is not None and metric.low <= chance:
        above = metric.value - chance
        interval = metric.low - chance, metric.high - chance
        told = f"balanced accuracy {metric.value:.3g} against {chance:.3g} of answering the same class always"
        yield _finding("balanced_accuracy", told, above, interval)


def of_probabilities(loss: np.ndarray, y: np.ndarray, weight: np.ndarray, units: Units) -> Iterator[Finding]:
    """Yield a finding where probabilities lose no less than the shares of the classes among these rows.

    loss: float64, (n_rows,), log loss of each row; y: int64, (n_rows,); weight: float64, (n_rows,)
    """
    import numpy as np

    shares = np.bincount(y, weight) / weight.sum()
    if (shares > 0).sum() < 2 or units.count < 2:
        return
    guess = -np.log(shares[y])
    gain = MeanOf.of(guess - loss, weight)
    low, high = gain.interval(units)
    if low <= 0:
        own, other = (float(np.average(values, weights=weight)) for values in (loss, guess))
        told = f"log loss {own:.3g} against {other:.3g} of the class shares"
        yield _finding("log_loss", told, gain.value, (low, high))


def of_numbers(metrics: Mapping[str, Metric]) -> Iterator[Finding]:
    """Yield a finding where numbers are no closer than their mean."""
    metric = metrics.get("r2")
    if metric is not None and metric.low is not None and metric.high is not None and metric.low <= 0:
        told = f"R2 {metric.value:.3g} against 0 of answering the mean always"
        yield _finding("r2", told, metric.value, (metric.low, metric.high))


def _finding(subject: str, told: str, above: float, interval: Interval) -> Finding:
    useless = above <= 1e-12
    severity: Severity = "warning" if useless else "info"
    verb = "The model is no better" if useless else "These rows do not show that the model is better"
    text = f"{verb} than a constant guess: {told} (better by {above:.3g} [{interval[0]:.3g}, {interval[1]:.3g}])."
    return Finding(subject, STATISTIC, above, 0.0, severity, text)
