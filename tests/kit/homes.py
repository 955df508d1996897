"""A home with a model that was watched, and much that is wrong with it, written to the catalog as servers and watchers do."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from hookline.kinds.deployments import LATENCY_BOUNDS, LIVE, Deployment, Route
from hookline.kinds.reports import Finding, Severity
from hookline.live.seen import Refusals
from hookline.workspace.catalog.sightings import Sighting
from hookline.workspace.catalog.watching.alarms import Alarm, AlarmEvent
from hookline.workspace.catalog.watching.outbox import Letter
from hookline.workspace.catalog.watching.windows import Outcome, Window
from hookline.workspace.workspace import Workspace, open_workspace

HOUR = timedelta(hours=1)
NOW = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
WINDOWS = 12
COLUMNS = ("column", "statistic", "effect", "at least", "threshold", "verdict", "training", "current")


def register(workspace: Workspace, model: str, package: Path | None = None) -> int:
    """Register the next version of a model: a copy of a package, or one whose folder is not there."""
    catalog = workspace.catalog
    number = len(catalog.models.versions(model)) + 1 if catalog.models.has(model) else 1
    folder = workspace.home / "models" / model / f"{number:016}"
    if package is not None:
        shutil.copytree(package, folder)
    return catalog.models.register(model, f"run-{number}", str(folder), "skops", {"accuracy": 0.9}, f"{number:064}")


def put(workspace: Workspace, model: str, version: int, canary: int | None = None, reason: str = "it is good") -> int:
    """Put a version in charge, another beside it for a tenth of the requests; return the policy's number."""
    beside = () if canary is None else (Route(canary, 0.1, arm="canary"),)
    routes = (Route(version, 0.9 if beside else 1.0, arm=LIVE), *beside)
    workspace.catalog.deployments.record(Deployment(model, version, routes, "local"), reason)
    found = workspace.catalog.deployments.current(model)
    assert found is not None
    assert found.number is not None
    return found.number


def see(workspace: Workspace, model: str, policy: int, version: int, arm: str, requests: int, errors: int = 0) -> None:
    """Have a server say what it saw: each request took 5 ms."""
    latency = [0] * (len(LATENCY_BOUNDS) + 1)
    latency[sum(bound < 0.005 for bound in LATENCY_BOUNDS)] = requests
    answers = {"labels": ["no", "yes"], "counts": [requests // 2, requests - requests // 2]}
    seen = Sighting(model, policy, version, arm, "w", requests, errors, latency, latency, answers)
    workspace.catalog.sightings.tell([seen])


def drifted(model: str, until: datetime, effects: dict[str, float], **more: Any) -> Window:
    """Return what `data_drift` said of a window, in which columns moved so far; 0.1 is its threshold."""
    rows = [
        (name, "KS", value, value / 2, 0.1, "drifted" if value > 0.1 else "same", f"mean 1 of {name}", "mean 2")
        for name, value in effects.items()
    ]
    charts = [
        {
            "name": f"drift_{name}",
            "title": f"'{name}' in training and now",
            "spec": {
                "data": {"values": [{"sample": one, "value": "a", "share": 0.5} for one in ("training", "current")]},
                "mark": "bar",
                "encoding": {
                    "x": {"field": "value", "type": "nominal"},
                    "y": {"field": "share", "type": "quantitative"},
                    "color": {"field": "sample", "type": "nominal"},
                },
            },
        }
        for name, value in effects.items()
        if value > 0.1
    ]
    tables = [{"name": "Columns", "columns": COLUMNS, "rows": rows}]
    figures = {"metrics": [{"name": "drift_share", "value": 0.5, "greater_is_better": False}], "tables": tables}
    return Window(model, 1, "data_drift", until - HOUR, until, 150, {**figures, "charts": charts}, (), **more)


def judged(model: str, until: datetime, value: float | None, **more: Any) -> Window:
    """Return what `model_drift` said of a window: how many answers were right, or that it waits for labels."""
    if value is None:
        return Window(model, 1, "model_drift", until - HOUR, until, 150, {}, (), speaks=False, **more)
    metric = {"name": "measured_accuracy", "value": value, "low": value - 0.05, "high": value + 0.05}
    table = {"name": "Measured", "columns": ("metric", "held-out", "now"), "rows": [("accuracy", 0.9, value)]}
    figures = {"metrics": [{**metric, "greater_is_better": True}], "tables": [table], "charts": []}
    return Window(model, 1, "model_drift", until - HOUR, until, 150, figures, (), labels=9, **more)


def keep(workspace: Workspace, windows: Sequence[Window]) -> None:
    """Keep windows, of which nothing follows: those of one span at once, looked at two hours after it."""
    for until in dict.fromkeys(window.until for window in windows):
        some = [window for window in windows if window.until == until]
        workspace.catalog.windows.keep(some, 1, lambda standing: Outcome())
    table = workspace.catalog.database.tables["windows"]
    with workspace.catalog.database.writing() as connection:
        for until in {window.until for window in windows}:
            connection.execute(table.update().where(table.c.until == until).values(looked=until + 2 * HOUR))


def alarm(
    workspace: Workspace,
    model: str,
    subject: str = "income",
    severity: Severity = "critical",
    message: str = "it has moved",
    since: datetime = NOW - 5 * HOUR,
) -> int:
    """Open an alarm, and return its number."""
    finding = Finding(subject, "KS", 0.4, 0.1, severity, message)
    made = Alarm(model, 1, "data_drift", subject, finding, 150, since, NOW)
    with workspace.catalog.database.writing() as connection:
        put_in = workspace.catalog.alarms.put(connection, made)
        opened = AlarmEvent(model, "opened", put_in.number, "data_drift", subject, finding=finding, window=NOW)
        workspace.catalog.alarms.note(connection, opened)
    assert put_in.number is not None
    return put_in.number


def letter(workspace: Workspace, model: str, channel: str, error: str, *, given_up: bool = False) -> None:
    """Have a message fail on its way, or given up."""
    now = workspace.catalog.database.clock()
    with workspace.catalog.database.writing() as connection:
        workspace.catalog.outbox.add(connection, [Letter(model, "m", channel, "critical", "an alarm", "body")], now)
    sent = workspace.catalog.outbox.waiting(model)[channel]
    if given_up:
        workspace.catalog.outbox.give_up(sent, error, now)
    else:
        workspace.catalog.outbox.failed(sent, error, now + HOUR)


def busy(home: Path, package: Path | None = None, text: str = "it has moved", column: str = "income") -> Workspace:
    """Fill a home: a model of three versions with a rollout, traffic, windows, alarms, late labels; runs, one that failed.

    package: what each version is a copy of; text, column: what stands in every text that people or data give
    """
    workspace = open_workspace(home)
    for _ in range(3):
        register(workspace, "shop", package)
    put(workspace, "shop", 1, reason=text)
    policy = put(workspace, "shop", 1, canary=2, reason=text)
    see(workspace, "shop", policy, 1, "live", 9_000, 9)
    see(workspace, "shop", policy, 2, "canary", 1_000, 12)
    refused = Refusals([60, 2, 5, 120, 13])
    workspace.catalog.sightings.tell([refused.sighting("shop", policy, "w")])
    ends = [NOW - 4 * HOUR * back for back in range(WINDOWS, 0, -1)]
    looked = [drifted("shop", end, {column: 0.05 * n, "age": 0.02}) for n, end in enumerate(ends)]
    keep(workspace, [*looked, *(judged("shop", end, 0.8 if n < 4 else None) for n, end in enumerate(ends))])
    alarm(workspace, "shop", column, message=text)
    letter(workspace, "shop", "ops", text)
    run(workspace, "20260101-000000-aaaaaa", "fine", "finished")
    run(workspace, "20260101-000001-bbbbbb", "broken", "failed", text)
    return workspace


def run(workspace: Workspace, run_id: str, name: str, status: str, error: str | None = None) -> None:
    """Put a run on record, which began now."""
    workspace.catalog.runs.begin(run_id, name, str(workspace.home / "runs" / run_id), {}, [])
    workspace.catalog.runs.end(run_id, status, {"accuracy": 0.8} if status == "finished" else {}, error)
