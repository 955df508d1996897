"""What fits to growing parts of the rows say together: quality against rows, drawn, and whether more would help."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from hookline.kinds.reports import Chart, Finding, Metric, Report, Table
from hookline.quality.intervals import of_resampled_mean

TITLE = "Would more rows help?"
FEWEST = 3
"""Draws below which an interval over them says nothing."""


@dataclass(frozen=True)
class Fit:
    """What one fit measured. rows: it was fitted to; training: the same metric on rows that it was fitted to"""

    rows: int
    repeat: int
    metric: Metric
    training: float


@dataclass(frozen=True)
class Point:
    """The draws of one number of rows: their mean with its interval over draws, and that on training rows."""

    rows: int
    draws: int
    mean: float
    low: float | None
    high: float | None
    training: float


def report_of(fits: Sequence[Fit], planned: int) -> Report:
    """Return the report of what was fitted. planned: how many fits there were to be"""
    head = fits[0].metric
    points = [_point([fit for fit in fits if fit.rows == rows]) for rows in sorted({fit.rows for fit in fits})]
    names = ("training rows", "draws", head.name, "low", "high", f"{head.name} on training rows")
    rows = tuple((one.rows, one.draws, one.mean, one.low, one.high, one.training) for one in points)
    return Report(
        TITLE, (), (Table("rows", names, rows),), (_chart(head.name, points),), (_finding(fits, points, planned),)
    )


def _point(fits: Sequence[Fit]) -> Point:
    values = [fit.metric.value for fit in fits]
    low, high = _interval(values)
    training = statistics.fmean(fit.training for fit in fits)
    return Point(fits[0].rows, len(fits), statistics.fmean(values), low, high, training)


def _interval(values: Sequence[float]) -> tuple[float | None, float | None]:
    return of_resampled_mean(values, 0.0) if len(values) >= FEWEST else (None, None)


def _finding(fits: Sequence[Fit], points: Sequence[Point], planned: int) -> Finding:
    """Say in words whether the last rows that were added helped: by how much better the largest part is than the one before."""
    head, left = fits[0].metric, planned - len(fits)
    cut = f" The time was over after {len(fits)} of {planned} fits." if left else ""
    if len(points) < 2:
        return _told(head.name, 0.0, f"One number of rows shows no curve: give two shares or more.{cut}")
    before, last = points[-2], points[-1]
    gains = _gains(fits, before, last)
    gain = statistics.fmean(gains)
    low, high = _interval(gains)
    name = head.name.replace("_", " ")
    what = f"from {before.rows:,} to {last.rows:,} training rows {name} goes from {before.mean:.4g} to {last.mean:.4g}"
    if low is None or high is None or not math.isfinite(gain):
        why = f"over {len(gains)} draws, where {FEWEST} tell how it varies"
        return _told(head.name, gain, f"It is not told whether more rows would help: {what}, {why}.{cut}")
    said = "More rows would help" if low > 0 else "More rows like these are not shown to help"
    alone = "" if last.draws > 1 else f", which leaves out how one fit to {last.rows:,} rows varies"
    text = f"{said}: {what}, a gain of {gain:.4g} [{low:.4g}, {high:.4g}] over {len(gains)} draws{alone}.{cut}"
    return _told(head.name, gain, text)


def _gains(fits: Sequence[Fit], before: Point, last: Point) -> list[float]:
    """Return by how much better the last point is than the one before, a draw each: than its own part of the rows.

    Of all rows there is one draw, and every part is held against it.
    """
    sign = 1 if fits[0].metric.greater_is_better else -1
    later, earlier = ({fit.repeat: fit.metric.value for fit in fits if fit.rows == one.rows} for one in (last, before))
    whole = next(iter(later.values()))
    if last.draws == 1:
        return [sign * (whole - value) for value in earlier.values()]
    return [sign * (value - earlier[repeat]) for repeat, value in later.items() if repeat in earlier]


def _told(name: str, gain: float, text: str) -> Finding:
    return Finding("learning_curve", f"gain_{name}", gain, 0.0, "info", text)


def _chart(name: str, points: Sequence[Point]) -> Chart:
    """Draw the metric against rows, of held-out and of training rows, with the interval over draws."""
    held = [
        {"rows": one.rows, "value": one.mean, "low": one.low, "high": one.high, "of": "held-out rows"} for one in points
    ]
    seen = [{"rows": one.rows, "value": one.training, "of": "training rows"} for one in points]
    x = {"field": "rows", "type": "quantitative", "title": "training rows"}
    y: dict[str, Any] = {
        "field": "value",
        "type": "quantitative",
        "title": name.replace("_", " "),
        "scale": {"zero": False},
    }
    color = {"field": "of", "type": "nominal", "title": None}
    line = {
        "data": {"values": [*held, *seen]},
        "mark": {"type": "line", "point": True},
        "encoding": {"x": x, "y": y, "color": color},
    }
    reach = {
        "data": {"values": [one for one in held if one["low"] is not None]},
        "mark": "rule",
        "encoding": {"x": x, "y": {**y, "field": "low"}, "y2": {"field": "high"}},
    }
    return Chart("rows", f"{name.replace('_', ' ').capitalize()} against training rows", {"layer": [reach, line]})
