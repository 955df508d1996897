"""`hookline explain`: what moved the answers of a model, row by row."""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from typing import Any

from hookline.errors import UsageError
from hookline.live.batch.panel import who_answers
from hookline.live.explaining.explaining import Explained, explain
from hookline.packages.reading import reading_in
from hookline.registry.registry import load_registry

from ..options import add_contract, add_trust, positive, trust_of
from ..output import add_json, parser, print_json, print_rows, say, tell
from ..reading import add_reading, apart, fields_of_reading

COLUMNS = ("column", "value", "moved")


def main(argv: Sequence[str]) -> int:
    """Explain a row, or the first of a file."""
    options = parser(
        "explain", "Say how much each raw column moved a model's answer, for a row or the first of a file."
    )
    options.add_argument("model", help="a model (name, name:3, name@alias), a package folder, `last` or a run id")
    options.add_argument(
        "data", metavar="ROW|FILE", help="a row as JSON, '{\"age\": 44}', or several; or a file, or - for stdin"
    )
    options.add_argument("--by", metavar="EVALUATOR", help="who explains, such as shap; by default the first installed")
    options.add_argument("--rows", type=positive, default=3, help="of a file, explain the first so many (3)")
    options.add_argument(
        "--top", type=positive, default=10, help="show so many columns of a row (10), the weightiest first"
    )
    options.add_argument(
        "--background", metavar="FILE", help="rows of what is ordinary, instead of what the package tells"
    )
    add_json(options)
    add_contract(options)
    add_trust(options)
    add_reading(options)
    words, overrides = apart(argv)
    given = options.parse_args(words)
    found = _explained(given, overrides)
    if given.json:
        print_json(found.plain())
        return 0
    _show(found, given.top)
    return 0


def _explained(given: argparse.Namespace, overrides: Sequence[str]) -> Explained:
    trust, fields = trust_of(given), {}
    if overrides:
        registry = load_registry()
        package = who_answers(given.model, trust, given.contract).load(registry).live
        fields = fields_of_reading(registry, reading_in(package.manifest), overrides)
    return explain(
        given.model,
        _rows(given.data),
        by=given.by,
        most=given.rows,
        background=given.background,
        trust=trust,
        contract=given.contract,
        source=fields,
    )


def _rows(data: str) -> Any:
    """Return rows that were typed as JSON, else the path."""
    if not data.lstrip().startswith(("{", "[")):
        return data
    try:
        return json.loads(data)
    except json.JSONDecodeError as error:
        raise UsageError(f"ROW is no JSON: {error}", hint='write it as \'{"age": 44, "plan": "gold"}\'') from error


def _show(found: Explained, top: int) -> None:
    """Print each row's answer, and what moved it there from the base."""
    made = found.explanation
    probabilities = found.prediction.probabilities
    lines = found.frame()
    for row in range(found.rows.height):
        own = lines.filter(lines["row"] == row)
        answer = own["answer"][0]
        sure = "" if probabilities is None else f" ({probabilities[row].max():.3g})"
        tell(f"row {row}: {answer}{sure}, from {own['base'][0]:.4g} on average ({made.unit})")
        shown = own.head(top).to_dicts()
        print_rows([one | {"moved": f"{one['moved']:+.4g}"} for one in shown], COLUMNS, empty="")
        if own.height > top:
            tell(f"... and {own.height - top} columns more, {own['moved'][top:].sum():+.4g} together")
        tell()
    say(f"{made.method}; against {found.background}")
