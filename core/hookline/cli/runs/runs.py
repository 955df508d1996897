"""`hookline runs`: what was run, and what came of it."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from hookline.live.versions.syncing import send_runs
from hookline.quality.concordance import Concordance
from hookline.runs.result import read_evidence
from hookline.workspace.catalog.datasets import SHORT
from hookline.workspace.home import new_run_id
from hookline.workspace.workspace import open_workspace

from ..options import seconds
from ..output import add_json, parser, print_json, print_rows, say

MOST_COLUMNS = 5
"""So many changed columns of a transform are named."""


def main(argv: Sequence[str]) -> int:
    """List runs, show one, repeat it, or send what a tracker has not taken yet."""
    options = parser("runs", "List runs, show one, repeat it, or send what a tracker has not taken yet.")
    actions = options.add_subparsers(dest="action", required=False)
    listing = actions.add_parser("list", help="list the newest runs")
    listing.add_argument("--limit", type=int, default=20)
    showing = actions.add_parser("show", help="show one run")
    showing.add_argument("run", help="`last`, an id, or its first letters")
    sending = actions.add_parser("send", help="send the runs that a tracker such as MLflow has not taken yet, in order")
    sending.add_argument("--timeout", type=seconds, help="seconds for each tracker (default: as its settings say)")
    repeating = actions.add_parser("repeat", help="run one again on exactly the rows that it saw, or say why not")
    repeating.add_argument("run", help="the same")
    for made in (listing, showing, sending, repeating):
        add_json(made)
    given = options.parse_args(list(argv) or ["list"])
    if given.action == "send":
        return _send(given.timeout, as_json=given.json)
    if given.action == "repeat":
        return _repeat(given.run, as_json=given.json)
    return _show(given.run, as_json=given.json) if given.action == "show" else _list(given.limit, as_json=given.json)


def _send(timeout: float | None, *, as_json: bool) -> int:
    found = send_runs(timeout=timeout)
    if as_json:
        print_json({name: dataclasses.asdict(sent) for name, sent in found.items()})
    else:
        rows = [
            {"tracker": name, "run": run, "is": state}
            for name, sent in found.items()
            for state, runs in (("sent", sent.taken), ("waiting", sent.waiting))
            for run in runs
        ]
        print_rows(rows, ("tracker", "run", "is"), empty="no run waits to be sent")
        for sent in found.values():
            if sent.problem:
                say(sent.problem)
    return 1 if any(sent.waiting for sent in found.values()) else 0


def _list(limit: int, *, as_json: bool) -> int:
    rows = [_row(record) for record in open_workspace().catalog.runs.newest(limit)]
    if as_json:
        print_json(rows)
    else:
        print_rows(
            rows, ("id", "name", "status", "seconds", "metrics"), empty="no runs yet; `hookline run` makes the first"
        )
    return 0


def _repeat(name: str, *, as_json: bool) -> int:
    from hookline.registry.registry import load_registry
    from hookline.runs.past.repeating import differing_metrics, plan_repeat

    from .progress import Progress
    from .running import Task

    registry, workspace = load_registry(), open_workspace()
    planned = plan_repeat(registry, workspace, name)
    version = planned.version
    say(f"run {planned.run} again on {version.name} {version.fingerprint[:SHORT]}, from {planned.where}")
    registry.plugins.manager.register(Progress(), "progress")
    before = dict(workspace.catalog.runs.get(planned.run).metrics or {})
    done = Task(registry, as_json)(dict(planned.config), workspace.home / "runs" / new_run_id())
    differ = differing_metrics(before, dict(workspace.catalog.runs.get(done.id).metrics or {}))
    say(
        f"differs from run {planned.run}: {'; '.join(differ)}"
        if differ
        else f"every metric is that of run {planned.run}"
    )
    return 0


def _row(record: Any) -> dict[str, Any]:
    seconds = (record.finished - record.started).total_seconds() if record.finished else None
    metrics = dict(list(record.metrics.items())[:3]) if record.metrics else {}
    return {
        "id": record.id,
        "name": record.name,
        "status": record.status,
        "started": record.started,
        "seconds": seconds,
        "metrics": ", ".join(f"{name} {value:.4g}" for name, value in metrics.items()),
        "path": record.path,
        "error": record.error,
    }


def _show(name: str, *, as_json: bool) -> int:
    record = open_workspace().catalog.runs.get(name)
    folder = Path(record.path)
    found = read_evidence(folder) if (folder / "evidence.json").is_file() else None
    if as_json:
        print_json(found or dataclasses.asdict(record))
        return 0
    print_rows([_row(record)], ("id", "name", "status", "started", "seconds", "path"), empty="")
    if record.error:
        say(f"error: {record.error}")
    if found:
        say(found["verdict"]["headline"])
        for point in found["verdict"]["points"]:
            if point["level"] in ("critical", "warning"):
                say(f"{point['level']}: {point['text']}")
        print_rows(found["plan"], ("key", "component", "status", "seconds", "why", "summary"), empty="no stages")
        if found.get("cleaning"):
            columns = ("transform", "rows_in", "rows_out", "rows_changed", "cells_changed", "columns")
            print_rows([_cleaned(entry) for entry in found["cleaning"]], columns, empty="")
        metrics = [metric for report in found["reports"] for metric in report["metrics"]]
        print_rows(metrics, ("name", "value", "low", "high", "baseline", "training"), empty="no metrics")
        for pair in found.get("concordance", {}).get("pairs", []):
            say(f"explanations by {Concordance(**pair)}")
    return 0


def _cleaned(entry: dict[str, Any]) -> dict[str, Any]:
    cells = entry["cells_changed"]
    columns = [f"{column} {count:,}" for column, count in list(cells.items())[:MOST_COLUMNS]]
    more = [f"{len(cells) - MOST_COLUMNS} more"] if len(cells) > MOST_COLUMNS else []
    return {**entry, "transform": entry["stage"], "cells_changed": sum(cells.values()), "columns": [*columns, *more]}
