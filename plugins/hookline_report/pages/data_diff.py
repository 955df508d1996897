"""What changed between two versions of data as a page: both distributions of each column, side by side."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from hookline.workspace.files import write_whole

from ..filling import MOST_COLUMNS, fill, finite
from ..glyphs import overlaid

FIGURES = ("missing", "distinct", "mean", "std", "minimum", "maximum")


def write_data_diff(facts: Mapping[str, Any], path: Path) -> None:
    """Write the page in one step."""
    write_whole(path, fill("data_diff.html.jinja", diff_facts(finite(facts))))


def diff_facts(facts: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the page shows of a diff."""
    columns = [_column(column) for column in facts["columns"][:MOST_COLUMNS]]
    moved = sum(column["change"] not in ("same", "changed") for column in columns)
    headline = "one version" if facts["identical"] else f"{moved} column{'s' * (moved != 1)} moved, came or went"
    return {**facts, "columns": columns, "hidden": len(facts["columns"]) - len(columns), "headline": headline}


def _column(column: Mapping[str, Any]) -> dict[str, Any]:
    figures = [
        (name, column["before"].get(name), column["now"].get(name))
        for name in FIGURES
        if name in column["before"] or name in column["now"]
    ]
    return {**column, "drawn": overlaid(column["name"], *column["profiles"]), "figures": figures}
