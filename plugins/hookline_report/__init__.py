"""The report: one self-contained page a run, verdict first; pages of a sweep, a table, monitors; and what notebooks show."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from hookline import hookimpl
from hookline.errors import MissingBackend
from hookline.kinds.hooks import PageOptions


@hookimpl
def register_pages() -> Mapping[str, Callable[[Mapping[str, Any], Path], None]]:
    """Return the pages; each raises MissingBackend where a library is missing, which leaves a run as it is."""
    return {
        "report": _report,
        "leaderboard": _leaderboard,
        "profile": _profile,
        "data_diff": _data_diff,
        "monitors": _monitors,
        "model_card": _card,
        "model_card_text": _card_text,
        "report_cell": _report_cell,
        "leaderboard_cell": _leaderboard_cell,
        "profile_cell": _profile_cell,
        "monitors_cell": _monitors_cell,
        "comparison_cell": _comparison_cell,
        "benchmark": _benchmark,
        "feature_history": _feature_history,
    }


@hookimpl
def register_page_servers() -> Mapping[str, Callable[[PageOptions], None]]:
    """Return what serves the pages of `hookline ui`; raises MissingBackend where a library is missing."""
    return {"ui": _ui}


def _ui(options: PageOptions) -> None:
    from importlib.util import find_spec

    for module in ("jinja2", "starlette", "uvicorn", "vl_convert"):
        if find_spec(module) is None:
            raise MissingBackend("hookline ui", module, "ui")
    from .ui.server import serve

    serve(options)


def _report(evidence: Mapping[str, Any], path: Path) -> None:
    _require()
    from .page import write_page

    write_page(evidence, path)


def _leaderboard(facts: Mapping[str, Any], path: Path) -> None:
    _require()
    from .pages.board import write_board

    write_board(facts, path)


def _profile(facts: Mapping[str, Any], path: Path) -> None:
    _require()
    from .pages.data_profile import write_data_profile

    write_data_profile(facts, path)


def _data_diff(facts: Mapping[str, Any], path: Path) -> None:
    _require()
    from .pages.data_diff import write_data_diff

    write_data_diff(facts, path)


def _monitors(told: Mapping[str, Any], path: Path) -> None:
    _require()
    from .pages.watch import write_watch

    write_watch(told, path)


def _card(facts: Mapping[str, Any], path: Path) -> None:
    _require()
    from .pages.card import write_card

    write_card(facts, path)


def _card_text(facts: Mapping[str, Any], path: Path) -> None:
    _require()
    from .pages.card import write_card_text

    write_card_text(facts, path)


def _report_cell(evidence: Mapping[str, Any], path: Path) -> None:
    _require()
    from .cell import write_report_cell

    write_report_cell(evidence, path)


def _leaderboard_cell(facts: Mapping[str, Any], path: Path) -> None:
    _require()
    from .cell import write_board_cell

    write_board_cell(facts, path)


def _profile_cell(facts: Mapping[str, Any], path: Path) -> None:
    _require()
    from .cell import write_profile_cell

    write_profile_cell(facts, path)


def _monitors_cell(told: Mapping[str, Any], path: Path) -> None:
    _require()
    from .cell import write_watch_cell

    write_watch_cell(told, path)


def _comparison_cell(compared: Mapping[str, Any], path: Path) -> None:
    _require()
    from .cell import write_comparison_cell

    write_comparison_cell(compared, path)


def _benchmark(facts: Mapping[str, Any], path: Path) -> None:
    _require()
    from .pages.benchmark import write_benchmark

    write_benchmark(facts, path)


def _feature_history(facts: Mapping[str, Any], path: Path) -> None:
    _require()
    from .pages.feature_history import write_feature_history

    write_feature_history(facts, path)


def _require() -> None:
    from importlib.util import find_spec

    if find_spec("jinja2") is None:
        raise MissingBackend("the report", "jinja2", "report")
