"""A model's card, as a page and as Markdown."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from hookline.workspace.files import write_whole

from ..filling import fill, finite, template
from ..page import tables_of
from ..wording import number, words

MOST_IN_TEXT = 50
"""Rows of a table in Markdown."""


def write_card(facts: Mapping[str, Any], path: Path) -> None:
    """Write the page in one step."""
    write_whole(path, fill("card.html.jinja", card_facts(finite(facts))))


def write_card_text(facts: Mapping[str, Any], path: Path) -> None:
    """Write the Markdown in one step."""
    made = template("card.md.jinja")
    text = made.render(card_facts(finite(facts)), most_in_text=MOST_IN_TEXT)
    write_whole(path, re.sub(r"\n{3,}", "\n\n", text))


def measured_on(refit: Mapping[str, Any] | None) -> str:
    """Say which rows the metrics are of; of a model that was fitted to all rows, they are of the one before."""
    if not refit:
        return "On rows that the model was not fitted to, with 95 % intervals."
    return (
        f"Of the same pipeline in run {refit['run']}, on {number(refit['held_out'])} rows that it was not fitted to, with 95 % "
        f"intervals. This model was then fitted to all {number(refit['rows'])} rows, so none is left to measure it on."
    )


def card_facts(told: Mapping[str, Any]) -> dict[str, Any]:
    """Return what both show."""
    target, data = told["target"], told["data"]
    title = str(told["name"]) + (f":{told['version']}" if told["version"] else "")
    classes = f" of {len(target['classes'])} classes" if target["classes"] else ""
    environment = told["environment"]
    pieces: dict[str, Any] = {
        "Made": told["created"],
        "Model": f"{told['model']} ({told['trainer']})" if told["trainer"] else told["model"],
        "Predicts": f"{target['name']}, {target['task']}{classes}",
        "Rows of data": number(data["rows"]) if data.get("rows") else "",
        "Version of data": str(data.get("version", ""))[:12],
        "Format": told["format"],
        "Answers": told["decision"],
    }
    signed = "with your key" if told["signed"] else "not with your key"
    parity = told["parity"]
    trust = {
        "Answers as evaluated": f"{'yes' if parity['ok'] else 'no'}, on {number(parity['rows'])} held-out rows",
        "Signed": f"{signed}, by {told['author']}" if told["author"] else signed,
        "Made with": f"hookline {environment['hookline']}, Python {environment['python']}",
    }
    if told.get("code"):
        trust["Code of the project"] = told["code"]
    said = {words(name).capitalize(): value for name, value in told["words"].items()}
    said["Links"] = ", ".join(told["words"]["links"])
    metrics, refit = told["metrics"], told.get("refitted_from")
    first = next(iter(metrics), None)
    return {
        **told,
        "title": title,
        "headline": f"{words(first['name']).capitalize()} {number(first['value'])}" if first else title,
        "about": [{"label": label, "value": value, "note": ""} for label, value in pieces.items() if value],
        "said": list(said.items()),
        "measured": measured_on(refit),
        "report": {"metrics": metrics},
        "tables": tables_of({"tables": told["tables"], "charts": ()}),
        "trust": [{"label": label, "value": value, "note": ""} for label, value in trust.items()],
    }
