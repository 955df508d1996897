"""`hookline compare`: two runs on the very same held-out rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict

from hookline.api import compare

from ..options import add_trust, trust_of
from ..output import add_json, parser, print_json, print_rows, say


def main(argv: Sequence[str]) -> int:
    """Compare two runs: paired on the same rows, with an interval and a verdict in words."""
    options = parser("compare", "Compare two runs on the held-out rows that both were judged by.")
    options.add_argument("first", help="`last`, a run id, its first letters, or a run's folder (such as a sweep's job)")
    options.add_argument("second", help="the same")
    add_json(options)
    add_trust(options)
    given = options.parse_args(argv)
    found = compare(given.first, given.second, trust=trust_of(given))
    if given.json:
        print_json({**asdict(found), "verdict": found.verdict})
        return 0
    print_rows(found.frame().to_dicts(), found.frame().columns, empty="")
    changed = (
        "" if found.changed_decisions is None else f"; {found.changed_decisions:,} of {found.rows:,} decisions differ"
    )
    say(found.verdict + changed)
    return 0
