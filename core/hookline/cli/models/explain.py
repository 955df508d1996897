"""`hookline explain`: what moved the answers of a model, row by row."""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from itertools import combinations
from typing import TYPE_CHECKING, Any

from hookline.errors import UsageError
from hookline.live.batch.panel import who_answers
from hookline.live.explanations.counterfactuals import MOST_CHANGES, Counterfactual, search
from hookline.live.explanations.explaining import Explained, Question, ask
from hookline.packages.reading import reading_in
from hookline.registry.registry import load_registry

from ..options import add_contract, add_trust, positive, trust_of
from ..output import add_json, parser, print_json, print_rows, say, tell
from ..reading import add_reading, apart, fields_of_reading

if TYPE_CHECKING:
    import polars as pl

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
    options.add_argument(
        "--by",
        metavar="EVALUATOR",
        help="who explains, such as shap, or several: shap,lime; by default the first that the model's run named",
    )
    options.add_argument("--rows", type=positive, default=3, help="of a file, explain the first so many (3)")
    options.add_argument(
        "--top", type=positive, default=10, help="show so many columns of a row (10), the weightiest first"
    )
    options.add_argument(
        "--background", metavar="FILE", help="rows of what is ordinary, instead of what the package tells"
    )
    _add_counterfactual(options)
    add_json(options)
    add_contract(options)
    add_trust(options)
    add_reading(options)
    words, overrides = apart(argv)
    given = options.parse_args(words)
    question = _question(given, overrides)
    if given.counterfactual:
        return _changed(question, given)
    _require_alone(given)
    found = [question.explained(by) for by in (given.by.split(",") if given.by else (None,))]
    if given.json:
        told = [one.plain() for one in found]
        print_json(told[0] if len(told) == 1 else told)
        return 0
    lines = [one.frame() for one in found]
    for row in range(question.rows.height):
        _show(found, [one.filter(one["row"] == row) for one in lines], row, given.top)
    for one in found:
        say(f"{one.explanation.method}; against {one.background}")
    return 0


def _add_counterfactual(options: argparse.ArgumentParser) -> None:
    asked = options.add_argument_group("what would have to be otherwise")
    asked.add_argument(
        "--counterfactual", action="store_true", help="say which few changes of the row give another answer"
    )
    asked.add_argument(
        "--want",
        metavar="ANSWER",
        help='the class, by default the likeliest other; of numbers ">=100", "<=5" or "1..9"',
    )
    asked.add_argument("--keep", metavar="COLUMNS", help="columns that stay as they are: age,sex")
    asked.add_argument("--changes", type=positive, help=f"columns that are changed at most ({MOST_CHANGES})")


def _require_alone(given: argparse.Namespace) -> None:
    for option in ("want", "keep", "changes"):
        if getattr(given, option) is not None:
            raise UsageError(f"--{option} is for --counterfactual, which is not there", hint="add it")


def _changed(question: Question, given: argparse.Namespace) -> int:
    if given.by:
        raise UsageError("--by says who explains, and a counterfactual asks the model itself", hint="leave --by out")
    keep = [name for name in (given.keep or "").split(",") if name]
    found = search(question, want=_wanted(question, given.want), keep=keep, most_changes=given.changes or MOST_CHANGES)
    if given.json:
        print_json(found.plain())
        return 0
    tell(f"answered {found.answer}; wanted {found.want}")
    for way, one in enumerate(found.found, start=1):
        tell()
        tell(f"way {way}: {_answered(one)}")
        print_rows(_changes(one), ("column", "before", "after"), empty="")
    if not found.found:
        tell("no way was found")
        if found.closest is not None:
            tell(f"the closest: {_answered(found.closest)}")
            print_rows(_changes(found.closest), ("column", "before", "after"), empty="")
    say(f"{found.told}; values from {question.background.told}")
    return 0


def _answered(one: Counterfactual) -> str:
    chance = "" if one.probability is None else f" (probability of what is wanted {one.probability:.3g})"
    answer = f"{one.answer:.6g}" if isinstance(one.answer, float) else one.answer
    return f"{answer}{chance}, distance {one.distance:.3g}"


def _changes(one: Counterfactual) -> list[dict[str, Any]]:
    return [{"column": name, "before": before, "after": after} for name, (before, after) in one.changes.items()]


def _wanted(question: Question, said: str | None) -> Any:
    """Return what was typed as `counterfactual` takes it: of numbers both bounds, of classes the word; raises UsageError."""
    if said is None or question.package.target.classes:
        return said
    low, dots, high = said.partition("..")
    bounds = (low, high) if dots else (said[2:], None) if said.startswith(">=") else (None, said[2:])
    try:
        if not dots and not said.startswith((">=", "<=")):
            raise ValueError
        return tuple(None if bound is None else float(bound) for bound in bounds)
    except ValueError:
        hint = 'write ">=100", "<=5" or "1..9"'
        raise UsageError(f"--want says no numbers: '{said}'", hint=hint) from None


def _question(given: argparse.Namespace, overrides: Sequence[str]) -> Question:
    trust, fields = trust_of(given), {}
    if overrides:
        registry = load_registry()
        package = who_answers(given.model, trust, given.contract).load(registry).live
        fields = fields_of_reading(registry, reading_in(package.manifest), overrides)
    return ask(
        given.model,
        _rows(given.data),
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


def _show(found: Sequence[Explained], lines: Sequence[pl.DataFrame], row: int, top: int) -> None:
    """Print a row's answer, what moved it there from the base, as each says it, and how far they agree."""
    for one, own in zip(found, lines, strict=True):
        made, probabilities = one.explanation, one.prediction.probabilities
        sure = "" if probabilities is None else f" ({probabilities[row].max():.3g})"
        who = f", by {one.by}" if len(found) > 1 else ""
        tell(f"row {row}: {own['answer'][0]}{sure}, from {own['base'][0]:.4g} on average ({made.unit}){who}")
        shown = own.head(top).to_dicts()
        print_rows([one | {"moved": f"{one['moved']:+.4g}"} for one in shown], COLUMNS, empty="")
        if own.height > top:
            tell(f"... and {own.height - top} columns more, {own['moved'][top:].sum():+.4g} together")
        tell()
    for one, other in combinations(found, 2):
        if pair := one.concordance(other, row):
            tell(f"row {row}, {pair}")
            tell()
