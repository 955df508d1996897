"""`hookline predict`: score a file of rows."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from hookline.errors import UsageError
from hookline.packages.reading import read_table, reading_in
from hookline.packages.scoring import FORMATS, Tally, score, score_to
from hookline.runs.names import load_named
from hookline.telling.terminal import harmless

from ..options import add_contract, add_trust, trust_of
from ..output import parser, say
from ..reading import add_reading, apart, fields_of_reading


def main(argv: Sequence[str]) -> int:
    """Score a file: one prediction a row, in order."""
    options = parser("predict", "Score a file of rows: one prediction a row, in order.")
    options.add_argument("model", help="a model (name, name:3, name@alias), a package folder, `last` or a run id")
    options.add_argument("data", help="a CSV, Parquet, NDJSON or Arrow file, a glob, a folder, or - for stdin")
    options.add_argument(
        "-o", "--output", type=Path, help=f"write here ({', '.join(FORMATS)}) instead of CSV to stdout"
    )
    options.add_argument(
        "--formulas",
        action="store_true",
        help="in a CSV file, leave texts as they are that a spreadsheet would calculate; else a ' stands before them",
    )
    add_contract(options)
    add_trust(options)
    add_reading(options)
    words, overrides = apart(argv)
    given = options.parse_args(words)
    if given.output and given.output.suffix not in FORMATS:
        raise UsageError(f"--output must end in one of {', '.join(FORMATS)}, got '{given.output}'")
    loaded, _ = load_named(given.model, trust_of(given), given.contract)
    reading = reading_in(loaded.manifest)
    reading = reading.but(fields_of_reading(loaded.registry, reading, overrides))
    rows = read_table(loaded.registry, given.data, loaded.schema, reading).frame
    tally = Tally()
    if given.output:
        tally = score_to(loaded, rows, given.output, formulas=given.formulas)
    else:
        for frame in score(loaded, rows, tally):
            text = frame.write_csv(include_header=tally.rows == frame.height)
            sys.stdout.write(harmless(text) if sys.stdout.isatty() else text)
    say(f"{tally.rows:,} rows, {tally.strange:,} of them unlike the training data")
    return 0
