"""What a sweep searched, drawn: a line a trial through what was chosen, and the front of what nothing beats."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from ..wording import number, words
from .labels import told_apart

MOST_LINES = 300
"""Trials that are drawn as lines, the best first."""
MOST_AXES = 8
"""Axes that a page has room for."""
MOST_BARS = 15
SHARE_ROOM = 42
"""Pixels behind the longest bar, for its share: what `100%` takes, however narrow the picture is."""
STEP = 84
"""Pixels from one axis to the next."""
WIDE_RANGE = 100
"""How many times the least the greatest of an axis is from which it is logarithmic."""
FRONT = (620.0, 260.0)
"""Pixels of the inside of the front's picture, between those of a desk and a phone."""
BEST = "#d9772b"


def short_names(keys: Sequence[str]) -> dict[str, str]:
    """Return each key by its last part; whole where another one ends so too."""
    last = [key.rpartition(".")[2] for key in keys]
    return {key: name if last.count(name) == 1 else key for key, name in zip(keys, last, strict=True)}


def front_chart(facts: Mapping[str, Any], done: Sequence[Mapping[str, Any]]) -> dict[str, Any] | None:
    """Return the metric against the first of the others that it was weighed with; None where there are none."""
    metric, others = facts["metric"], [name for name in facts.get("others", ()) if name != facts["metric"]]
    shown = [row for row in done if others and row.get(others[0]) is not None]
    if not shown:
        return None
    reached = [bool(row.get("front")) for row in shown]
    points = [(float(row[others[0]]), float(row[metric])) for row in shown]
    texts = [(str(row["rank"]),) if front else () for row, front in zip(shown, reached, strict=True)]
    labels = told_apart(points, texts, FRONT, [0] * len(shown))
    values = [
        {"x": x, "y": y, "front": front, "rank": str(row["rank"]), "label": label}
        for row, (x, y), front, label in zip(shown, points, reached, labels, strict=True)
    ]
    x = {"field": "x", "type": "quantitative", "title": words(others[0]), "scale": {"zero": False, "padding": 20}}
    y = {"field": "y", "type": "quantitative", "title": words(metric), "scale": {"zero": False, "padding": 20}}
    at = {"x": x, "y": y}
    along = [{"filter": "datum.front"}]
    line = {
        "transform": along,
        "mark": {"type": "line", "strokeDash": [4, 4]},
        "encoding": {**at, "order": {"field": "x"}},
    }
    told = {"tooltip": [{"field": "rank"}, {"field": "y", "format": ".4g"}, {"field": "x", "format": ".4g"}]}
    opacity = {"condition": {"test": "datum.front", "value": 1}, "value": 0.35}
    dots = {"mark": {"type": "point", "filled": True, "size": 70}, "encoding": {**at, **told, "opacity": opacity}}
    ranks = _haloed({"dy": -10, "fontSize": 11}, {**at, "text": {"field": "label"}}, {})
    spec = {"data": {"values": values}, "layer": [line, dots, *ranks], "height": 320}
    title = f"{words(metric)} against {words(others[0])}"
    return {"id": "front", "section": "front", "title": title, "spec": spec}


def parallel_chart(facts: Mapping[str, Any], done: Sequence[Mapping[str, Any]]) -> dict[str, Any] | None:
    """Return a line a trial through everything that varied; None of a single key, whose dots say as much."""
    metric = facts["metric"]
    keys = [key for key in facts["varied"] if key != metric][: MOST_AXES - 1]
    if len(keys) < 2 or len(done) < 2:
        return None
    # The best is drawn last, above the others.
    lines = [*reversed(done[:MOST_LINES])]
    axes = [*keys, metric]
    names = [*short_names(keys).values(), words(metric)]
    values, ends = [], []
    for place, (key, name) in enumerate(zip(axes, names, strict=True)):
        found = [row.get(key) for row in lines]
        heights = _heights(found)
        for row, value, height in zip(lines, found, heights, strict=True):
            if height is not None:
                told = {"trial": row["rank"], "axis": f"{place} {name}", "at": height}
                values.append({**told, "value": row[metric], "chosen": number(value)})
        ends += [{"axis": f"{place} {name}", "at": at, "told": text} for at, text in _ends(found, heights)]
    heads = [{"axis": f"{place} {name}", "at": 0, "told": name} for place, name in enumerate(names)]
    return {"id": "parallel", "section": "parallel", "title": "", "spec": _parallel(values, ends, heads, words(metric))}


def importance_chart(facts: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return a bar a parameter, as long as its share of what the metric hangs on; None where that is not known."""
    known = facts.get("importances")
    if not known:
        return None
    names = short_names([key for key, _ in known["of"][:MOST_BARS]])
    values = [{"parameter": names[key], "key": key, "share": share} for key, share in known["of"][:MOST_BARS]]
    most = max(share for _, share in known["of"])
    axes = {
        "y": {
            "field": "parameter",
            "type": "nominal",
            "sort": None,
            "title": None,
            "axis": {"domain": False, "ticks": False},
        },
        "x": {
            "field": "share",
            "type": "quantitative",
            "axis": None,
            "scale": {"domain": [0, most], "nice": False, "range": [0, {"expr": f"max(1, width - {SHARE_ROOM})"}]},
        },
        "tooltip": [
            {"field": "key", "title": "parameter"},
            {"field": "share", "type": "quantitative", "format": ".1%"},
        ],
    }
    shares = {
        "mark": {"type": "text", "align": "left", "dx": 6, "fontSize": 12},
        "encoding": {**axes, "text": {"field": "share", "type": "quantitative", "format": ".0%"}},
    }
    bars = {"mark": {"type": "bar", "cornerRadiusEnd": 3, "height": {"band": 0.7}}, "encoding": axes}
    spec = {"data": {"values": values}, "layer": [bars, shares], "height": {"step": 28}}
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
    first = f"datum.rank === '{shown[0]['rank']}'"
    lines = {
        "data": {"values": [*reversed(values)]},
        "mark": {"type": "line"},
        "encoding": {
            **axes,
            "detail": {"field": "rank"},
            "order": {"field": "step"},
            "strokeDash": dash,
            "opacity": {"condition": {"test": first, "value": 1}, "value": 0.45},
            "strokeWidth": {"condition": {"test": first, "value": 3}, "value": 1.3},
            "color": {"condition": {"test": first, "value": BEST}, "value": "#5b8fc7"},
        },
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


def _parallel(values: Sequence[Any], ends: Sequence[Any], heads: Sequence[Any], title: str) -> dict[str, Any]:
    # Axes lie below each other, where a phone has room too. A digit before each name keeps them in order, and tells two of one
    # name apart.
    y = {
        "field": "axis",
        "type": "nominal",
        "axis": {"labels": False, "ticks": False, "domain": False, "title": None, "grid": True},
        "scale": {"type": "point", "padding": 0.6},
    }
    x = {"field": "at", "type": "quantitative", "axis": None, "scale": {"domain": [-0.02, 1.02]}}
    color = {"field": "value", "type": "quantitative", "title": title, "scale": {"range": ["#a3a9b5", "#2f7fd6"]}}
    told = [{"field": "trial", "title": "rank"}, {"field": "chosen"}, {"field": "value", "format": ".4g"}]
    best = {"test": "datum.trial === 1"}
    paths = {
        "data": {"values": [*values]},
        "mark": {"type": "line"},
        "encoding": {
            "x": x,
            "y": y,
            "order": {"field": "axis"},
            "detail": {"field": "trial", "sort": None},
            "color": {"condition": {**best, "value": BEST}, **color},
            "opacity": {"condition": {**best, "value": 1}, "value": 0.55 if len(values) < 500 else 0.3},
            "strokeWidth": {"condition": {**best, "value": 3}, "value": 1.3},
            "tooltip": told,
        },
    }
    at = {"x": x, "y": y, "text": {"field": "told"}}
    names = _haloed({"fontSize": 12, "fontWeight": 600, "align": "left", "dy": -12, "dx": 2}, at, {"values": [*heads]})
    sides = {"left": (-0.1, 0.02), "center": (0.02, 0.98), "right": (0.98, 1.1)}
    told_at = [
        layer
        for side, (low, high) in sides.items()
        for layer in _haloed(
            {"fontSize": 11, "align": side, "dy": 13, "limit": 110},
            at,
            {"values": [one for one in ends if low < one["at"] <= high]},
        )
    ]
    return {"layer": [paths, *names, *told_at], "height": {"step": STEP}}


def _haloed(mark: Mapping[str, Any], encoding: Mapping[str, Any], data: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return layers of a text with the color of the paper around it, so that lines below it do not cross it."""
    layer: dict[str, Any] = {"encoding": encoding, **({"data": data} if data else {})}
    return [{**layer, "mark": {"type": "text", **mark, **style}} for style in ({"style": "halo"}, {})]


def _heights(found: Sequence[Any]) -> list[float | None]:
    """Return where each value stands on its axis, from 0 to 1; None for what was not chosen there."""
    if all(_is_number(one) for one in found if one is not None):
        known = [float(one) for one in found if one is not None]
        low, high = min(known, default=0.0), max(known, default=0.0)
        wide = low > 0 and high >= WIDE_RANGE * low
        along = [None if one is None else math.log(float(one)) if wide else float(one) for one in found]
        first, last = (math.log(low), math.log(high)) if wide else (low, high)
        return [None if one is None else (one - first) / (last - first) if last > first else 0.5 for one in along]
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
