"""`hookline labels`: what turned out to be true of a model's answers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from hookline.live.log.labeling import WITHIN, Labeled, label
from hookline.live.log.status import labels

from ..output import add_json, parser, print_json, print_rows, say


def main(argv: Sequence[str]) -> int:
    """Add what turned out to be true of a model's answers, or say how much is known."""
    options = parser("labels", "Tell what turned out to be true of a model's answers, and how much of it is known.")
    actions = options.add_subparsers(dest="action", required=True)
    adding = actions.add_parser("add", help="add the truth from a file: all of its rows, or none where one is wrong")
    adding.add_argument("model", help="the model that answered")
    adding.add_argument("file", type=Path, help="a CSV, Parquet, NDJSON or Arrow file with the truth")
    adding.add_argument(
        "--by", default="id", metavar="COLUMN", help="id: of the prediction (default); else a raw column, with --time"
    )
    adding.add_argument("--time", metavar="COLUMN", help="the file's column that says when it became true")
    adding.add_argument("--value", metavar="COLUMN", help="the file's column of the truth (default: the target's name)")
    adding.add_argument(
        "--within",
        default=WITHIN,
        metavar="SPAN",
        help=f"with a raw column: how near the record is (default: {WITHIN})",
    )
    adding.add_argument("--zone", default="UTC", help="what times without a zone are in (default: UTC)")
    telling = actions.add_parser("status", help="say how many answers have their truth, by version and age")
    telling.add_argument("model", help="name, name:3 or name@alias")
    telling.add_argument("--since", metavar="WHEN", help="only answers from then on: 7d, 12h, or a time, UTC")
    for made in (adding, telling):
        add_json(made)
    given = options.parse_args(argv)
    return _add(given) if given.action == "add" else _status(given)


def _add(given: Any) -> int:
    made = label(
        given.model,
        given.file,
        by=given.by,
        time=given.time,
        value=given.value,
        within=given.within,
        zone=given.zone,
    )
    if given.json:
        print_json(asdict(made))
        return 0
    for line in _told(made, given.zone):
        say(line)
    return 0


def _told(made: Labeled, zone: str) -> list[str]:
    counts = {
        "corrected: they say something else than before; both are kept, and the newer counts": made.corrected,
        "kept aside: their answer is not on record, and they are joined when it comes": made.aside,
        "there already": made.known,
        "rows without a value, left out": made.empty,
        f"times without a zone, taken for {zone}": made.zoneless,
    }
    told = [f"{words}: {count:,}" for words, count in counts.items() if count]
    return [f"labels added to {made.model}: {made.added:,}", *told]


def _status(given: Any) -> int:
    found = labels(given.model, given.since)
    rows = [{**asdict(group), "share": group.share} for group in found.groups]
    if given.json:
        print_json({"model": found.model, "groups": rows, "aside": found.aside})
        return 0
    shown = [{**row, "share": f"{row['share']:.1%}"} for row in rows]
    empty = f"no answer of '{found.model}' is on record; `hookline serve {found.model}` records what it answers"
    print_rows(shown, ("version", "age", "records", "labeled", "share"), empty=empty)
    if found.aside:
        say(f"labels kept aside, whose answer is not on record: {found.aside:,}")
    return 0
