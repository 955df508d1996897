"""The report: one self-contained page a run, verdict first; and pages of a sweep's leaderboard and of a table's profile."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from hookline import hookimpl
from hookline.errors import MissingBackend


@hookimpl
def register_pages() -> Mapping[str, Callable[[Mapping[str, Any], Path], None]]:
    """Return the pages; each raises MissingBackend where a library is missing, which leaves a run as it is."""
    return {"report": _report, "leaderboard": _leaderboard, "profile": _profile}


def _report(evidence: Mapping[str, Any], path: Path) -> None:
    _require()
    from .page import write_page

    write_page(evidence, path)


def _leaderboard(facts: Mapping[str, Any], path: Path) -> None:
    _require()
    from .board import write_board

    write_board(facts, path)


def _profile(facts: Mapping[str, Any], path: Path) -> None:
    _require("jinja2")
    from .data_profile import write_data_profile

    write_data_profile(facts, path)


def _require(*modules: str) -> None:
    from importlib.util import find_spec

    for module in modules or ("jinja2", "vl_convert"):
        if find_spec(module) is None:
            raise MissingBackend("the report", module, "report")
