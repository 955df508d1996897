"""What people read of alarms: worst first, one message of one window, and nothing that breaks a line."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from hookline.kinds.reports import Finding, Severity
from hookline.live.watching.alarms.wording import LONGEST, letters_of
from hookline.workspace.catalog.watching.alarms import Alarm
from hookline.workspace.catalog.watching.windows import Change, Window

START = datetime(2026, 11, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)
WINDOW = Window("shop", 3, "data_drift", START, START + HOUR, 500, {}, [])


def change(subject: str, severity: Severity = "warning", what: str | None = "opened", number: int = 1) -> Change:
    finding = Finding(subject, "KS", 0.3, 0.1, severity, f"'{subject}' has moved")
    alarm = Alarm("shop", 3, "data_drift", subject, finding, 1234, START, START + HOUR, number=number)
    return Change(alarm, START + HOUR, what, is_told=True)  # type: ignore[arg-type]


def test_one_message_of_a_window_says_the_worst_first_and_what_is_over_last() -> None:
    told = [change("gone", what="closed"), change("age"), change("income", "critical", "worse", 7)]
    ops, mail = letters_of([*told, replace(change("muted"), is_told=False)], [WINDOW], ["ops", "mail"])
    assert (ops.message, ops.title, ops.body) == (mail.message, mail.title, mail.body)
    assert ops.title == "[drift] shop:3: 2 alarms, 1 over (critical): age, income"
    assert ops.severity == "critical"
    assert ops.body.splitlines() == [
        "worse, critical: 'income' has moved",
        "  alarm 7, data_drift; since 2026-11-01 00:00 UTC; 3.0 times its threshold; 1,234 answers in the last window",
        "  look: hookline monitor report shop --alarm 7",
        "new, warning: 'age' has moved",
        "  alarm 1, data_drift; since 2026-11-01 00:00 UTC; 3.0 times its threshold; 1,234 answers in the last window",
        "  look: hookline monitor report shop --alarm 1",
        "over: alarm 1, data_drift: gone, which began 2026-11-01 00:00 UTC",
        f"id: {ops.message}",
    ]


def test_what_is_over_is_good_news_and_nothing_is_no_message() -> None:
    [letter] = letters_of([change("age", "critical", "closed")], [WINDOW], ["ops"])
    assert (letter.title, letter.severity) == ("[drift] shop:3: 1 over: age", "info")
    assert letters_of([replace(change("age"), is_told=False)], [WINDOW], ["ops"]) == []


def test_a_window_names_its_message_and_another_look_at_it_another() -> None:
    names = [
        letters_of([change("age")], [window], ["ops"])[0].message
        for window in (WINDOW, WINDOW, replace(WINDOW, labels=9))
    ]
    assert names[0] == names[1] != names[2]


def test_a_title_is_one_short_line_without_secrets_whatever_a_column_is_called() -> None:
    [letter] = letters_of(
        [change("a\r\nBcc: eve@example.org"), change("x" * 500), change("password=hunter22")], [WINDOW], ["ops"]
    )
    assert "\n" not in letter.title
    assert "\r" not in letter.title
    assert len(letter.title) == LONGEST
    assert "hunter22" not in letter.body


def test_a_long_message_says_where_the_rest_stands() -> None:
    [letter] = letters_of([change(f"c{n}") for n in range(50)], [WINDOW], ["ops"])
    assert letter.body.count("has moved") == 20
    assert letter.body.splitlines()[-2] == "and 30 more: hookline monitor alarms shop"


@pytest.mark.parametrize(
    ("monitor", "kind"),
    [
        ("data_drift", "drift"),
        ("covariate_shift", "drift"),
        ("data_quality", "quality"),
        ("service", "service"),
        ("acme.Tail-Latency", "latency"),
        ("___", "other"),
    ],
)
def test_a_message_says_of_what_kind_it_is_in_its_name_and_its_title(monitor: str, kind: str) -> None:
    one = change("age")
    [letter] = letters_of([replace(one, alarm=replace(one.alarm, monitor=monitor))], [WINDOW], ["ops"])
    assert (letter.kind, letter.message.partition("-")[0], letter.title) == (
        kind,
        kind,
        f"[{kind}] shop:3: 1 alarm: age",
    )


def test_a_message_of_alarms_of_several_kinds_says_so_and_one_of_old_says_none() -> None:
    one, other = change("age"), change("errors")
    told = [one, replace(other, alarm=replace(other.alarm, monitor="service"))]
    [letter] = letters_of(told, [WINDOW], ["ops"])
    assert (letter.kind, letter.title) == ("several", "[several] shop:3: 2 alarms: age, errors")
    assert replace(letter, message="97e8358a2ae6c9e3").kind == ""
