"""`hookline monitor`: current data held against what a model was trained on, now or window by window."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from hookline.errors import GateFailed, UsageError
from hookline.kinds.plain import to_json
from hookline.kinds.reports import SEVERITIES, Report, at_least
from hookline.live.monitoring import DEFAULT, monitor
from hookline.live.streams.watching import monitor_from
from hookline.live.watched import Watched, render
from hookline.packages.manifest import read_manifest
from hookline.packages.reading import reading_in
from hookline.registry.registry import load_registry
from hookline.runs.names import find

from ..options import add_contract, add_trust, fields_of, trust_of
from ..output import add_json, make_folder, parser, print_json, print_rows, say, tell, write_text, writing
from ..reading import add_reading, apart, fields_of_reading, names_source, source_instead
from . import watching


def main(argv: Sequence[str]) -> int:
    """Run monitors on current data against a package's own reference, watch a model, or act on its alarms."""
    options = _options()
    words, overrides = apart(argv)
    given = options.parse_args(words)
    if given.action in watching.ACTS:
        if overrides:
            raise UsageError(f"{overrides[0]}: what is watched is on record, and read as it is", hint="leave it out")
        return watching.ACTS[given.action](given)
    return _run(given, overrides)


def _run(given: Any, overrides: Sequence[str]) -> int:
    chosen = given.monitor or list(DEFAULT)
    fields = fields_of(given.set, chosen)
    monitors = {name: fields.get(name, {}) for name in chosen}
    if given.output:
        make_folder(given.output, "--output")
    reports = _reports(given, monitors, overrides)
    if reports is None:
        if given.json:
            print_json(None)
        say(f"nothing new for {given.model}")
        return 0
    if given.output:
        _write_files(reports, given.output)
    if given.html:
        with writing(given.html):
            render(load_registry(), reports, given.html)
        say(f"page: {given.html}")
    if given.json:
        print_json({name: _plain(report) for name, report in reports.items()})
    else:
        _print(reports)
    found = [finding for report in reports.values() for finding in report.findings]
    worst = [finding for finding in found if given.fail_on and at_least(finding.severity, given.fail_on)]
    if worst:
        are = "finding is" if len(worst) == 1 else "findings are"
        raise GateFailed(f"{len(worst)} {are} {given.fail_on} or worse")
    return 0


def _reports(given: Any, monitors: Mapping[str, Any], overrides: Sequence[str]) -> Watched | None:
    """Return what monitors say: of a file, of what was recorded, or of a source; None where nothing came to that."""
    how: dict[str, Any] = {"trust": trust_of(given), "contract": given.contract}
    named = given.data is None and names_source(overrides)
    if given.new and not named:
        raise UsageError("--new is of a source that rows keep coming to", hint="name one, such as source=events")
    if given.new and (given.since or given.until):
        raise UsageError(
            "--since and --until are of what `serve` recorded, and --new is of a source",
            hint="leave one of the two out",
        )
    data, reading = given.data, {} if named else _source(given.model, overrides)
    if named:
        source = source_instead(load_registry(), None, overrides)
        assert source is not None
        if given.new:
            return monitor_from(given.model, source, monitors, **how)
        data = source.load().frame.collect()
    return monitor(given.model, data, monitors, since=given.since, until=given.until, source=reading, **how)


def _options() -> ArgumentParser:
    text = "Compare current data with what a model was trained on; watch a model's log; act on alarms."
    options = parser("monitor", text)
    actions = options.add_subparsers(dest="action", required=True)
    running = actions.add_parser("run", help="check a file now")
    running.add_argument("model", help="a model (name, name:3, name@alias), a package folder, `last` or a run id")
    running.add_argument(
        "data",
        nargs="?",
        help="current rows: a CSV, Parquet, NDJSON or Arrow file, a glob or a folder; or what `serve` recorded (default: "
        "all that it recorded of the model)",
    )
    running.add_argument(
        "--since",
        metavar="WHEN",
        help="of what `serve` recorded, from then on: 7d (seven days ago), 12h, or a time, UTC",
    )
    running.add_argument("--until", metavar="WHEN", help="and before then")
    running.add_argument(
        "--new",
        action="store_true",
        help="of a source that reads on, such as source=events: only what came since the last time",
    )
    running.add_argument("--monitor", action="append", help="which monitor (repeat; default: data_drift)")
    running.add_argument("--fail-on", choices=SEVERITIES, help="exit with 3 on a finding this severe or worse")
    running.add_argument(
        "--output", type=Path, help="write each report as JSON, and what else its monitor makes, into this folder"
    )
    running.add_argument(
        "--html", type=Path, metavar="FILE", help="write what they found as a page, which needs no network"
    )
    running.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="MONITOR.FIELD=VALUE",
        help="a field of a monitor, such as data_drift.min_rows=100 (repeat)",
    )
    add_contract(running)
    add_trust(running)
    add_json(running)
    add_reading(running)
    watching.add_actions(actions)
    return options


def _source(model: str, overrides: Sequence[str]) -> dict[str, Any]:
    """Return the fields of the source that read this file otherwise than the training rows."""
    if not overrides:
        return {}
    reading = reading_in(read_manifest(find(model).package()))
    return fields_of_reading(load_registry(), reading, overrides)


def _plain(report: Report) -> dict[str, Any]:
    return {name: value for name, value in to_json(report).items() if name != "files"}


def _write_files(reports: dict[str, Report], folder: Path) -> None:
    """Write each report as JSON, and the files that its monitor made, into a folder of the monitor's name."""
    for name, report in reports.items():
        plain = json.dumps(_plain(report), indent=2) + "\n"
        for file, content in {"report.json": plain.encode(), **report.files}.items():
            make_folder((folder / name / file).parent, "--output")
            write_text(folder / name / file, content)
    say(f"written to {folder}: {', '.join(f'{name}/' for name in reports)}")


def _print(reports: dict[str, Report]) -> None:
    for name, report in reports.items():
        tell(report.title)
        for table in report.tables:
            rows = [dict(zip(table.columns, row, strict=True)) for row in table.rows]
            print_rows(rows, table.columns, empty=f"{name}: nothing in table '{table.name}'")
        for finding in report.findings:
            tell(f"{finding.severity}: {finding.message}")
        if not report.findings:
            say(f"{name}: nothing to report")
