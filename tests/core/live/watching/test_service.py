"""Requests of a watched model: those that fail are an alarm also where nothing was answered, and rows say nothing then."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

import hookline as hl
from hookline.errors import UsageError
from hookline.kinds.deployments import REFUSED
from hookline.live.watching.watching import watch
from hookline.workspace.catalog.sightings import NO_VERSION, REFUSALS
from hookline.workspace.workspace import open_workspace
from kit.watched import HOUR, RULES, answer_hours, last_hour

BOTH: dict[str, Any] = {"data_drift": None, "service": None}


def count(home: Path, hour: datetime, requests: int, errors: int) -> None:
    """Put in the catalog what a server counted in an hour."""
    database = open_workspace(home).catalog.database
    facts = {"model": "shop", "version": 1, "arm": "live", "worker": "a", "cell": hour}
    latency = f'{{"20": {requests - errors}}}'
    with database.writing() as connection:
        row = database.tables["traffic"].insert().values(**facts, requests=requests, errors=errors, latency=latency)
        connection.execute(row)


def test_failing_requests_are_told_in_windows_of_few_answers_and_of_none(shop: Path) -> None:
    first = answer_hours(shop, 0.0, 0.0) - HOUR
    count(shop, first, 400, 400)
    count(shop, first + HOUR, 300, 150)
    count(shop, first + 2 * HOUR, 150, 0)
    looked = watch("shop", BOTH, rules=RULES, once=True, channels={}, home=shop)
    said = [(one.since, one.monitor, one.rows, [found.subject for found in one.findings]) for one in looked.windows]
    assert said == [
        (first, "service", 0, ["errors"]),
        (first + HOUR, "data_drift", 150, []),
        (first + HOUR, "service", 150, ["errors"]),
        (first + 2 * HOUR, "data_drift", 150, []),
        (first + 2 * HOUR, "service", 150, []),
    ]
    [alarm] = hl.alarms("shop")
    assert (alarm.monitor, alarm.subject, alarm.finding.severity) == ("service", "errors", "critical")
    assert "50.00% of 300 requests failed" in alarm.finding.message
    assert "100.00% in the days before" in alarm.finding.message


def test_without_the_monitor_failing_requests_make_no_window(shop: Path) -> None:
    first = answer_hours(shop, 0.0)
    count(shop, first - HOUR, 400, 400)
    looked = watch("shop", "data_drift", rules=RULES, once=True, channels={}, home=shop)
    assert [one.since for one in looked.windows] == [first]


def test_requests_are_looked_at_by_hand_but_not_those_of_rows_that_are_given(shop: Path) -> None:
    answer_hours(shop, 0.0)
    count(shop, last_hour() - HOUR, 5_000, 500)
    reports = hl.monitor("shop", monitors=["service", "data_drift"], since=last_hour() - HOUR, home=shop)
    assert [*reports] == ["service", "data_drift"]
    assert [(one.subject, one.severity) for one in reports["service"].findings] == [("errors", "critical")]
    with pytest.raises(UsageError, match="rows are given, which do not tell it"):
        hl.monitor("shop", [{"size": 1.0, "color": "red"}], "service", home=shop)


def test_a_window_in_which_every_request_was_refused_is_an_alarm_of_the_version_in_charge(shop: Path) -> None:
    first = answer_hours(shop, 0.0) - HOUR
    count(shop, first, 0, 0)
    database = open_workspace(shop).catalog.database
    facts = {"model": "shop", "version": NO_VERSION, "arm": REFUSALS, "worker": "a", "cell": first, "errors": 0}
    with database.writing() as connection:
        row = {"requests": 400, "latency": json.dumps({[*REFUSED].index(422): 400})}
        connection.execute(database.tables["traffic"].insert().values(**facts, **row))
    looked = watch("shop", BOTH, rules=RULES, once=True, channels={}, home=shop)
    assert [one.subject for one in looked.windows[0].findings] == ["refused"]
    [alarm] = hl.alarms("shop")
    assert (alarm.version, alarm.monitor, alarm.subject) == (1, "service", "refused")
    assert "400 with 422 (the contract)" in alarm.finding.message
