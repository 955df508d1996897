"""What a sweep searched, drawn: a line a trial through what was chosen, and the front of what nothing beats."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ..wording import number, words

MOST_LINES = 300
"""Trials that are drawn as lines, the best first."""
MOST_AXES = 8
"""Axes that a page has room for."""
MOST_BARS = 15


def front_chart(facts: Mapping[str, Any], done: Sequence[Mapping[str, Any]]) -> dict[str, Any] | None:
    """Return the metric against the first of the others that it was weighed with; None where there are none."""
    metric, others = facts["metric"], [name for name in facts.get("others", ()) if name != facts["metric"]]
    shown = [row for row in done if others and row.get(others[0]) is not None]
    if not shown:
        return None
    values = [
        {"x": row[others[0]], "y": row[metric], "front": bool(row.get("front")), "rank": str(row["rank"])}
        for row in shown
    ]
    x = {"field": "x", "type": "quantitative", "title": words(others[0]), "scale": {"zero": False, "padding": 20}}
    y = {"field": "y", "type": "quantitative", "title": words(metric), "scale": {"zero": False, "padding": 20}}
    at = {"x": x, "y": y}
    reached = [{"filter": "datum.front"}]
    line = {
        "transform": reached,
        "mark": {"type": "line", "strokeDash": [4, 4]},
        "encoding": {**at, "order": {"field": "x"}},
    }
    told = {"tooltip": [{"field": "rank"}, {"field": "y", "format": ".4g"}, {"field": "x", "format": ".4g"}]}
    opacity = {"condition": {"test": "datum.front", "value": 1}, "value": 0.35}
    dots = {"mark": {"type": "point", "filled": True, "size": 70}, "encoding": {**at, **told, "opacity": opacity}}
    ranks = {
        "transform": reached,
        "mark": {"type": "text", "dy": -10, "fontSize": 11},
        "encoding": {**at, "text": {"field": "rank"}},
    }
    spec = {"data": {"values": values}, "layer": [line, dots, ranks], "height": 320}
    title = f"{words(metric)} against {words(others[0])}"
    return {"id": "front", "section": "front", "title": title, "spec": spec}


def parallel_chart(facts: Mapping[str, Any], done: Sequence[Mapping[str, Any]]) -> dict[str, Any] | None:
    """Return a line a trial through everything that varied; None of a single key, whose dots say as much."""
    metric = facts["metric"]
    keys = [key for key in facts["varied"] if key != metric][: MOST_AXES - 1]
    if len(keys) < 2 or len(done) < 2:
        return None
    lines = list(done[:MOST_LINES])
    axes = [*keys, metric]
    values, ends = [], []
    for place, key in enumerate(axes):
        found = [row.get(key) for row in lines]
        heights = _heights(found)
        name = key.rpartition(".")[2] if place < len(keys) else words(key)
        for row, value, height in zip(lines, found, heights, strict=True):
            if height is not None:
                told = {"trial": row["rank"], "axis": f"{place} {name}", "at": height}
                values.append({**told, "value": row[metric], "chosen": number(value)})
        ends += [{"axis": f"{place} {name}", "at": at, "told": text} for at, text in _ends(found, heights)]
    return {"id": "parallel", "section": "parallel", "title": "", "spec": _parallel(values, ends, words(metric))}


def importance_chart(facts: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return a bar a parameter, as long as its share of what the metric hangs on; None where that is not known."""
    known = facts.get("importances")
    if not known:
        return None
    values = [{"parameter": key, "share": share} for key, share in known["of"][:MOST_BARS]]
    axes = {
        "y": {"field": "parameter", "type": "nominal", "sort": None, "title": None},
        "x": {"field": "share", "type": "quantitative", "title": None, "axis": {"format": "%", "tickCount": 4}},
        "tooltip": [{"field": "parameter"}, {"field": "share", "type": "quantitative", "format": ".1%"}],
    }
    spec = {"data": {"values": values}, "mark": {"type": "bar"}, "encoding": axes, "height": {"step": 22}}
    return {"id": "importance", "section": "importance", "title": "", "spec": spec}


def curves_chart(facts: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return a line a trial that reported steps, of the metric that most of them report; None where none did.

    Those that were given up are dashed, and end in a dot.
    """
    every = facts.get("curves") or []
    names = [one["name"] for one in every]
    if not names:
        return None
    metric = max(names, key=names.count)
    shown = [one for one in every if one["name"] == metric]
    values = [
        {"rank": str(one["rank"]), "step": step, "value": value, "pruned": one["status"] == "pruned"}
        for one in shown
        for step, value in one["points"]
        if value is not None
    ]
    last = [{**points[-1]} for one in shown if (points := [v for v in values if v["rank"] == str(one["rank"])])]
    axes = {
        "x": {"field": "step", "type": "quantitative", "axis": {"tickMinStep": 1}, "scale": {"zero": False}},
        "y": {"field": "value", "type": "quantitative", "title": words(metric), "scale": {"zero": False}},
        "tooltip": [{"field": "rank"}, {"field": "step"}, {"field": "value", "format": ".4g"}],
    }
    dash = {"condition": {"test": "datum.pruned", "value": [3, 3]}, "value": [1, 0]}
    opacity = {"condition": {"test": "datum.pruned", "value": 0.55}, "value": 0.9}
    lines = {
        "data": {"values": values},
        "mark": {"type": "line", "strokeWidth": 1.5},
        "encoding": {**axes, "detail": {"field": "rank"}, "strokeDash": dash, "opacity": opacity},
    }
    ends = {
        "data": {"values": [one for one in last if one["pruned"]]},
        "mark": {"type": "point", "filled": True, "size": 35},
        "encoding": axes,
    }
    return {
        "id": "curves",
        "section": "curves",
        "title": words(metric),
        "spec": {"layer": [lines, ends], "height": 300},
    }


def _parallel(values: Sequence[Any], ends: Sequence[Any], title: str) -> dict[str, Any]:
    # A digit before each name keeps the axes in order, and keeps two of one name apart.
    label = {
        "labelExpr": "replace(datum.label, /^\\d+ /, '')",
        "labelAngle": 0,
        "title": None,
        "grid": True,
        "labelOverlap": True,
    }
    x = {"field": "axis", "type": "nominal", "axis": label, "scale": {"type": "point", "padding": 0.3}}
    y = {"field": "at", "type": "quantitative", "axis": None, "scale": {"domain": [-0.08, 1.08]}}
    color = {"field": "value", "type": "quantitative", "title": title, "scale": {"range": ["#a3a9b5", "#2f7fd6"]}}
    told = [{"field": "trial", "title": "rank"}, {"field": "chosen"}, {"field": "value", "format": ".4g"}]
    paths = {
        "data": {"values": [*values]},
        "mark": {"type": "line", "opacity": 0.6, "strokeWidth": 1.5},
        "encoding": {"x": x, "y": y, "detail": {"field": "trial"}, "color": color, "tooltip": told},
    }
    sides = [
        {
            "data": {"values": [one for one in ends if (one["at"] > 0.5) is upper]},
            "mark": {"type": "text", "fontSize": 11, "dy": -9 if upper else 9, "limit": 90},
            "encoding": {"x": x, "y": y, "text": {"field": "told"}},
        }
        for upper in (True, False)
    ]
    return {"layer": [paths, *sides], "height": 320}


def _heights(found: Sequence[Any]) -> list[float | None]:
    """Return where each value stands on its axis, from 0 to 1; None for what was not chosen there."""
    if all(_is_number(one) for one in found if one is not None):
        known = [float(one) for one in found if one is not None]
        low, high = min(known, default=0.0), max(known, default=0.0)
        return [None if one is None else (float(one) - low) / (high - low) if high > low else 0.5 for one in found]
    order = sorted({str(one) for one in found if one is not None})
    most = max(1, len(order) - 1)
    return [None if one is None else order.index(str(one)) / most for one in found]


def _ends(found: Sequence[Any], heights: Sequence[float | None]) -> list[tuple[float, str]]:
    """Return what stands at the ends of an axis, or at each choice of one of words."""
    told = {height: number(value) for value, height in zip(found, heights, strict=True) if height is not None}
    if all(_is_number(one) for one in found if one is not None):
        return [(height, told[height]) for height in {min(told, default=0.0), max(told, default=0.0)} if height in told]
    return sorted(told.items())


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)
