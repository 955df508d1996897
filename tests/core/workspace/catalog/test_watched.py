"""Windows, alarms and messages in a catalog of either sort: kept together or not at all."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from hookline.kinds.reports import Finding
from hookline.workspace.catalog.watching.alarms import Alarm, Mute
from hookline.workspace.catalog.watching.outbox import Letter
from hookline.workspace.catalog.watching.windows import Change, Outcome, Standing, Window
from hookline.workspace.workspace import Workspace, open_workspace

START = datetime(2026, 11, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)
FOUND = Finding("income", "KS", float("inf"), 0.05, "warning", "'income' has moved")


@pytest.fixture(params=["sqlite", "postgresql"])
def workspace(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    if request.param == "postgresql":
        monkeypatch.setenv("HOOKLINE_CATALOG", str(request.getfixturevalue("postgresql_url")))
    return open_workspace()


def window(hour: int, monitor: str = "data_drift", labels: int = 0) -> Window:
    since = START + hour * HOUR
    return Window("shop", 1, monitor, since, since + HOUR, 500, {"metrics": []}, [FOUND], labels)


def test_what_follows_from_a_window_is_kept_with_it_or_not_at_all(workspace: Workspace) -> None:
    catalog = workspace.catalog
    alarm = Alarm(
        "shop",
        1,
        "data_drift",
        "income",
        FOUND,
        500,
        START,
        START + HOUR,
        {"cost": 0.1},
        told=START,
        told_finding=FOUND,
    )
    letter = Letter("shop", "m1", "ops", "warning", "one alarm", "of income")

    def opens(standing: Standing) -> Outcome:
        assert [len(standing.recent[name]) for name in ("data_drift", "errors")] == [1, 1]
        return Outcome([Change(alarm, START + HOUR, "opened", is_told=True)], lambda changes: [letter])

    def fails(standing: Standing) -> Outcome:
        raise ZeroDivisionError

    both = [window(0), window(0, "errors")]
    with pytest.raises(ZeroDivisionError):
        catalog.windows.keep(both, 2, fails)
    assert (catalog.windows.of("shop"), catalog.windows.end("shop", 1)) == ([], None)
    [change] = catalog.windows.keep(both, 2, opens) or []
    assert catalog.windows.keep(both, 2, opens) is None
    assert catalog.alarms.of("shop") == [replace(alarm, number=change.alarm.number)]
    assert [(one.what, one.alarm) for one in catalog.alarms.events("shop")] == [("opened", change.alarm.number)]
    assert [one.monitor for one in catalog.windows.of("shop")] == ["errors", "data_drift"]
    assert (catalog.windows.end("shop", 1), catalog.windows.ends("shop")) == (START + HOUR, {1: START + HOUR})
    # One of the two is known with labels as new: neither is kept.
    assert catalog.windows.keep([window(0, labels=3), window(0, "errors")], 2, opens) is None
    assert {one.labels for one in catalog.windows.of("shop")} == {0}
    assert [one.message for one in catalog.outbox.waiting("shop").values()] == ["m1"]


def test_a_mute_takes_the_place_of_one_for_the_same_and_ends(workspace: Workspace) -> None:
    alarms, later = workspace.catalog.alarms, START + 9 * HOUR
    for subject, until in (("income", later), (None, later), ("income", later + HOUR), (None, START)):
        alarms.mute(Mute("shop", "data_drift", subject, until, "ada", "why not"), None, START)
    [mute] = alarms.mutes("shop")
    assert (mute.subject, mute.until) == ("income", later + HOUR)
    assert mute.covers("data_drift", "income", later)
    assert not mute.covers("data_drift", "age", START)
    assert not mute.covers("data_drift", "income", mute.until)
    assert [one.what for one in alarms.events("shop")] == ["unmuted", "muted", "muted", "muted"]


def test_messages_wait_by_channel_until_they_are_sent_or_given_up(workspace: Workspace) -> None:
    outbox, database = workspace.catalog.outbox, workspace.catalog.database
    letters = [Letter("shop", f"m{n}", name, "warning", "t", "b") for n in (1, 2) for name in ("ops", "mail")]
    with database.writing() as connection:
        outbox.add(connection, letters, START)
    first = outbox.waiting("shop")
    outbox.sent(first["ops"], START)
    outbox.failed(first["mail"], "away", START + HOUR)
    assert {name: (one.message, one.error, one.due) for name, one in outbox.waiting("shop").items()} == {
        "ops": ("m2", None, START),
        "mail": ("m1", "away", START + HOUR),
    }
    outbox.give_up(outbox.waiting("shop")["mail"], "gone", START)
    assert outbox.waiting("shop")["mail"].message == "m2"
    assert outbox.waiting("other") == {}
