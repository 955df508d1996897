"""`hookline predict`: score a file of rows."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from hookline.data.spreadsheets import without_formulas
from hookline.errors import UsageError
from hookline.live.batch.panel import who_answers
from hookline.live.batch.predicting import Work
from hookline.packages.scoring import FORMATS, Tally
from hookline.registry.registry import load_registry
from hookline.telling.terminal import harmless

from ..options import add_contract, add_trust, trust_of
from ..output import parser, say
from ..reading import add_reading, apart, fields_of_reading, source_instead
from ..runs.progress import RowProgress
from . import answering


def main(argv: Sequence[str]) -> int:
    """Score a file: one prediction a row, in order; or answer what comes to a source."""
    options = _options()
    words, overrides = apart(answering.without_ends(argv))
    given = options.parse_args(words)
    if answering.is_asked(given, argv, overrides):
        return answering.act(given, argv)
    if given.output and given.output.suffix not in FORMATS:
        raise UsageError(f"--output must end in one of {', '.join(FORMATS)}, got '{given.output}'")
    if given.by and not given.explain:
        raise UsageError("--by says who explains, and --explain is not there", hint="add --explain, or leave --by out")
    registry = load_registry()
    who = who_answers(given.model, trust_of(given), given.contract)
    by = given.explain and (given.by or True)
    work = Work.of(registry, who, who.load(registry), given.on, explain=by).recorded(given.log)
    source = source_instead(registry, given.data, overrides)
    said = {} if source is not None else fields_of_reading(registry, work.reads, overrides)
    work = work.reading(given.data if source is None else source, said)
    tally = _to_file(work, given) if given.output else _to_stdout(work, formulas=given.formulas)
    say(f"{tally.rows:,} rows, {tally.strange:,} of them unlike the training data")
    return 0


def _options() -> argparse.ArgumentParser:
    options = parser("predict", "Score a file of rows: one prediction a row, in order.")
    options.add_argument("model", help="a model (name, name:3, name@alias), a package folder, `last` or a run id")
    options.add_argument(
        "data",
        nargs="?",
        help="a CSV, Parquet, NDJSON or Arrow file, a glob, a folder, or - for stdin; or nothing and source=NAME",
    )
    options.add_argument(
        "-o", "--output", type=Path, help=f"write here ({', '.join(FORMATS)}) instead of CSV to stdout"
    )
    options.add_argument(
        "--formulas",
        action="store_true",
        help="in CSV, leave texts as they are that a spreadsheet would calculate; else a ' stands before them",
    )
    options.add_argument(
        "--log", action="store_true", help="put each answer on record in the model's log, under its prediction_id"
    )
    options.add_argument("--on", metavar="SCORER", help="who does the work, such as ray; by default this process")
    options.add_argument(
        "--explain", action="store_true", help="tell beside each answer what moved it: base and moved_COLUMN"
    )
    options.add_argument("--by", metavar="EVALUATOR", help="who explains, such as shap; as for `hookline explain`")
    answering.add(options)
    add_contract(options)
    add_trust(options)
    add_reading(options)
    return options


def _to_file(work: Work, given: argparse.Namespace) -> Tally:
    progress = RowProgress(work.count)
    try:
        return work.write(given.output, formulas=given.formulas, teller=progress)
    finally:
        progress.close()


def _to_stdout(work: Work, *, formulas: bool) -> Tally:
    tally = Tally()
    for frame in work.frames(tally):
        told = frame if formulas else without_formulas(frame)
        text = told.write_csv(include_header=tally.rows == frame.height)
        sys.stdout.write(harmless(text) if sys.stdout.isatty() else text)
    return tally
