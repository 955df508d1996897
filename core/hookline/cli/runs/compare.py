"""`hookline compare`: runs on the very same held-out rows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from hookline.errors import UsageError
from hookline.plans.gates import FOLDS
from hookline.runs.comparison import Comparison
from hookline.runs.several import Comparisons, compare

from ..options import add_trust, trust_of
from ..output import add_json, parser, print_json, print_rows, say


def main(argv: Sequence[str]) -> int:
    """Compare runs with the first: paired on the same rows, with an interval and a verdict in words."""
    options = parser("compare", "Compare runs with the first of them, on the held-out rows that both were judged by.")
    options.add_argument("first", help="`last`, a run id, its first letters, or a run's folder (such as a sweep's job)")
    options.add_argument("others", nargs="+", metavar="other", help="the same")
    options.add_argument(
        "--margin",
        action="append",
        default=[],
        metavar="METRIC=BY",
        help="by how much the other may be worse and still do",
    )
    options.add_argument(
        "--by", action="append", default=[], metavar="COLUMN", help="compare on each of its values, too"
    )
    add_json(options)
    add_trust(options)
    given = options.parse_args(argv)
    margins = dict(_margin(text) for text in given.margin)
    second, *more = given.others
    found: Any = compare(given.first, second, *more, margins=margins, by=given.by, trust=trust_of(given))
    if given.json:
        print_json(found.plain())
        return 0
    for one in found.found if isinstance(found, Comparisons) else (found,):
        _print(one)
    return 0


def _print(found: Comparison) -> None:
    # Of the folds' metrics those that rows tell, too; the others are in --json.
    shown = {name for one in found.differences for name in (one.metric, f"{FOLDS}{one.metric}")}
    print_rows([row for row in found.frame().to_dicts() if row["metric"] in shown], found.frame().columns, empty="")
    if found.slices:
        print_rows(found.slices_frame().to_dicts(), found.slices_frame().columns, empty="")
    changed = (
        "" if found.changed_decisions is None else f"; {found.changed_decisions:,} of {found.rows:,} decisions differ"
    )
    say(found.verdict + changed)
    for note in found.notes:
        say(note)


def _margin(text: str) -> tuple[str, float]:
    name, equals, value = text.partition("=")
    try:
        return name, float(value)
    except ValueError:
        told = f"'{text}' is no margin" if equals else f"'{text}' says no margin"
        raise UsageError(told, hint="write METRIC=NUMBER, such as --margin accuracy=0.01") from None
