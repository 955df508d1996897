"""Puts evidence into report.html: plain HTML for words and tables, Vega-Lite for charts, and no network."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from hookline.workspace.files import write_whole

from .sparkline import sparkline

HERE = Path(__file__).parent
MOST_COLUMNS = 300
"""Columns of the data that are shown, so that the page stays below 2 MB."""
MOST_ROWS = 1_000
"""Rows of a table that are shown."""
MOST_IMPORTANCES = 25
SEVERAL = ("cleaning", "parity", "certificates", "packages", "importances", "features")
"""Sections of evidence that hold several things."""


def write_page(evidence: Mapping[str, Any], path: Path) -> None:
    """Write a run's page in one step."""
    write_whole(path, render(evidence))


def render(evidence: Mapping[str, Any]) -> str:
    """Return a run's page as HTML."""
    facts: dict[str, Any] = finite(evidence)
    return fill("page.html.jinja", _sections(facts), _charts(facts))


def fill(template: str, facts: Mapping[str, Any], charts: Sequence[Mapping[str, Any]]) -> str:
    """Return a template with facts, charts, and all that they need to be shown without a network."""
    from jinja2 import Environment, FileSystemBytecodeCache, FileSystemLoader, StrictUndefined

    folder = cache_folder()
    environment = Environment(
        loader=FileSystemLoader(HERE),
        autoescape=True,
        undefined=StrictUndefined,
        bytecode_cache=FileSystemBytecodeCache(str(folder)) if folder else None,
    )
    environment.filters |= {"number": number, "words": words, "seconds": seconds, "size": size, "moment": moment}
    environment.filters["numeric"] = numeric
    return environment.get_template(template).render(
        facts,
        charts=charts,
        most_rows=MOST_ROWS,
        most_columns=MOST_COLUMNS,
        chart_data=_for_script(charts),
        vega=vega_bundle() if charts else "",
        style=(HERE / "style.css").read_text("utf-8"),
        script=(HERE / "script.js").read_text("utf-8"),
    )


def vega_bundle() -> str:
    """Return Vega, Vega-Lite and Vega-Embed as one script; bundling takes a second, so the user's cache folder keeps it."""
    from importlib.metadata import version

    folder = cache_folder()
    kept = folder / f"vega-{version('vl-convert-python')}.js" if folder else None
    if kept is not None and kept.is_file():
        return kept.read_text("utf-8")
    bundle = _bundle().replace("</script", "<\\/script")
    if kept is not None:
        write_whole(kept, bundle)
    return bundle


def cache_folder() -> Path | None:
    """Return the user's cache folder of ours, made if need be; None where it cannot be written."""
    folder = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "hookline"
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError:
        return None
    return folder if os.access(folder, os.W_OK) else None


def _bundle() -> str:
    import vl_convert

    # Its type stub asks for a snippet, without which the function leaves the libraries' own names in place.
    bundle: Any = vl_convert.javascript_bundle
    return str(bundle())


def number(value: Any) -> str:
    """Return a number with four significant digits and thousands apart; other values as text."""
    if value is None:
        return "–"
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return str(value)
    if isinstance(value, int) or (float(value).is_integer() and abs(value) < 1e15):
        return f"{int(value):,}"
    return f"{value:,.0f}" if abs(value) >= 10_000 else f"{value:.4g}"


def numeric(table: Mapping[str, Any], position: int) -> bool:
    """Tell whether a column of a table holds numbers and nothing else but gaps."""
    kinds = {type(row[position]) for row in table["rows"]} - {type(None)}
    return bool(kinds) and kinds <= {int, float}


def words(name: str) -> str:
    """Return a snake_case name as words; those in capitals in the field stay so."""
    known = {
        "roc": "ROC",
        "auc": "AUC",
        "pr": "PR",
        "f1": "F1",
        "r2": "R²",
        "rmse": "RMSE",
        "mae": "MAE",
        "mape": "MAPE",
    }
    said = [known.get(word, word) for word in name.split("_")]
    return " ".join([said[0][:1].upper() + said[0][1:], *said[1:]])


def seconds(value: float) -> str:
    """Return a duration in the unit that suits it."""
    if value >= 60:
        return f"{int(value // 60)} min {value % 60:.0f} s"
    return f"{value:.1f} s" if value >= 1 else f"{value * 1000:.0f} ms"


def size(value: int) -> str:
    """Return a number of bytes in the unit that suits it."""
    return f"{value / 1024**2:.1f} MB" if value >= 1024**2 else f"{value / 1024:.0f} kB"


def moment(text: str) -> str:
    """Return an ISO time as a person writes it, in UTC."""
    return datetime.fromisoformat(text).astimezone(UTC).strftime("%-d %B %Y, %H:%M UTC")


def _sections(facts: dict[str, Any]) -> dict[str, Any]:
    """Return what the template shows, each section empty where the run did not get so far."""
    optional: dict[str, Any] = dict.fromkeys(("data", "split", "deployment", "learning"))
    several: dict[str, Any] = dict.fromkeys(SEVERAL, ())
    shown = optional | several | facts
    shown["evaluations"] = [report for report in facts["reports"] if report["kind"] == "evaluator"]
    shown["audits"] = [report for report in facts["reports"] if report["kind"] in ("contract", "audit")]
    shown["monitors"] = [report for report in facts["reports"] if report["kind"] == "monitor"]
    shown["longest"] = max((stage["seconds"] for stage in facts["plan"]), default=0) or 1
    shown["config_text"] = json.dumps(facts["config"], indent=2, ensure_ascii=False)
    if shown["data"]:
        columns = shown["data"]["profile"]["columns"]
        shown["columns"] = [column | {"sparkline": sparkline(column)} for column in columns[:MOST_COLUMNS]]
        shown["hidden_columns"] = len(columns) - len(shown["columns"])
    return shown


def _charts(facts: Mapping[str, Any]) -> list[dict[str, Any]]:
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
    values = [{"feature": name, "importance": value} for name, value in importances]
    axes = {
        "y": {"field": "feature", "type": "nominal", "sort": None, "title": None, "axis": {"labelLimit": 260}},
        "x": {"field": "importance", "type": "quantitative"},
        "tooltip": [{"field": "feature"}, {"field": "importance", "type": "quantitative", "format": ".4g"}],
    }
    return {
        "data": {"values": values},
        "mark": {"type": "bar", "tooltip": True},
        "encoding": axes,
        "height": {"step": 18},
    }


def _for_script(value: Any) -> str:
    """Return JSON that cannot end the script element it stands in."""
    return json.dumps(value, separators=(",", ":")).replace("<", "\\u003c")


def finite(value: Any) -> Any:
    """Return plain data with None for NaN and infinities, which JSON does not have."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {str(key): finite(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [finite(item) for item in value]
    return value
