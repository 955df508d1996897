"""What monitors found on current rows, by monitor: it is told as plain data, as a page, and in a notebook."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from hookline.errors import DataError, MissingBackend
from hookline.kinds.plain import to_json
from hookline.kinds.reports import Report
from hookline.registry.cells import cell, plain_cell
from hookline.registry.registry import Registry


class Watched(dict[str, Report]):
    """Each monitor's report by its name."""

    def __init__(self, reports: Mapping[str, Report], model: str) -> None:
        super().__init__(reports)
        self.model = model
        """Whose reference the rows were held against."""

    def plain(self) -> dict[str, Any]:
        """Return the model and the reports as JSON values, the monitors' files left out."""
        reports = []
        for name, report in self.items():
            told: dict[str, Any] = to_json(report)
            told.pop("files", None)
            reports.append({"stage": f"monitor.{name}", "kind": "monitor", **told})
        return {"model": self.model, "reports": reports}

    def _repr_html_(self) -> str:
        findings = {f.message: f.severity for report in self.values() for f in report.findings}
        return cell("monitors", self.plain(), plain_cell(f"{self.model} on current rows", findings))


def render(registry: Registry, watched: Watched, path: Path) -> None:
    """Write what monitors found as a page; raises MissingBackend where no plugin does."""
    if not path.parent.is_dir():
        raise DataError(f"there is no folder {path.parent} to write {path.name} into")
    if not registry.render("monitors", watched.plain(), path):
        raise MissingBackend("the page of monitors", "jinja2", "report")
