"""A table's profile as a page: what is odd first, then every column with its distribution."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from hookline.data.dates import shown
from hookline.workspace.files import write_whole

from ..filling import MOST_COLUMNS, fill, finite
from ..glyphs import lorenz, sparkline

QUANTILES = ((0.0, "Min"), (0.25, "25 %"), (0.5, "Median"), (0.75, "75 %"), (1.0, "Max"))
TAILS = (0.01, 0.05, 0.95, 0.99)
LONGEST = 80
"""Characters of a value that are shown."""


def write_data_profile(profile: Mapping[str, Any], path: Path) -> None:
    """Write the page in one step."""
    write_whole(path, fill("data_profile.html.jinja", profile_facts(finite(profile))))


def profile_facts(facts: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the page shows of a profile."""
    columns = [_column(column, facts) for column in facts["columns"][:MOST_COLUMNS]]
    return {
        **facts,
        "columns": columns,
        "hidden": len(facts["columns"]) - len(columns),
        "headline": _headline(facts),
        "levels": {finding["severity"] for finding in facts["findings"]},
        "names": [name for _, name in QUANTILES],
        "compared": any(column["association"] for column in columns),
        "spreads": [_spread(facts, role) for role in ("target", "group") if _has_spread(facts, role)],
        "gaps": [_gaps(column) for column in facts["columns"] if column["gaps"]],
        "texts": [_texts(column) for column in facts["columns"] if column["text"] and column["text"]["writing"]],
    }


def _named(facts: Mapping[str, Any], name: str | None) -> Mapping[str, Any] | None:
    return next((column for column in facts["columns"] if column["name"] == name), None)


def _has_spread(facts: Mapping[str, Any], role: str) -> bool:
    column = _named(facts, facts["roles"].get(role))
    return bool(column and column["spread"]) and (role != "target" or bool(facts["classes"]))


def _spread(facts: Mapping[str, Any], role: str) -> dict[str, Any]:
    column = _named(facts, facts["roles"][role])
    assert column is not None
    spread = column["spread"]
    return {**spread, "name": column["name"], "distinct": column["distinct"], "curve": lorenz(spread, column["name"])}


def _gaps(column: Mapping[str, Any]) -> dict[str, Any]:
    found = column["gaps"]
    spans = [(shown(start, "datetime"), shown(end, "datetime")) for start, end in found["longest"]]
    return {**found, "name": column["name"], "spans": spans}


def _texts(column: Mapping[str, Any]) -> dict[str, Any]:
    writing = column["text"]["writing"]
    lengths = [(f"{share:.0%}", characters) for share, characters in writing["lengths"]]
    return {
        **writing,
        "name": column["name"],
        "lengths": lengths,
        "scripted": sum(texts for _, texts in writing["scripts"]),
        "example": [text[: 2 * LONGEST] for text in (writing["near"] or {}).get("example", ())],
    }


def _headline(facts: Mapping[str, Any]) -> str:
    count = len(facts["findings"])
    odd = "nothing odd was found" if not count else "one thing is odd" if count == 1 else f"{count} things are odd"
    rows, columns = facts["rows"], len(facts["columns"])
    return f"{rows:,} row{'s' * (rows != 1)}, {columns:,} column{'s' * (columns != 1)}: {odd}"


def _column(column: Mapping[str, Any], facts: Mapping[str, Any]) -> dict[str, Any]:
    """Return a column with what the page shows of it as text."""
    held = {share: value for share, value in column["quantiles"] if value is not None}
    kind = column["kind"]
    rows = max(1, column["count"])
    top = [
        [value if len(value) <= LONGEST else f"{value[:LONGEST]}…", count, 100 * count / rows]
        for value, count in column["top"]
    ]
    moment = kind == "datetime"
    role = next((name for name, named in facts["roles"].items() if named == column["name"]), None)
    return {
        **column,
        "role": role,
        "plain_type": column["dtype"].partition("(")[0],
        "sparkline": sparkline({**column, "bins": column["histogram"], "top": [pair[:2] for pair in top]}),
        "shown": [shown(held[share], kind) if share in held else "" for share, _ in QUANTILES],
        "tails": [(f"{share:.0%}", shown(held[share], kind)) for share in TAILS if share in held],
        "top": top,
        "most": max((count for _, count, _ in top), default=1),
        "number": kind == "number",
        "average": shown(column["mean"], kind)[:10] if moment and column["mean"] is not None else column["mean"],
        "findings": [finding for finding in facts["findings"] if finding["subject"] == column["name"]],
    }
