"""Charts of a decision: what each threshold would have meant, as Vega-Lite specs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from hookline.kinds.answering.rules import DecisionRule
from hookline.kinds.reports import Chart

from .thresholds import Thresholds

if TYPE_CHECKING:
    import numpy as np

POINTS = 150
"""Most points of a line."""


def charts_of(rule: DecisionRule, table: Thresholds) -> list[Chart]:
    """Draw precision, recall and F1 against the threshold, and what a row costs; table: of validation rows."""
    shares = {"precision": table.precision, "recall": table.recall, "F1": table.f1}
    charts = [_against(rule, table, shares, "shares", "Precision, recall and F1 on validation rows", "share")]
    if rule.costs:
        cost = {"cost": table.costs(rule)}
        charts.append(_against(rule, table, cost, "costs", "What a validation row costs on average", "cost a row"))
    return charts


def _against(
    rule: DecisionRule, table: Thresholds, lines: Mapping[str, np.ndarray], name: str, title: str, what: str
) -> Chart:
    import numpy as np

    count = len(table.thresholds)
    kept = np.unique(np.linspace(0, count - 1, min(count, POINTS)).astype(int)).tolist()
    values = [
        {"threshold": _number(table.thresholds[place]), "value": _number(numbers[place]), "of": legend}
        for legend, numbers in lines.items()
        for place in kept
        if np.isfinite(numbers[place])
    ]
    x = {"field": "threshold", "type": "quantitative", "scale": {"domain": [0, 1], "clamp": True}}
    y = {"field": "value", "type": "quantitative", "title": what}
    color = {"color": {"field": "of", "type": "nominal", "title": None}} if len(lines) > 1 else {}
    # Between two thresholds no row lies, so nothing changes before the next.
    line = {"data": {"values": values}, "mark": {"type": "line", "interpolate": "step-before"}}
    marks = [{"threshold": _number(rule.threshold or 0.0), "of": "chosen"}, {"threshold": 0.5, "of": "default .5"}]
    rules = {
        "data": {"values": marks},
        "mark": {"type": "rule", "strokeDash": [4, 4]},
        "encoding": {
            "x": x,
            "opacity": {"field": "of", "type": "nominal", "title": None, "scale": {"range": [1, 0.4]}},
        },
    }
    return Chart(name, title, {"layer": [line | {"encoding": {"x": x, "y": y, **color}}, rules]})


def _number(value: Any) -> float:
    return float(f"{float(value):.5g}")
