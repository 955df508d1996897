"""A sweep's leaderboard as a page: the best first, and a picture of quality against cost."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from hookline.workspace.files import write_whole

from .page import fill, finite, number, words


def write_board(evidence: Mapping[str, Any], path: Path) -> None:
    """Write the page in one step."""
    facts: dict[str, Any] = finite(evidence)
    done = [row for row in facts["rows"] if row.get(facts["metric"]) is not None]
    write_whole(path, fill("board.html.jinja", {**facts, "headline": _headline(facts, done)}, _charts(facts, done)))


def _headline(facts: Mapping[str, Any], done: list[dict[str, Any]]) -> str:
    if not done:
        return "No job finished"
    best, metric = done[0], facts["metric"]
    choice = ", ".join(f"{key} {number(best[key])}" for key in facts["varied"])
    return f"Best {words(metric)} {number(best[metric])}" + (f" with {choice}" if choice else "")


def _charts(facts: Mapping[str, Any], done: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return quality against cost, the trials that nobody beats in both drawn full, each with its interval."""
    if not done:
        return []
    metric = facts["metric"]
    values = [
        {
            "seconds": row["seconds"],
            "value": row[metric],
            "low": row.get(f"{metric}_low"),
            "high": row.get(f"{metric}_high"),
            "trial": ", ".join(f"{key}={number(row[key])}" for key in facts["varied"]) or f"trial {row['trial']}",
        }
        for row in done
    ]
    axes: dict[str, Any] = {
        "x": {"field": "seconds", "type": "quantitative", "title": "seconds", "scale": {"zero": False}},
        "tooltip": [{"field": "trial"}, {"field": "value", "format": ".4g"}, {"field": "seconds", "format": ".3g"}],
    }
    y: dict[str, Any] = {"type": "quantitative", "title": words(metric), "scale": {"zero": False}}
    bars = {
        "mark": {"type": "rule", "opacity": 0.4},
        "encoding": {**axes, "y": {"field": "low", **y}, "y2": {"field": "high"}},
        "transform": [{"filter": "datum.low !== null"}],
    }
    points = {"mark": {"type": "point", "size": 60}, "encoding": {**axes, "y": {"field": "value", **y}}}
    spec = {"data": {"values": values}, "layer": [bars, points], "height": 380}
    return [{"id": "cost", "section": "cost", "title": f"{words(metric)} against time", "spec": spec}]
