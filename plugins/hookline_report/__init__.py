"""The report: one self-contained page a run, verdict first."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from hookline import hookimpl


@hookimpl
def render_report(evidence: Mapping[str, Any], path: Path) -> None:
    """Write `path`/report.html; a missing library is said once, on the log, and leaves the run alone."""
    from .page import write_page

    write_page(evidence, path / "report.html")
