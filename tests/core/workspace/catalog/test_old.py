"""What is over for long is taken out of the catalog; what is open, waits, or decides what comes next, stays."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

import hookline as hl
from hookline.errors import UnknownName, UsageError
from hookline.kinds.reports import Finding
from hookline.workspace.catalog.sightings import Sighting
from hookline.workspace.catalog.watching.alarms import Alarm, Mute
from hookline.workspace.catalog.watching.old import NEWEST
from hookline.workspace.catalog.watching.outbox import Letter
from hookline.workspace.catalog.watching.windows import Change, Outcome, Window
from hookline.workspace.workspace import Workspace, open_workspace

START = datetime(2026, 1, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)
FOUND = Finding("income", "KS", 0.2, 0.05, "warning", "'income' has moved")
LATER = datetime.now(UTC) + HOUR
WINDOWS = 3 * NEWEST


@pytest.fixture(params=["sqlite", "postgresql"])
def workspace(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    """A catalog with a model's windows, alarms, messages and counts, and a window of another model."""
    if request.param == "postgresql":
        monkeypatch.setenv("HOOKLINE_CATALOG", str(request.getfixturevalue("postgresql_url")))
    workspace = open_workspace()
    assert (
        workspace.catalog.windows.keep([_window(hour) for hour in range(WINDOWS)], 2, lambda standing: Outcome()) == []
    )
    _keep(workspace, replace(_window(0), model="other"), Outcome())
    return workspace


def _window(hour: int) -> Window:
    since = START + hour * HOUR
    return Window("shop", 1, "data_drift", since, since + HOUR, 500, {"metrics": []}, [FOUND], speaks=hour != 1)


def _keep(workspace: Workspace, window: Window, outcome: Outcome) -> None:
    assert workspace.catalog.windows.keep([window], 2, lambda standing: outcome) is not None


def _alarm(subject: str) -> Alarm:
    finding = replace(FOUND, subject=subject)
    return Alarm("shop", 1, "data_drift", subject, finding, 500, START, START + HOUR, told=START, told_finding=finding)


def _opened(workspace: Workspace) -> None:
    """Open two alarms and close one of them, with a message of each."""
    letters = [Letter("shop", name, "ops", "warning", "told", "of it") for name in ("sent", "lost", "waits")]
    opened = [Change(_alarm(name), START, "opened", is_told=True) for name in ("open", "over")]
    _keep(workspace, _window(WINDOWS), Outcome(opened, lambda changes: letters))
    over = next(one for one in workspace.catalog.alarms.of("shop") if one.subject == "over")
    closed = Change(replace(over, status="closed", closed=START), START, "closed")
    _keep(workspace, _window(WINDOWS + 1), Outcome([closed]))
    sent, lost = ({one.message: one for one in workspace.catalog.outbox.of("shop")}[name] for name in ("sent", "lost"))
    workspace.catalog.outbox.sent(sent, START)
    workspace.catalog.outbox.give_up(lost, "gone", START)


def test_windows_go_but_for_the_newest_of_each_sort_and_of_other_models(workspace: Workspace) -> None:
    catalog = workspace.catalog
    end = catalog.windows.end("shop", 1)
    expected = WINDOWS - NEWEST - 1
    assert catalog.old.count("shop", LATER)["windows"] == expected
    assert catalog.old.forget("shop", LATER)["windows"] == expected
    kept = [one.since for one in catalog.windows.of("shop")]
    # The one that said nothing is the newest of its sort.
    assert kept == [START + HOUR * hour for hour in (*range(WINDOWS - 1, WINDOWS - 1 - NEWEST, -1), 1)]
    assert catalog.windows.end("shop", 1) == end
    assert len(catalog.windows.of("other")) == 1
    assert sum(catalog.old.forget("shop", LATER).values()) == 0


def test_alarms_that_are_over_go_with_their_history_and_others_keep_theirs(workspace: Workspace) -> None:
    catalog = workspace.catalog
    _opened(workspace)
    catalog.alarms.mute(Mute("shop", "data_drift", None, START, "ada"), None, START - HOUR)
    catalog.alarms.mute(Mute("shop", None, None, LATER + HOUR, "ada"), None, START)
    assert sum(catalog.old.forget("shop", START - HOUR).values()) == 0
    found = catalog.old.count("shop", LATER)
    assert (found["alarms"], found["alarm_events"], found["mutes"], found["outbox"]) == (1, 4, 1, 2)
    assert catalog.old.forget("shop", LATER) == found
    assert [one.subject for one in catalog.alarms.of("shop", None)] == ["open"]
    assert [(one.what, one.subject) for one in catalog.alarms.events("shop")] == [("opened", "open")]
    assert [one.message for one in catalog.outbox.of("shop")] == ["waits"]
    assert [one.monitor for one in catalog.alarms.mutes("shop")] == [None]


def test_counts_of_servers_go_but_for_those_of_the_policy_in_force(workspace: Workspace) -> None:
    catalog = workspace.catalog
    number = _deploy(workspace)
    for policy in (number - 1, number):
        catalog.sightings.tell([Sighting("shop", policy, 1, "live", "a", 3, 1, [0] * 75, [0] * 75, {})])
    assert catalog.old.count("shop", LATER)["sightings"] == 1
    assert catalog.old.forget("shop", LATER)["traffic"] == 1
    assert [len(catalog.sightings.of("shop", policy)) for policy in (number - 1, number)] == [0, 1]


def _deploy(workspace: Workspace) -> int:
    catalog = workspace.catalog
    catalog.models.register("shop", "r", "path", "onnx", {}, "f")
    for _ in range(2):
        catalog.deployments.record(hl.Deployment.single("shop", 1, "local"), "first")
    current = catalog.deployments.current("shop")
    assert current is not None
    assert current.number is not None
    return current.number


def test_a_span_that_is_too_short_and_a_model_that_is_not_there_are_refused(tmp_path: Path) -> None:
    open_workspace(tmp_path).catalog.models.register("shop", "r", "path", "onnx", {}, "f")
    with pytest.raises(UsageError, match="must be at least 31d, got 30d"):
        hl.prune_watch("shop", "30d", home=tmp_path)
    with pytest.raises(UnknownName):
        hl.prune_watch("shap", "90d", home=tmp_path)
    with pytest.raises(UsageError, match="keep must be at least 31 days"):
        hl.WatchRules(keep=timedelta(days=30))
    assert not any(hl.prune_watch("shop", "31d", dry_run=True, home=tmp_path).rows.values())
