"""A sweep's leaderboard as a page: the best first, and a picture of quality against cost whose dots lead to the runs."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from hookline.workspace.files import write_whole

from ..filling import fill, finite
from ..wording import number, words
from .labels import told_apart
from .searching import curves_chart, front_chart, importance_chart, parallel_chart, short_names

TOLD = 3
"""So many of the best are told by what was chosen, the others by their rank."""
NARROW = 480
"""Pixels of the picture below which there is room for ranks only."""
WIDE, SLIM = (980.0, 320.0), (270.0, 320.0)
"""Pixels of the picture's inside on a desk, and on a phone."""
LONGEST = 30
"""Characters of a label in the picture."""


def write_board(evidence: Mapping[str, Any], path: Path) -> None:
    """Write the page in one step; it leads to the runs by their place relative to it."""
    facts = linked(finite(evidence), path.absolute().parent)
    write_whole(path, fill("board.html.jinja", {**facts, "headline": headline_of(facts)}, board_charts(facts)))


def linked(facts: Mapping[str, Any], folder: Path) -> dict[str, Any]:
    """Return the facts, each row with the address of its run's report as seen from a folder; none where there is no report."""
    rows = [{**row, "link": _link(row.get("path"), folder)} for row in facts["rows"]]
    empty: dict[str, Any] = {"verdict": "", "register": None, "importances": None, "curves": []}
    return {**empty, **facts, "rows": rows, "names": short_names(facts["varied"])}


def headline_of(facts: Mapping[str, Any]) -> str:
    """Return the best trial in one sentence."""
    done = _done(facts)
    if not done:
        return "No job finished"
    best, metric = done[0], facts["metric"]
    choice = _choice(best, facts["varied"])
    name = words(metric)
    said = name if name[1:2].isupper() else f"{name[:1].lower()}{name[1:]}"
    return f"Best {said} {number(best[metric])}" + (f" with {choice}" if choice else "")


def board_charts(facts: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return quality against cost: a labelled dot a trial, with its interval, that leads to its run."""
    done = _done(facts)
    if not done:
        return []
    metric = facts["metric"]
    middle = (min(row["seconds"] for row in done) + max(row["seconds"] for row in done)) / 2
    values = [
        {
            "seconds": row["seconds"],
            "value": row[metric],
            "low": row.get(f"{metric}_low"),
            "high": row.get(f"{metric}_high"),
            "trial": _choice(row, facts["varied"]) or f"trial {row['trial']}",
            "label": label,
            "slim": slim,
            "late": row["seconds"] > middle,
            "link": row.get("link"),
        }
        for row, label, slim in zip(done, *_labels(done, facts["varied"], metric, middle), strict=True)
    ]
    spec = {"data": {"values": values}, "layer": _layers(words(metric)), "height": 380}
    cost = {"id": "cost", "section": "cost", "title": f"{words(metric)} against time", "spec": spec}
    more = (front_chart(facts, done), parallel_chart(facts, done), importance_chart(facts), curves_chart(facts))
    return [cost, *filter(None, more)]


def _labels(
    done: Sequence[Mapping[str, Any]], varied: Sequence[str], metric: str, middle: float
) -> tuple[list[str], list[str]]:
    """Return what is told beside each dot on a desk, and on a phone: as much as there is room for, the best first."""
    points = [(float(row["seconds"]), float(row[metric])) for row in done]
    lean = [-1 if row["seconds"] > middle else 1 for row in done]
    ranks = [str(row["rank"]) for row in done]
    wide = [(_label(row, varied), rank) for row, rank in zip(done, ranks, strict=True)]
    return told_apart(points, wide, WIDE, lean), told_apart(points, [(rank,) for rank in ranks], SLIM, lean)


def _layers(title: str) -> list[dict[str, Any]]:
    axes: dict[str, Any] = {
        "x": {"field": "seconds", "type": "quantitative", "title": "seconds", "scale": {"zero": False, "padding": 20}},
        "tooltip": [{"field": "trial"}, {"field": "value", "format": ".4g"}, {"field": "seconds", "format": ".3g"}],
        "href": {"field": "link", "type": "nominal"},
    }
    y: dict[str, Any] = {"type": "quantitative", "title": title, "scale": {"zero": False, "padding": 20}}
    at = {**axes, "y": {"field": "value", **y}}
    bars = {
        "mark": {"type": "rule", "opacity": 0.4},
        "encoding": {**axes, "y": {"field": "low", **y}, "y2": {"field": "high"}},
        "transform": [{"filter": "datum.low !== null"}],
    }
    points = {"mark": {"type": "point", "size": 70, "cursor": "pointer"}, "encoding": at}
    # A label stands on the side where there is room.
    labels: list[dict[str, Any]] = [
        {
            "transform": [
                {"filter": f"datum.late === {late}"},
                {"calculate": f"width < {NARROW} ? datum.slim : datum.label", "as": "told"},
            ],
            "mark": {"type": "text", "align": side, "dx": shift, "dy": -8, "fontSize": 11, "cursor": "pointer"},
            "encoding": {**at, "text": {"field": "told"}},
        }
        for late, side, shift in (("false", "left", 6), ("true", "right", -6))
    ]
    return [bars, points, *labels]


def _done(facts: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [row for row in facts["rows"] if row.get(facts["metric"]) is not None]


def _label(row: Mapping[str, Any], varied: Sequence[str]) -> str:
    """Return the rank, of the first ones with what was chosen."""
    choice = _choice(row, varied) if row["rank"] <= TOLD else ""
    cut = choice if len(choice) <= LONGEST else f"{choice[: LONGEST - 1]}…"
    return f"{row['rank']}: {cut}" if cut else str(row["rank"])


def _choice(row: Mapping[str, Any], varied: Sequence[str]) -> str:
    return ", ".join(
        number(row[key]) if isinstance(row[key], str) else f"{key.rpartition('.')[2]} {number(row[key])}"
        for key in varied
        if row[key] is not None
    )


def _link(place: Any, folder: Path) -> str | None:
    if not place:
        return None
    report = Path(place) if Path(place).is_absolute() else folder / place
    return Path(os.path.relpath(report, folder)).as_posix() + "/report.html"
