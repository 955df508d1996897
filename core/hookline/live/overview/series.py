"""How a model did over time, as its monitors said of each window: how far columns moved, and how good the answers were."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from hookline.kinds.plain import to_json
from hookline.workspace.catalog.watching.windows import Window

from ..watching.acting import windows

COLUMNS = "Columns"
"""The table of a report on columns that says how far each has moved."""
MEASURED = ("measured_", "estimated_")
"""How the names of metrics begin that say how good answers are."""
MOST = 200
"""Windows of a monitor that are read, the newest."""


@dataclass(frozen=True)
class DriftPoint:
    """How far a column had moved in one window."""

    until: datetime
    version: int
    rows: int
    effect: float
    low: float | None
    """The least that it moved, at the monitor's confidence."""
    threshold: float
    drifted: bool


@dataclass(frozen=True)
class ColumnDrift:
    """How far a column moved over time, by one statistic."""

    monitor: str
    column: str
    statistic: str
    points: tuple[DriftPoint, ...]
    """In the order of time."""
    reference: str
    """How it was in training, in words."""
    current: str
    """How it was in the newest window."""
    chart: Mapping[str, Any] | None = None
    """The newest that was drawn of it, in training and then: `title` and `spec` (Vega-Lite); None where it never moved."""
    drawn: datetime | None = None
    """The end of the window that was drawn."""

    @property
    def last(self) -> DriftPoint:
        """The newest point."""
        return self.points[-1]

    @property
    def size(self) -> float:
        """How many times its threshold the column moved in the newest window."""
        return self.last.effect / self.last.threshold if self.last.threshold else 0.0


@dataclass(frozen=True)
class MetricPoint:
    """A figure of one window."""

    until: datetime
    version: int
    rows: int
    value: float
    low: float | None
    high: float | None
    seconds: float | None
    """From the end of the window until it was looked at last, which labels that come late make long."""


@dataclass(frozen=True)
class MetricSeries:
    """A figure over time."""

    monitor: str
    metric: str
    how: str
    """`measured`, by labels; `estimated`, before they come; or empty for other figures."""
    points: tuple[MetricPoint, ...]
    held_out: float | None = None
    """The same on held-out rows; None where nobody said."""
    greater_is_better: bool | None = None


def drift_over_time(model: str, *, limit: int = MOST, home: str | Path | None = None) -> list[ColumnDrift]:
    """Return how far each column moved window by window, the one that has moved farthest first.

    limit: windows that are read. Raises UnknownName for what is no model.
    """
    return drift_in(windows(model, limit=limit, home=home))


def quality_over_time(model: str, *, limit: int = MOST, home: str | Path | None = None) -> list[MetricSeries]:
    """Return how good answers were window by window, measured and estimated, and the other figures of monitors.

    limit: windows that are read. Raises UnknownName for what is no model.
    """
    return quality_in(windows(model, limit=limit, home=home))


def drift_in(found: Sequence[Window]) -> list[ColumnDrift]:
    """Return the same of windows, the newest first."""
    points: dict[tuple[str, str, str], list[DriftPoint]] = {}
    words: dict[tuple[str, str, str], tuple[str, str]] = {}
    charts: dict[tuple[str, str], tuple[Mapping[str, Any], datetime]] = {}
    for window in reversed(found):
        for row in _columns(window):
            key = (window.monitor, str(row["column"]), str(row["statistic"]))
            points.setdefault(key, []).append(_point(window, row))
            words[key] = (str(row.get("training", "")), str(row.get("current", "")))
        for chart in window.figures.get("charts", ()):
            charts[window.monitor, str(chart["name"])] = (chart, window.until)
    made = []
    for key, told in points.items():
        monitor, column, _ = key
        chart, drawn = charts.get((monitor, f"drift_{column}"), (None, None))
        made.append(ColumnDrift(*key, tuple(told), *words[key], chart, drawn))
    return sorted(made, key=lambda one: -one.size)


def quality_in(found: Sequence[Window]) -> list[MetricSeries]:
    """Return the same of windows, the newest first; of how good answers are first."""
    points: dict[tuple[str, str], list[MetricPoint]] = {}
    better: dict[tuple[str, str], bool | None] = {}
    held: dict[tuple[str, str], float] = {}
    for window in reversed(found):
        for metric in window.figures.get("metrics", ()):
            key = (window.monitor, str(metric["name"]))
            value = _number(metric.get("value"))
            if value is not None:
                points.setdefault(key, []).append(_measured(window, metric, value))
                better[key] = metric.get("greater_is_better")
        held |= {(window.monitor, name): value for name, value in _held_out(window)}
    made = [
        MetricSeries(
            monitor, _bare(name), _how(name), tuple(told), held.get((monitor, _bare(name))), better[monitor, name]
        )
        for (monitor, name), told in points.items()
    ]
    return sorted(made, key=lambda one: ("measured", "estimated", "").index(one.how))


def plain_series(found: Sequence[ColumnDrift] | Sequence[MetricSeries]) -> list[dict[str, Any]]:
    """Return series as JSON values."""
    return [to_json(one) for one in found]


def _rows(window: Window, table: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    for row in table["rows"]:
        yield dict(zip(table["columns"], row, strict=False))


def _columns(window: Window) -> Iterator[dict[str, Any]]:
    """Yield the rows of a window that say how far a column moved, with both numbers."""
    for table in window.figures.get("tables", ()):
        if table["name"] == COLUMNS and {"column", "statistic", "effect", "threshold"} <= {*table["columns"]}:
            for row in _rows(window, table):
                if _number(row["effect"]) is not None and _number(row["threshold"]) is not None:
                    yield row


def _point(window: Window, row: Mapping[str, Any]) -> DriftPoint:
    numbers = float(row["effect"]), _number(row.get("at least")), float(row["threshold"])
    return DriftPoint(window.until, window.version, window.rows, *numbers, row.get("verdict") == "drifted")


def _measured(window: Window, metric: Mapping[str, Any], value: float) -> MetricPoint:
    took = None if window.looked is None else (window.looked - window.until).total_seconds()
    reach = _number(metric.get("low")), _number(metric.get("high"))
    return MetricPoint(window.until, window.version, window.rows, value, *reach, took)


def _held_out(window: Window) -> Iterator[tuple[str, float]]:
    """Yield what tables of a window say that a metric was on held-out rows."""
    for table in window.figures.get("tables", ()):
        if {"metric", "held-out"} <= {*table["columns"]}:
            for row in _rows(window, table):
                if (value := _number(row["held-out"])) is not None:
                    yield str(row["metric"]), value


def _how(name: str) -> str:
    return next((prefix[:-1] for prefix in MEASURED if name.startswith(prefix)), "")


def _bare(name: str) -> str:
    return next((name.removeprefix(prefix) for prefix in MEASURED if name.startswith(prefix)), name)


def _number(value: Any) -> float | None:
    """Return a finite number; None for what is none, as a figure that is not finite is a text in JSON."""
    return float(value) if isinstance(value, (int, float)) and not isinstance(value, bool) else None
