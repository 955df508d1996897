"""What monitors found on current rows, as a page: the findings first, then each monitor's charts and tables."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from hookline.workspace.files import write_whole

from ..charting import charts_of
from ..filling import fill, finite
from ..page import tables_of


def write_watch(told: Mapping[str, Any], path: Path) -> None:
    """Write the page in one step."""
    facts = watch_facts(finite(told))
    write_whole(path, fill("watch.html.jinja", facts, charts_of(facts)))


def watch_facts(told: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the page shows of `model` and its monitors' `reports`."""
    findings = [finding for report in told["reports"] for finding in report["findings"]]
    levels = {finding["severity"] for finding in findings}
    count = len(findings)
    return {
        "model": told["model"],
        "reports": [{**report, "tables": tables_of(report)} for report in told["reports"]],
        "findings": findings,
        "headline": f"{count} finding{'s' * (count != 1)} on current rows" if count else "Nothing has moved",
        "level": "bad" if "critical" in levels else "doubtful" if "warning" in levels else "good",
    }
