"""A feature through the versions of models, as a page: how much each goes by it, how far it had moved, and what it was."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from hookline.workspace.files import write_whole

from ..filling import fill, finite

FIGURES = {"share": "Share of all importance", "drift": "How far it had moved", "weight": "Weight"}
MOST_TICKS = 12
"""Versions that the axis names."""
COLUMNS = ("model", "version", "importance", "share", "drift", "weight", "set", "definition")


def write_feature_history(facts: Mapping[str, Any], path: Path) -> None:
    """Write the page in one step."""
    shown = finite(facts)
    versions = shown["versions"]
    models = list(dict.fromkeys(one["model"] for one in versions))
    table = {"name": "versions", "columns": COLUMNS, "rows": [[one[name] for name in COLUMNS] for one in versions]}
    told = {**shown, "models": models, "table": table, "definitions": len({one["feature_version"] for one in versions})}
    write_whole(path, fill("feature_history.html.jinja", told, history_charts(versions)))


def history_charts(versions: list[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return a line a model for each figure that some version has; of weights, where one is not 1."""
    return [
        {"id": name, "section": "history", "title": title, "spec": _lines(versions, name, title)}
        for name, title in FIGURES.items()
        if any(one[name] not in ((None, 1) if name == "weight" else (None,)) for one in versions)
    ]


def _lines(versions: list[Mapping[str, Any]], name: str, title: str) -> dict[str, Any]:
    values = [
        {"model": one["model"], "version": one["version"], "value": one[name], "definition": one["definition"]}
        for one in versions
        if one[name] is not None
    ]
    there = sorted({one["version"] for one in values})
    # Vega marks what lies between two versions too, and rounds it to one of them.
    steps = there[:: 1 + len(there) // MOST_TICKS]
    shown = [{"field": field} for field in ("model", "version", "definition")]
    return {
        "data": {"values": values},
        "mark": {"type": "line", "point": True, "tooltip": True},
        "encoding": {
            "x": {"field": "version", "type": "quantitative", "axis": {"values": steps, "format": "d"}},
            "y": {"field": "value", "type": "quantitative", "title": title, "scale": {"domainMin": 0}},
            "color": {"field": "model", "type": "nominal"},
            "tooltip": [*shown, {"field": "value", "format": ".4g"}],
        },
    }
