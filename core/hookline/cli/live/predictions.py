"""`hookline predictions`: what a model answered, as its servers put it on record."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from typing import Any

from hookline.live.log.files import follow, sizes
from hookline.live.log.joining import truths
from hookline.live.log.predictions import FOLDER, Predictions, predictions, record_named
from hookline.live.segments.lines import record_of
from hookline.workspace.workspace import open_workspace

from ..options import positive
from ..output import add_json, parser, print_json, print_rows, say, text
from . import log_files

MODEL = "a model with a prediction log (name, name:3, name@alias)"


def main(argv: Sequence[str]) -> int:
    """List a model's predictions, show one, print them as they come, or keep their files small."""
    options = parser(
        "predictions", "List a model's predictions, show one, print them as they come, or keep their files small."
    )
    actions = options.add_subparsers(dest="action", required=True)
    listing = actions.add_parser("list", help="list a model's newest predictions")
    listing.add_argument("model", help=MODEL)
    listing.add_argument("--since", metavar="WHEN", help="from then on: 7d (seven days ago), 12h, or a time, UTC")
    listing.add_argument("--until", metavar="WHEN", help="before then")
    listing.add_argument("--version", type=int, help="answered by this version")
    listing.add_argument("--arm", help="answered for this arm of the policy, such as canary")
    listing.add_argument("--limit", type=positive, default=20, help="so many, the newest (default: 20)")
    showing = actions.add_parser("show", help="show one: what was asked, what was answered, and what was true")
    showing.add_argument("id", help="the prediction's id, or its first letters")
    tailing = actions.add_parser("tail", help="print the newest, a line each, the newest last")
    tailing.add_argument("model", help=MODEL)
    tailing.add_argument("--lines", type=positive, default=10, help="so many (default: 10)")
    tailing.add_argument("--follow", action="store_true", help="go on with what comes, until interrupted")
    others = log_files.add_actions(actions)
    for made in (listing, showing, tailing, *others):
        add_json(made)
    given = options.parse_args(argv)
    acts = {"list": _list, "show": _show, "tail": _tail, **log_files.ACTS}
    code: int = acts[given.action](given)
    return code


def _list(given: Any) -> int:
    found = predictions(given.model, given.since, given.until, given.version, given.arm)
    newest = found.newest(given.limit)
    if given.json:
        print_json(newest)
        return 0
    columns = ("id", "time", "version", "prediction", "probability", "warnings")
    print_rows(list(map(_row, newest)), columns, empty=_nothing(found))
    return 0


def _nothing(found: Predictions) -> str:
    return f"no answer of '{found.model}' is on record{found.said()}; {found.hint()}"


def _row(record: Mapping[str, Any]) -> dict[str, Any]:
    shares = record.get("probabilities")
    return {**record, "probability": max(shares) if shares else None}


def _show(given: Any) -> int:
    workspace = open_workspace()
    record = record_named(workspace, given.id)
    log = Predictions(record["model"], workspace.home / FOLDER / record["model"])
    known = truths(workspace, log).of(record["id"])
    if known is not None:
        record = {**record, "truth": known[0], "became": known[1].isoformat()}
    if given.json:
        print_json(record)
        return 0
    facts = {name: value for name, value in record.items() if name != "row" and value is not None}
    print_rows([{"field": name, "value": _said(value)} for name, value in facts.items()], ("field", "value"), empty="")
    print()
    print_rows(
        [{"column": name, "value": value} for name, value in record["row"].items()], ("column", "value"), empty=""
    )
    return 0


def _said(value: Any) -> Any:
    return json.dumps(value) if isinstance(value, (dict, list)) else value


def _tail(given: Any) -> int:
    found = predictions(given.model)
    places = sizes(found.folder)
    newest = found.newest(given.lines)
    if not newest and not given.follow:
        say(_nothing(found))
    for record in reversed(newest):
        _print(record, as_json=given.json)
    if given.follow:
        shown = {record["id"] for record in newest}  # What came while they were read is in both.
        for line in follow(found.folder, places):
            record = record_of(line)
            if record and found.version in (None, record["version"]) and record["id"] not in shown:
                _print(record, as_json=given.json)
    return 0


def _print(record: Mapping[str, Any], *, as_json: bool) -> None:
    sys.stdout.write((json.dumps(record) if as_json else _line(record)) + "\n")
    sys.stdout.flush()


def _line(record: Mapping[str, Any]) -> str:
    version = record["version"]
    name = record["model"] if version is None else f"{record['model']}:{version}"
    warnings = record.get("warnings") or ()
    return "  ".join([record["time"], record["id"], name, text(record["prediction"]), *map(str, warnings)])
