"""What a notebook shows: a page small enough for a cell, in the notebook's own colors, with charts that need no script."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from hookline.workspace.files import write_whole

from .charting import charts_of
from .filling import HERE, finite, template
from .glyphs import difference, interval
from .page import sections
from .pages.board import board_charts, linked
from .pages.board import headline_of as board_headline
from .pages.data_profile import profile_facts
from .standing import BESIDE
from .vega import drawn, inked
from .wording import number, ranked, seconds, words

MOST_CHARTS = 6
MOST_POINTS = 6
MOST_ROWS = 20
COLORS = ["#4a8fd0", "#e08a3c", "#3fa46e", "#b866b0", "#b39b1e", "#3b9ba2", "#d0605a", "#7f74d6", "#8a8a8a", "#7ba04f"]
"""Of lines and bars: seen on white and on black."""
CONFIG = inked(COLORS, {}, {"labelLimit": 120})


def write_report_cell(evidence: Mapping[str, Any], path: Path) -> None:
    """Write what a notebook shows of a run: evidence, and as `path` where its page lies."""
    facts = finite(evidence)
    shown = sections(facts)
    found = ranked(facts["verdict"]["points"])
    levels = {point["level"] for point in found}
    metrics = [_metrics(report, shown) for report in shown["evaluations"] if report["metrics"]]
    told = {
        "headline": facts["verdict"]["headline"],
        "under": f"{facts['title']}, run {facts['run']['id']}: {facts['run']['status']}, {seconds(facts['run']['seconds'])}",
        "level": "bad" if not facts["verdict"]["ok"] or "critical" in levels else _level(levels),
        "facts": shown["facts"],
        "found": found,
        "drawings": _drawn(charts_of(facts)),
        "tables": metrics,
        "link": _link(facts.get("path"), "The whole report"),
    }
    _write(path, told)


def write_board_cell(facts: Mapping[str, Any], path: Path) -> None:
    """Write what a notebook shows of a sweep: the leaderboard's facts."""
    board = linked(finite(facts), Path.cwd())
    metric, varied = board["metric"], board["varied"]
    columns = ["rank", *varied, *([metric, "95 % interval"] if metric else []), "time", "status", "run"]
    charts = [{**chart, "spec": {**chart["spec"], "width": 560, "height": 260}} for chart in board_charts(board)]
    told = {
        "headline": board_headline(board),
        "under": ". ".join(filter(None, (f"sweep {board['sweep']}, {len(board['rows']):,} trials", board["verdict"]))),
        "level": "bad" if any(row["error"] for row in board["rows"]) else "good",
        "drawings": _drawn(charts),
        "tables": [{"columns": columns, "rows": [_board_row(row, metric, varied) for row in board["rows"]]}],
        "link": _link(board.get("path"), "The leaderboard"),
    }
    _write(path, told)


def write_profile_cell(profile: Mapping[str, Any], path: Path) -> None:
    """Write what a notebook shows of a table's profile."""
    facts = profile_facts(finite(profile))
    columns = ["column", "type", "distribution", "missing", "distinct", *(name.lower() for name in facts["names"])]
    rows = [
        [
            column["name"],
            column["plain_type"],
            column["sparkline"],
            f"{100 * column['missing'] / column['count']:.1f} %" if column["missing"] else "",
            column["distinct"],
            *column["shown"],
        ]
        for column in facts["columns"]
    ]
    told = {
        "headline": facts["headline"],
        "under": facts["name"],
        "level": "bad" if "critical" in facts["levels"] else _level(facts["levels"]),
        "found": ranked(facts["findings"]),
        "tables": [{"columns": columns, "rows": rows}],
        "most_rows": 40,
    }
    _write(path, told)


def write_watch_cell(told: Mapping[str, Any], path: Path) -> None:
    """Write what a notebook shows of monitors' reports."""
    from .pages.watch import watch_facts

    facts = watch_facts(finite(told))
    tables = [
        {"title": report["title"], "columns": [words(name) for name in table["columns"]], "rows": table["rows"]}
        for report in facts["reports"]
        for table in report["tables"]
    ]
    shown = {**facts, "under": facts["model"], "found": ranked(facts["findings"]), "tables": tables}
    _write(path, {**shown, "drawings": _drawn(charts_of(facts)), "facts": ()})


def write_comparison_cell(compared: Mapping[str, Any], path: Path) -> None:
    """Write what a notebook shows of two runs side by side."""
    facts = finite(compared)
    rows = [
        [
            words(one["metric"]),
            one["first"],
            one["second"],
            _apart_by(one),
            one["verdict"],
        ]
        for one in (*facts["differences"], *facts.get("folds", ()))
    ]
    tables = [
        {"columns": ["metric", facts["first"], facts["second"], "difference, 95 % interval", "verdict"], "rows": rows}
    ]
    if facts.get("slices"):
        sliced = [[one["slice"], one["rows"], _apart_by(one), one["verdict"]] for one in facts["slices"]]
        tables.append({"columns": ["slice", "rows", "difference, 95 % interval", "verdict"], "rows": sliced})
    notes = [{"level": "info", "text": note, "rows": (), "action": ""} for note in facts.get("notes", ())]
    changed = facts["changed_decisions"]
    under = f"{facts['rows']:,} rows" + ("" if changed is None else f", {changed:,} with another label")
    verdict = facts["differences"][0]["verdict"] if facts["differences"] else ""
    level = {"worse": "bad", "better": "good"}.get(verdict, "doubtful")
    told = {"headline": facts["verdict"], "under": under, "level": level}
    _write(path, {**told, "found": notes, "tables": tables})


def _apart_by(one: Mapping[str, Any]) -> Any:
    """Return a difference above its interval and the drawing of both, narrow enough for a phone (markupsafe.Markup)."""
    from markupsafe import Markup

    low, high = number(one["low"]), number(one["high"])
    return Markup("{}<br><small>{} to {}</small>{}").format(number(one["difference"]), low, high, difference(one))


def _write(path: Path, told: Mapping[str, Any]) -> None:
    empty: dict[str, Any] = {"facts": (), "found": (), "drawings": (), "tables": (), "link": None, "under": ""}
    style = (HERE / "cell.css").read_text("utf-8")
    facts = {**empty, "most": MOST_POINTS, "most_rows": MOST_ROWS, **told, "style": style}
    write_whole(path, template("cell.html.jinja").render(facts))


def _metrics(report: Mapping[str, Any], shown: Mapping[str, Any]) -> dict[str, Any]:
    beside = {what: shown[what] for what in BESIDE if shown[what]}
    names = {"baseline": "baseline", "training": "in training"}
    rows = [
        [
            words(metric["name"]),
            metric["value"],
            "" if None in (metric["low"], metric["high"]) else f"{number(metric['low'])} to {number(metric['high'])}",
            interval(metric, [beside.get("baseline", {}).get(metric["name"])]),
            *(values.get(metric["name"]) for values in beside.values()),
        ]
        for metric in report["metrics"]
    ]
    return {
        "title": report["title"],
        "columns": ["metric", "value", "95 % interval", "", *(names[name] for name in beside)],
        "rows": rows,
    }


def _board_row(row: Mapping[str, Any], metric: str | None, varied: Sequence[str]) -> list[Any]:
    from markupsafe import Markup

    low, high = row.get(f"{metric}_low"), row.get(f"{metric}_high")
    measured = (
        [row.get(str(metric)), "" if None in (low, high) else f"{number(low)} to {number(high)}"] if metric else []
    )
    link = Markup('<a href="{}" target="_blank">report</a>').format(row["link"]) if row["link"] else ""
    return [row["rank"], *(row[key] for key in varied), *measured, seconds(row["seconds"]), row["status"], link]


def _drawn(charts: Sequence[Mapping[str, Any]]) -> list[tuple[str, Any]]:
    """Return the first charts as title and SVG (markupsafe.Markup); none where the library that draws them is missing."""
    from markupsafe import Markup

    if find_spec("vl_convert") is None:
        return []
    specs = [(chart["title"], {"width": 300, "height": 200, **chart["spec"]}) for chart in charts[:MOST_CHARTS]]
    return [(title, Markup(_apart(drawn(spec, CONFIG)))) for title, spec in specs]  # noqa: S704  Vega escapes its texts


def _apart(svg: str) -> str:
    """Return an SVG whose ids no other SVG of a notebook has."""
    mark = hashlib.sha256(svg.encode()).hexdigest()[:8]
    return re.sub(r'( id="|url\(#)', rf"\1h{mark}-", svg)


def _level(levels: set[str]) -> str:
    return "doubtful" if "warning" in levels else "good"


def _link(path: Any, said: str) -> dict[str, str] | None:
    """Return an address as a notebook that was started here can open it."""
    if not path:
        return None
    near = Path(os.path.relpath(path)).as_posix()
    address = Path(path).absolute().as_uri() if near.startswith("..") else near
    return {"address": address, "words": said, "path": str(path)}
