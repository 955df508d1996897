"""The report: one self-contained page a run, verdict first."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from hookline import hookimpl
from hookline.errors import MissingBackend


@hookimpl
def render_report(evidence: Mapping[str, Any], path: Path) -> None:
    """Write `path`/report.html; raises MissingBackend where a library is missing, which leaves a run as it is."""
    _require()
    from .page import write_page

    write_page(evidence, path / "report.html")


@hookimpl
def render_leaderboard(evidence: Mapping[str, Any], path: Path) -> None:
    """Write `path`/leaderboard.html; raises MissingBackend where a library is missing."""
    _require()
    from .board import write_board

    write_board(evidence, path / "leaderboard.html")


def _require() -> None:
    from importlib.util import find_spec

    for module in ("jinja2", "vl_convert"):
        if find_spec(module) is None:
            raise MissingBackend("the report", module, "report")
