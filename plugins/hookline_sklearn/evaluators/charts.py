"""Vega-Lite specs of the evaluators' charts, thinned so that a report stays small."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from hookline import Chart

if TYPE_CHECKING:
    import numpy as np

POINTS = 200
"""Most points of a chart."""
HISTOGRAM_BINS = 40
MOST_COUNTED = 15
"""Classes above which the cells of a confusion matrix are too small to hold their counts, which the pointer still shows."""


def curves(
    name: str,
    title: str,
    axes: tuple[str, str],
    lines: Mapping[str, tuple[np.ndarray, np.ndarray]],
    *,
    diagonal: bool = False,
    points: bool = False,
) -> Chart:
    """Draw lines in the unit square; lines: legend -> x and y, (n_points,) each, in drawing order."""
    x, y = axes
    values = [
        {x: rounded(a), y: rounded(b), "class": legend, "position": position}
        for legend, (first, second) in lines.items()
        for position, (a, b) in enumerate(zip(*_thin(first, second, max(2, POINTS // len(lines))), strict=True))
    ]
    domain = {"domain": [0, 1]}
    position = {
        "x": {"field": x, "type": "quantitative", "scale": domain},
        "y": {"field": y, "type": "quantitative", "scale": domain},
    }
    order = {"order": {"field": "position", "type": "quantitative"}}
    color = {"color": {"field": "class", "type": "nominal"}} if len(lines) > 1 else {}
    line = {
        "data": {"values": values},
        "mark": {"type": "line", "point": points},
        "encoding": {**position, **order, **color},
    }
    if not diagonal:
        return Chart(name, title, line)
    return Chart(name, title, {"layer": [_diagonal(position, axes, 0.0, 1.0), line]})


def heatmap(matrix: np.ndarray, labels: Sequence[str]) -> Chart:
    """Draw a confusion matrix (rows: actual, columns: predicted), colored by the share of the actual class."""
    shares = matrix / matrix.sum(axis=1, keepdims=True).clip(min=1e-12)
    values = [
        {"actual": actual, "predicted": predicted, "rows": rounded(matrix[i, j]), "share": rounded(shares[i, j])}
        for i, actual in enumerate(labels)
        for j, predicted in enumerate(labels)
    ]
    # Few short labels stand upright below the columns; many or long ones would run into each other.
    angle = 0 if len(labels) <= 6 and max(map(len, labels)) <= 12 else -45
    axes = {
        "x": {"field": "predicted", "type": "nominal", "sort": list(labels), "axis": {"labelAngle": angle}},
        "y": {"field": "actual", "type": "nominal", "sort": list(labels)},
        "tooltip": [{"field": name} for name in ("actual", "predicted", "rows")]
        + [{"field": "share", "format": ".1%"}],
    }
    color = {
        "field": "share",
        "type": "quantitative",
        "scale": {"domain": [0, 1], "scheme": "blues"},
        "title": "share of actual",
    }
    text = {
        "text": {"field": "rows", "type": "quantitative", "format": ",.4~g"},
        "color": {"condition": {"test": "datum.share > 0.5", "value": "white"}, "value": "black"},
    }
    layers = [
        {"mark": "rect", "encoding": {"color": color}},
        {"mark": {"type": "text"}, "encoding": text},
    ]
    shown = layers if len(labels) <= MOST_COUNTED else layers[:1]
    spec = {"data": {"values": values}, "encoding": axes, "layer": shown}
    return Chart("confusion_matrix", "Confusion matrix", spec)


def predicted_against_actual(actual: np.ndarray, predicted: np.ndarray, seed: int) -> Chart:
    """Draw a sample of predictions, (n_rows,), against the truth."""
    import numpy as np

    rows = np.random.default_rng(seed).choice(len(actual), min(POINTS, len(actual)), replace=False)
    points = [
        {"actual": rounded(a), "predicted": rounded(p)}
        for a, p in zip(actual[rows].tolist(), predicted[rows].tolist(), strict=True)
    ]
    both = np.concatenate([actual, predicted])
    low, high = float(both.min()), float(both.max())
    axes = {name: _axis(field) for name, field in (("x", "actual"), ("y", "predicted"))}
    dots = {"data": {"values": points}, "mark": {"type": "circle", "opacity": 0.5}, "encoding": axes}
    spec = {"layer": [dots, _diagonal(axes, ("actual", "predicted"), low, high)]}
    return Chart("predicted_against_actual", "Predicted against actual", spec)


def residual_histogram(residuals: np.ndarray, weight: np.ndarray) -> Chart:
    """Draw how often each size of residual, (n_rows,), occurs."""
    import numpy as np

    low, high = float(residuals.min()), float(residuals.max())
    if high - low <= 1e-9 * max(abs(low), abs(high)):
        # Residuals that differ by rounding only cannot be told apart by forty edges.
        low, high = low - 0.5, high + 0.5
    counts, edges = np.histogram(residuals, bins=HISTOGRAM_BINS, range=(low, high), weights=weight)
    bars = [
        {"from": rounded(start), "to": rounded(end), "rows": rounded(count)}
        for start, end, count in zip(edges[:-1].tolist(), edges[1:].tolist(), counts.tolist(), strict=True)
    ]
    encoding = {
        "x": {"field": "from", "type": "quantitative", "bin": {"binned": True}, "title": "actual - predicted"},
        "x2": {"field": "to"},
        "y": {"field": "rows", "type": "quantitative"},
    }
    return Chart("residuals", "Residuals", {"data": {"values": bars}, "mark": "bar", "encoding": encoding})


def _axis(field: str) -> dict[str, Any]:
    return {"field": field, "type": "quantitative", "scale": {"zero": False}}


def _diagonal(encoding: Mapping[str, Any], axes: tuple[str, str], low: float, high: float) -> dict[str, Any]:
    ends = [{axis: rounded(end) for axis in axes} for end in (low, high)]
    return {
        "data": {"values": ends},
        "mark": {"type": "line", "strokeDash": [4, 4], "opacity": 0.5},
        "encoding": dict(encoding),
    }


def _thin(x: np.ndarray, y: np.ndarray, points: int) -> tuple[np.ndarray, np.ndarray]:
    """Keep both ends of a curve and points evenly far along it."""
    import numpy as np

    if len(x) <= points:
        return x, y
    along = np.append(0.0, np.cumsum(np.hypot(np.diff(x), np.diff(y))))
    kept = np.unique(np.searchsorted(along, np.linspace(0, along[-1], points)).clip(max=len(x) - 1))
    return x[kept], y[kept]


def rounded(value: float) -> float:
    """Return a number to five significant digits, which is finer than a screen."""
    return float(f"{value:.5g}")
