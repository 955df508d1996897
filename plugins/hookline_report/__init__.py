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


@hookimpl
def render_data_profile(profile: Mapping[str, Any], path: Path) -> None:
    """Write a table's profile to the file `path`; raises MissingBackend where a library is missing."""
    _require("jinja2")
    from .data_profile import write_data_profile

    write_data_profile(profile, path)


def _require(*modules: str) -> None:
    from importlib.util import find_spec

    for module in modules or ("jinja2", "vl_convert"):
        if find_spec(module) is None:
            raise MissingBackend("the report", module, "report")
