"""The charts of a run's page: those that its reports drew, how it learned, and what the model goes by."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from .wording import words

MOST_IMPORTANCES = 25
LONGEST = 32
"""Letters of a name that are drawn."""


def charts_of(facts: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return every chart with the stage that drew it."""
    drawn = [
        {
            "id": f"{report['stage']}.{chart['name']}",
            "section": report["stage"],
            "title": chart["title"],
            "spec": chart["spec"],
        }
        for report in facts["reports"]
        for chart in report["charts"]
    ]
    drawn += [
        {"id": f"{section}.{chart['name']}", "section": section, "title": chart["title"], "spec": chart["spec"]}
        for section in ("decision", "intervals", "sets")
        for chart in (facts.get(section) or {}).get("charts", ())
    ]
    if learning := facts.get("learning"):
        drawn.append(
            {"id": "learning", "section": "learning", "title": words(learning["name"]), "spec": _curve(learning)}
        )
    if facts.get("importances"):
        top = facts["importances"][:MOST_IMPORTANCES]
        drawn.append({"id": "importances", "section": "importances", "title": "Feature importance", "spec": _bars(top)})
    return drawn


def _curve(learning: Mapping[str, Any]) -> dict[str, Any]:
    """Return the metric after each step, the best of them marked."""
    values = [{"step": step, "value": value} for step, value in learning["points"]]
    known = [value["value"] for value in values if value["value"] is not None]
    best = (max if learning["greater_is_better"] else min)(known, default=None)
    marked = [value for value in values if known and value["value"] == best][:1]
    axes = {
        "x": {"field": "step", "type": "quantitative", "axis": {"tickMinStep": 1}, "scale": {"zero": False}},
        "y": {"field": "value", "type": "quantitative", "title": words(learning["name"]), "scale": {"zero": False}},
        "tooltip": [{"field": "step"}, {"field": "value", "format": ".4g"}],
    }
    line = {"data": {"values": values}, "mark": {"type": "line", "tooltip": True}, "encoding": axes}
    point = {"data": {"values": marked}, "mark": {"type": "point", "size": 70}, "encoding": axes}
    return {"layer": [line, point]}


def _bars(importances: Sequence[Sequence[Any]]) -> dict[str, Any]:
    shown = _told_apart([name for name, _ in importances])
    values = [
        {"feature": said, "name": name, "importance": value}
        for said, (name, value) in zip(shown, importances, strict=True)
    ]
    axes = {
        "y": {"field": "feature", "type": "nominal", "sort": None, "title": None},
        "x": {"field": "importance", "type": "quantitative", "title": None, "axis": {"tickCount": 4}},
        "tooltip": [
            {"field": "name", "title": "feature"},
            {"field": "importance", "type": "quantitative", "format": ".4g"},
        ],
    }
    return {
        "data": {"values": values},
        "mark": {"type": "bar", "tooltip": True},
        "encoding": axes,
        "height": {"step": 18},
    }


def _told_apart(names: Sequence[str]) -> Sequence[str]:
    """Return names cut to what is drawn, each still unlike the others: two bars of one name would be drawn as one."""
    pairs = zip(min(names), max(names), strict=False)
    shared = next((i for i, (a, b) in enumerate(pairs) if a != b), 0)
    ends = [_cut(f"…{name[shared:]}") for name in names]
    return next((cut for cut in ([_cut(name) for name in names], ends) if len({*cut}) == len(names)), names)


def _cut(name: str) -> str:
    """Return a name without its middle where it is long, since long names often begin alike."""
    half = LONGEST // 2
    return name if len(name) <= LONGEST else f"{name[: half - 1]}…{name[-half:]}"
