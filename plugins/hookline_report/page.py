"""Puts evidence into report.html: plain HTML for words and tables, Vega-Lite for charts, and no network."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from hookline.kinds.reports import HEADLINES
from hookline.workspace.files import write_whole

from .charting import charts_of
from .filling import MOST_COLUMNS, fill, finite
from .glyphs import sparkline
from .standing import BESIDE, beside, headline_facts, metrics_of

SEVERAL = ("cleaning", "parity", "certificates", "packages", "importances", "features", "selection", "gates")
"""Sections of evidence that hold several things."""


def write_page(evidence: Mapping[str, Any], path: Path) -> None:
    """Write a run's page in one step."""
    write_whole(path, render(evidence))


def render(evidence: Mapping[str, Any]) -> str:
    """Return a run's page as HTML."""
    facts: dict[str, Any] = finite(evidence)
    return fill("page.html.jinja", sections(facts), charts_of(facts))


def sections(facts: dict[str, Any]) -> dict[str, Any]:
    """Return what the template shows, each section empty where the run did not get so far."""
    optional: dict[str, Any] = dict.fromkeys(
        ("data", "split", "deployment", "learning", "decision", "intervals", "sets", "concordance")
    )
    several: dict[str, Any] = dict.fromkeys(SEVERAL, ())
    shown = optional | several | facts
    reports = [{**report, "tables": tables_of(report)} for report in facts["reports"]]
    shown["evaluations"] = [report for report in reports if report["kind"] == "evaluator"]
    shown["audits"] = [report for report in reports if report["kind"] in ("contract", "audit")]
    shown["growing"] = [report for report in reports if report["kind"] == "learning_curve"]
    shown["repeats"] = [report for report in reports if report["kind"] == "repeats"]
    shown["folds"] = [report for report in reports if report["kind"] == "folds"]
    shown["monitors"] = [report for report in reports if report["kind"] == "monitor"]
    shown["longest"] = max((stage["seconds"] for stage in facts["plan"]), default=0) or 1
    shown["config_text"] = json.dumps(facts["config"], indent=2, ensure_ascii=False)
    shown["facts"] = headline_facts(facts, headline_of(facts))
    shown |= {what: beside(facts, what) for what in BESIDE}
    if shown["data"]:
        columns = shown["data"]["profile"]["columns"]
        shown["columns"] = [column | {"sparkline": sparkline(column)} for column in columns[:MOST_COLUMNS]]
        shown["hidden_columns"] = len(columns) - len(shown["columns"])
    return shown


def headline_of(facts: Mapping[str, Any]) -> str | None:
    """Return the name of the metric that heads the page."""
    names = [metric["name"] for metric in metrics_of(facts)]
    return next((name for name in (*HEADLINES, *names) if name in names), None)


def tables_of(report: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Return a report's tables, but for those that it also draws."""
    elsewhere = {chart["name"] for chart in report["charts"]}
    return [table for table in report["tables"] if table["name"] not in elsewhere]
