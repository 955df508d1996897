"""What fits with other seeds say together: mean and spread of each metric, every fit, and which one is packaged."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass

from hookline.kinds.reports import Chart, Finding, Metric, Metrics, Report, Table
from hookline.plans.gates import REPEATS
from hookline.quality.intervals import of_resampled_mean

TITLE = "Repeats"
NAMES = ("metric", "packaged", "mean", "std", "min", "max", "low", "high")
EVERY = "every repeat"


@dataclass(frozen=True)
class Fit:
    """What one fit measured on the held-out rows."""

    number: int
    """0 is the run's own, whose model is packaged."""
    seed: int
    metrics: Metrics


def report_of(fits: Sequence[Fit], wanted: int, seeds: Sequence[str], varies: str | None) -> Report:
    """Return the report of all fits, of which the first is the run's own.

    seeds: places in config that go by a seed; varies: why one seed may give several models
    """
    names = [name for name in fits[0].metrics if all(name in fit.metrics for fit in fits)]
    if len(fits) == 1:
        return Report(TITLE, findings=(_told(0.0, _same(wanted)),))
    means = tuple(_mean(name, fits) for name in names)
    spread = tuple(_spread(metric, fits) for metric in means)
    every = tuple(
        (fit.number + 1, fit.seed, not fit.number, *(fit.metrics[name].value for name in names)) for fit in fits
    )
    tables = (
        Table("mean and spread", NAMES, spread),
        Table(EVERY, ("repeat", "seed", "packaged", *names), every),
    )
    head = Metrics(tuple(fits[0].metrics[name] for name in names)).headline()
    if head is None:
        return Report(TITLE, means, tables)
    values = [fit.metrics[head.name].value for fit in fits]
    text = _in_words(head, values, fits[0].seed, seeds, varies)
    finding = _told(statistics.stdev(values) if all(map(math.isfinite, values)) else math.nan, text)
    return Report(TITLE, means, tables, (_chart(head, fits),), (finding,))


def _mean(name: str, fits: Sequence[Fit]) -> Metric:
    values = [fit.metrics[name].value for fit in fits]
    # Each fit draws for itself, so nothing is corrected: the interval is of chance in training alone.
    low, high = of_resampled_mean(values, 0.0)
    return Metric(f"{REPEATS}{name}", statistics.fmean(values), low, high, fits[0].metrics[name].greater_is_better)


def _spread(metric: Metric, fits: Sequence[Fit]) -> tuple[str | float | None, ...]:
    name = metric.name.removeprefix(REPEATS)
    values = [fit.metrics[name].value for fit in fits]
    deviation = statistics.stdev(values) if all(map(math.isfinite, values)) else None
    return (name, values[0], metric.value, deviation, min(values), max(values), metric.low, metric.high)


def _same(wanted: int) -> str:
    return (
        f"{wanted} repeats are one: nothing that is fitted goes by a seed, and the trainer says that it makes the same model "
        "bit for bit, so it was fitted once."
    )


def _in_words(head: Metric, values: Sequence[float], seed: int, seeds: Sequence[str], varies: str | None) -> str:
    """Say how far the fits are apart, what made them differ, and how the one that is packaged stands among them."""
    name = head.name.replace("_", " ")
    if not all(map(math.isfinite, values)):
        return f"{name} is no number in some of {len(values)} repeats."
    why = "" if varies is None else f" One seed may give several models: {varies}."
    if max(values) == min(values):
        same = f"Over {len(values)} fits {name} is {values[0]:.4g} each time"
        return f"{same}; the model that is packaged is that of seed {seed}.{why}"
    mean, deviation = statistics.fmean(values), statistics.stdev(values)
    how = f"with other seeds ({', '.join(seeds)})" if seeds else "with the same seed"
    better = sum(value > values[0] if head.greater_is_better else value < values[0] for value in values)
    return (
        f"Over {len(values)} fits {how} {name} is {mean:.4g} with a standard deviation of {deviation:.2g}, from "
        f"{min(values):.4g} to {max(values):.4g}. The model that is packaged is the run's own, of seed {seed}, with "
        f"{values[0]:.4g}: {better} of the other {len(values) - 1} are better.{why}"
    )


def _told(value: float, text: str) -> Finding:
    return Finding("repeats", "spread", value, 0.0, "info", text)


def _chart(head: Metric, fits: Sequence[Fit]) -> Chart:
    """Draw the head metric of each fit, the packaged one told apart, and their mean as a line."""
    name = head.name
    data = [{"repeat": fit.number + 1, "value": fit.metrics[name].value, "of": _of(fit)} for fit in fits]
    value = {"field": "value", "type": "quantitative", "title": name.replace("_", " "), "scale": {"zero": False}}
    place = {"field": "repeat", "type": "ordinal", "title": "repeat"}
    color = {"field": "of", "type": "nominal", "title": None}
    mean = statistics.fmean(fit.metrics[name].value for fit in fits)
    layers = [
        {"mark": {"type": "rule", "strokeDash": [4, 3]}, "encoding": {"x": {"datum": mean}}},
        {"mark": {"type": "point", "filled": True, "size": 60}, "encoding": {"y": place, "x": value, "color": color}},
    ]
    return Chart("repeats", f"{name.replace('_', ' ')} of each repeat", {"data": {"values": data}, "layer": layers})


def _of(fit: Fit) -> str:
    return "other seeds" if fit.number else "packaged"
