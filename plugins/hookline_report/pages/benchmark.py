"""A bench as a page: what may be said first, then ranks with the critical difference, quality against time, and every figure."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from hookline.workspace.files import write_whole

from ..filling import fill, finite


def write_benchmark(facts: Mapping[str, Any], path: Path) -> None:
    """Write the page in one step."""
    shown = finite(facts)
    failed = [one for one in shown["results"] if one["status"] != "finished"]
    write_whole(path, fill("benchmark.html.jinja", {**shown, "failed": failed}, benchmark_charts(shown)))


def benchmark_charts(facts: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the critical-difference diagram (Demsar 2006, section 3.2.4), and quality against time."""
    ranks = facts["ranking"]["ranks"]
    if not ranks:
        return []
    timed = [row for row in facts["rows"] if row["times"] is not None and row["mean_rank"] is not None]
    charts = [{"id": "ranks", "section": "ranks", "title": "Mean ranks, 1 the best", "spec": _ranks(facts["ranking"])}]
    if timed:
        spec = _against_time(timed)
        charts.append({"id": "time", "section": "time", "title": "Mean rank against time", "spec": spec})
    return charts


def _ranks(ranking: Mapping[str, Any]) -> dict[str, Any]:
    """Draw each pipeline at its mean rank, and a bar over those that are not told apart."""
    ranks = ranking["ranks"]
    dots = [{"pipeline": name, "rank": rank} for name, rank in ranks.items()]
    bars = [
        {"low": min(ranks[name] for name in group), "high": max(ranks[name] for name in group), "first": group[0]}
        for group in ranking["alike"]
    ]
    scale = {"domain": [1, max(2, len(ranks))], "nice": False}
    x = {"type": "quantitative", "title": "mean rank", "scale": scale}
    y = {"type": "nominal", "title": None, "scale": {"domain": list(ranks)}}
    tooltip = [{"field": "pipeline"}, {"field": "rank", "format": ".2f"}]
    layers: list[dict[str, Any]] = [
        {
            "data": {"values": dots},
            "mark": {"type": "point", "filled": True, "size": 80},
            "encoding": {"x": {"field": "rank", **x}, "y": {"field": "pipeline", **y}, "tooltip": tooltip},
        },
        {
            "data": {"values": bars},
            "mark": {"type": "rule", "strokeWidth": 4, "opacity": 0.35},
            "encoding": {"x": {"field": "low", **x}, "x2": {"field": "high"}, "y": {"field": "first", **y}},
        },
    ]
    return {"layer": layers, "height": 40 + 26 * len(ranks)}


def _against_time(rows: list[Mapping[str, Any]]) -> dict[str, Any]:
    values = [{name: row[name] for name in ("pipeline", "mean_rank", "times", "pareto")} for row in rows]
    x = {
        "field": "times",
        "type": "quantitative",
        "title": "times of the quickest",
        "scale": {"type": "log", "padding": 20, "nice": False},
    }
    y = {
        "field": "mean_rank",
        "type": "quantitative",
        "title": "mean rank",
        "scale": {"zero": False, "reverse": True, "padding": 20},
    }
    tooltip = [{"field": "pipeline"}, {"field": "mean_rank", "format": ".2f"}, {"field": "times", "format": ".3g"}]
    at = {"x": x, "y": y, "tooltip": tooltip}
    front = {
        "transform": [{"filter": "datum.pareto"}],
        "mark": {"type": "line", "opacity": 0.4},
        "encoding": {"x": x, "y": y},
    }
    points = {"mark": {"type": "point", "filled": True, "size": 80}, "encoding": at}
    label = {"type": "text", "dy": -12, "fontSize": 11}
    labels = {"mark": label, "encoding": {**at, "text": {"field": "pipeline"}}}
    return {"data": {"values": values}, "layer": [front, points, labels], "height": 320}
