"""A home and a model at a glance: what needs attention, and what does not."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import event

import hookline as hl
from hookline.errors import UnknownName
from hookline.live.overview.delays import label_delay
from hookline.live.overview.truths import truth_by_age
from hookline.workspace.catalog.watching.windows import Outcome
from hookline.workspace.workspace import held_open, open_workspace
from kit.homes import HOUR, NOW, alarm, busy, judged, keep, letter, put, register, run, see
from kit.logs import plain_record, write_log


def test_a_home_in_which_nothing_was_done_is_empty_and_needs_nothing(tmp_path: Path) -> None:
    found = hl.overview(tmp_path)
    assert found.is_empty
    assert (found.models, found.attention, found.runs) == ((), (), 0)


def test_everything_that_needs_somebody_is_told_the_gravest_first(tmp_path: Path) -> None:
    busy(tmp_path)
    found = hl.overview(tmp_path)
    assert [(one.what, one.level) for one in found.attention] == [
        ("alarm", "critical"),
        ("labels", "warning"),
        ("channel", "warning"),
        ("run", "warning"),
        ("rollout", "info"),
    ]
    assert [one.model for one in found.attention] == ["shop", "shop", "shop", None, "shop"]
    (card,) = found.models
    assert (card.version, card.newest, card.rollout, card.alarms, card.critical) == (1, 3, True, 1, 1)
    assert (card.requests, card.errors) == (10_000, 21)
    assert "v1 answers 90 %, v2 10 % (canary)" in card.answers
    assert json.loads(json.dumps(found.plain()))["attention"][0]["text"] == "it has moved"


def test_an_alarm_that_somebody_knows_of_or_muted_needs_nobody_else(tmp_path: Path) -> None:
    workspace = open_workspace(tmp_path)
    register(workspace, "shop")
    first, second = alarm(workspace, "shop", "a"), alarm(workspace, "shop", "b")
    assert [one.place for one in hl.overview(tmp_path).attention] == [str(second), str(first)]
    hl.ack("shop", first, "known", home=tmp_path)
    hl.mute("shop", "data_drift:b", home=tmp_path)
    assert hl.overview(tmp_path).attention == ()
    (card,) = hl.overview(tmp_path).models
    assert (card.alarms, card.acknowledged) == (2, 1)


def test_a_failed_run_is_told_until_one_of_its_name_went_well(tmp_path: Path) -> None:
    workspace = open_workspace(tmp_path)
    run(workspace, "20260101-000000-aaaaaa", "x", "failed", "KeyError: 'a'\nand more")
    run(workspace, "20260101-000001-aaaaaa-3", "job", "failed", "a sweep tells of it")
    (told,) = hl.overview(tmp_path).attention
    assert told.text == "run 'x' failed: KeyError: 'a'"
    assert told.place == "20260101-000000-aaaaaa"
    run(workspace, "20260101-000002-aaaaaa", "x", "finished")
    assert hl.overview(tmp_path).attention == ()
    assert hl.overview(tmp_path).runs == 3


def test_a_rollout_is_told_until_it_is_over(tmp_path: Path) -> None:
    workspace = open_workspace(tmp_path)
    register(workspace, "shop")
    register(workspace, "shop")
    put(workspace, "shop", 1)
    assert hl.overview(tmp_path).attention == ()
    put(workspace, "shop", 1, canary=2)
    assert [one.what for one in hl.overview(tmp_path).attention] == ["rollout"]
    put(workspace, "shop", 2)
    assert hl.overview(tmp_path).attention == ()


def test_labels_are_late_when_they_take_twice_as_long_as_usual_and_more_than_a_day(tmp_path: Path) -> None:
    workspace = open_workspace(tmp_path)
    register(workspace, "shop")
    keep(workspace, [judged("shop", NOW - 20 * HOUR, None)])
    assert hl.overview(tmp_path).attention == ()
    keep(workspace, [judged("shop", NOW - 26 * HOUR, None)])
    (told,) = hl.overview(tmp_path).attention
    assert told.what == "labels"
    assert told.text.startswith("labels are late: 2 windows wait for them, the oldest for 1 day")
    assert told.since == NOW - 26 * HOUR


def test_labels_that_usually_take_long_are_not_late_before_that(tmp_path: Path) -> None:
    workspace = open_workspace(tmp_path)
    register(workspace, "shop")
    windows = [judged("shop", NOW - 72 * HOUR, 0.8), judged("shop", NOW - 48 * HOUR, None)]
    # The look at the first, now, is when its labels had come.
    for window in windows:
        workspace.catalog.windows.keep([window], 1, lambda standing: Outcome())
    found = hl.model_overview("shop", home=tmp_path).labels
    assert found.waiting == 1
    assert found.usual is not None
    assert timedelta(hours=72) <= found.usual < timedelta(hours=74)
    assert hl.overview(tmp_path).attention == ()


def test_a_window_that_labels_passed_over_does_not_wait_for_them_for_ever() -> None:
    waits, spoken = judged("shop", NOW - 72 * HOUR, None), judged("shop", NOW - 50 * HOUR, 0.8)
    found = label_delay([replace(one, looked=one.until + HOUR) for one in (spoken, waits)])
    assert (found.waiting, found.oldest, found.usual) == (0, None, HOUR)


def test_a_message_that_was_given_up_is_graver_than_one_that_is_tried_again(tmp_path: Path) -> None:
    workspace = open_workspace(tmp_path)
    register(workspace, "shop")
    letter(workspace, "shop", "mail", "no route")
    letter(workspace, "shop", "ops", "gone", given_up=True)
    told = hl.overview(tmp_path).attention
    assert [(one.place, one.level) for one in told] == [("ops", "critical"), ("mail", "warning")]
    assert "no route" in told[1].text


def test_a_model_is_told_with_its_versions_arms_promotions_and_alarms(tmp_path: Path) -> None:
    busy(tmp_path)
    found = hl.model_overview("shop", home=tmp_path)
    assert [(one.version, one.in_charge, one.asked) for one in found.versions] == [
        (3, False, False),
        (2, False, True),
        (1, True, True),
    ]
    assert [(arm.version, arm.arm, arm.requests) for arm in found.arms] == [(1, "live", 9_000), (2, "canary", 1_000)]
    assert [step.row()["change"] for step in found.promotions] == ["v1 -> v1 90 % + v2 10 %", "none -> v1"]
    assert [event.what for event in found.events] == ["opened"]
    plain = json.loads(json.dumps(found.plain()))
    assert plain["alarms"][0]["message"] == "it has moved"
    assert plain["labels"]["waiting"] == 8


def test_what_a_policy_that_is_over_was_asked_does_not_count(tmp_path: Path) -> None:
    workspace = open_workspace(tmp_path)
    register(workspace, "shop")
    see(workspace, "shop", put(workspace, "shop", 1), 1, "live", 70)
    put(workspace, "shop", 1, reason="again")
    (card,) = hl.overview(tmp_path).models
    assert (card.requests, card.heard) == (0, None)


def test_a_model_that_is_not_there_is_unknown(tmp_path: Path) -> None:
    with pytest.raises(UnknownName, match="no model named 'shop'"):
        hl.model_overview("shop", home=tmp_path)


def test_answers_are_counted_by_age_as_long_as_the_log_is_short(tmp_path: Path) -> None:
    register(open_workspace(tmp_path), "plain")
    found = truth_by_age("plain", home=tmp_path)
    assert found is not None
    assert found.groups == ()
    write_log(tmp_path / "predictions" / "plain", [plain_record(n, NOW - HOUR * 30 * n) for n in range(4)])
    found = truth_by_age("plain", home=tmp_path)
    assert found is not None
    assert [(one.version, one.age, one.records, one.labeled) for one in found.groups] == [
        (1, "under 1 day", 1, 0),
        (1, "1 to 7 days", 3, 0),
    ]
    assert truth_by_age("plain", most=100, home=tmp_path) is None


def test_a_home_of_many_models_is_told_in_as_many_questions_as_one_of_few(tmp_path: Path) -> None:
    asked: list[str] = []
    workspace = open_workspace(tmp_path)
    event.listen(workspace.catalog.database._engine, "before_cursor_execute", lambda *given: asked.append(given[2]))
    with held_open(workspace):
        for count in (2, 12):
            for place in range(len(workspace.catalog.models.names()), count):
                register(workspace, f"m{place}")
            asked.clear()
            assert len(hl.overview(tmp_path).models) == count
            if count == 2:
                few = len(asked)
    assert 0 < few == len(asked)
    assert "SELECT" in asked[0]
