"""What folds say together: mean, spread and interval of each metric, and every fold."""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from hookline.kinds.reports import Chart, Metric, Metrics, Report, Table
from hookline.plans.gates import FOLDS
from hookline.quality.intervals import of_resampled_mean

TITLE = "Folds"
NAMES = ("metric", "mean", "std", "min", "max", "low", "high")


@dataclass(frozen=True)
class Fold:
    """What one fold measured, on rows that its model had not seen."""

    number: int
    """From 0 on, over all repeats."""
    train: int
    test: int
    metrics: Metrics


def report_of(folds: Sequence[Fold], count: int) -> Report:
    """Return the report of all folds. count: of them in each repeat."""
    names = [name for name in folds[0].metrics if all(name in fold.metrics for fold in folds)]
    means = tuple(_mean(name, folds) for name in names)
    spread = tuple(_spread(metric, folds) for metric in means)
    each = Table("every fold", ("repeat", "fold", "train", "test", *names), tuple(_rows(folds, count, names)))
    charts = (_chart(means[0], folds),) if means else ()
    return Report(TITLE, means, (Table("mean and spread", NAMES, spread), each), charts)


def _mean(name: str, folds: Sequence[Fold]) -> Metric:
    values = [fold.metrics[name].value for fold in folds]
    share = sum(fold.test for fold in folds) / max(1, sum(fold.train for fold in folds))
    low, high = of_resampled_mean(values, share)
    return Metric(f"{FOLDS}{name}", statistics.fmean(values), low, high, folds[0].metrics[name].greater_is_better)


def _spread(metric: Metric, folds: Sequence[Fold]) -> tuple[str | float | None, ...]:
    name = metric.name.removeprefix(FOLDS)
    values = [fold.metrics[name].value for fold in folds]
    finite = all(map(math.isfinite, values))
    return (
        name,
        metric.value,
        statistics.stdev(values) if finite else None,
        min(values),
        max(values),
        metric.low,
        metric.high,
    )


def _rows(folds: Sequence[Fold], count: int, names: Sequence[str]) -> Iterator[tuple[int | float, ...]]:
    for fold in folds:
        repeat, place = divmod(fold.number, count)
        yield (repeat + 1, place + 1, fold.train, fold.test, *(fold.metrics[name].value for name in names))


def _chart(head: Metric, folds: Sequence[Fold]) -> Chart:
    """Draw the first metric of each fold with its own interval, and the mean as a line."""
    name = head.name.removeprefix(FOLDS)
    found = [(fold.number + 1, fold.metrics[name]) for fold in folds]
    data = [{"fold": number, "value": one.value, "low": one.low, "high": one.high} for number, one in found]
    value = {"field": "value", "type": "quantitative", "title": name.replace("_", " "), "scale": {"zero": False}}
    place = {"field": "fold", "type": "ordinal", "title": "fold"}
    layers = [
        {"mark": "rule", "encoding": {"y": place, "x": {**value, "field": "low"}, "x2": {"field": "high"}}},
        {"mark": {"type": "point", "filled": True, "size": 60}, "encoding": {"y": place, "x": value}},
        {"mark": {"type": "rule", "strokeDash": [4, 3]}, "encoding": {"x": {"datum": head.value}}},
    ]
    return Chart("folds", f"{name.replace('_', ' ')} of each fold", {"data": {"values": data}, "layer": layers})
