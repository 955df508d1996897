"""What people do on pages, after a page that asked: done as by the command line, and on record with who and why."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

import hookline as hl
from hookline.workspace.workspace import open_workspace
from kit.homes import put

from .conftest import NASTY, Visitor, visiting

WHO = {"who": "Ada <a@b>", "why": NASTY[:200]}


@pytest.fixture
def home(shop_home: Path, tmp_path: Path) -> Path:
    """A copy that something may be done to."""
    place = tmp_path / "shop"
    shutil.copytree(shop_home, place)
    return place


@pytest.fixture
def shop(home: Path) -> Iterator[Visitor]:
    with visiting(home) as visitor:
        assert visitor.sign_in().status_code == 303
        yield visitor


def confirm(shop: Visitor, path: str, **fields: str) -> str:
    """Confirm what a page asks, and return the page that follows."""
    csrf = shop.csrf(path)
    answer = shop.post(path, {**WHO, "csrf": csrf, **fields})
    assert answer.status_code == 303, answer.text
    return shop.get(answer.headers["location"]).text


def test_an_alarm_is_acknowledged(shop: Visitor, home: Path) -> None:
    asked = shop.get("/models/shop/alarms/1/ack").text
    assert "Acknowledge alarm 1 of shop?" in asked
    assert hl.alarms("shop", home=home)[0].acked_by is None
    text = confirm(shop, "/models/shop/alarms/1/ack")
    assert "Alarm 1 is acknowledged by Ada &lt;a@b&gt;." in text
    assert "/models/shop/alarms/1/ack" not in text
    (event, _) = hl.alarm_history("shop", home=home)
    assert (event.what, event.alarm, event.who, event.why) == ("acked", 1, "Ada <a@b>", WHO["why"].strip())
    # It is told once.
    assert "is acknowledged by" not in shop.get("/models/shop/alarms").text


def test_an_alarm_is_muted_for_a_while_and_no_longer(shop: Visitor, home: Path) -> None:
    text = confirm(shop, "/models/shop/mute?what=1", what="1", span="12h")
    assert "data_drift:income is muted until" in text
    (mute,) = hl.watch_state("shop", home=home).mutes
    assert (mute.monitor, mute.subject, mute.who) == ("data_drift", "income", "Ada <a@b>")
    assert 'href="/models/shop/mute?what=data_drift%3Aincome"' in text
    confirm(shop, "/models/shop/mute?what=data_drift%3Aincome", what="data_drift:income", span="0s")
    assert hl.watch_state("shop", home=home).mutes == []
    assert [event.what for event in hl.alarm_history("shop", home=home)] == ["unmuted", "muted", "opened"]


def test_a_version_is_promoted(shop: Visitor, home: Path) -> None:
    asked = shop.get("/models/shop/promote?version=3").text
    assert "Put version 3 of shop in charge?" in asked
    assert "At present v1 answers 90 %, v2 10 % (canary). Then v3 answers everything" in asked
    text = confirm(shop, "/models/shop/promote?version=3", version="3")
    assert "Version 3 is in charge." in text
    (step, *_) = hl.promotions("shop", home=home)
    assert (step.policy.version, step.policy.who, step.policy.reason) == (3, "Ada <a@b>", WHO["why"].strip())
    assert "Promote<span" not in shop.get("/models/shop/versions").text.split("v2</b>")[0].split("v3</b>")[1]


def test_a_rollout_is_rolled_back(shop: Visitor, home: Path) -> None:
    asked = shop.get("/models/shop/rollback").text
    assert "After that: v1 answers everything" in asked
    assert "Rolled back: v1 answers everything." in confirm(shop, "/models/shop/rollback")
    (step, *_) = hl.promotions("shop", home=home)
    assert step.policy.who == "Ada <a@b>"
    assert step.policy.reason.startswith("rolled back by hand, v1 90 % + v2 10 % -> v1: </title>")


def test_what_cannot_be_done_is_told_on_a_page(shop: Visitor, home: Path) -> None:
    put(open_workspace(home), "shop", 1)
    csrf = shop.csrf("/models/shop/rollback")
    refused = shop.post("/models/shop/rollback", {**WHO, "csrf": csrf})
    assert refused.status_code == 409
    assert "taken back already" in refused.text
    for path in (
        "/models/shop/alarms/9/ack",
        "/models/shop/promote?version=9",
        "/models/nope/rollback",
        "/models/nope/mute",
    ):
        assert shop.get(path).status_code == 404
    for path in ("/models/shop/promote?version=x", "/models/shop/promote"):
        assert shop.get(path).status_code == 409


def test_a_home_that_may_only_be_read_is_shown_and_says_why_nothing_can_be_done(shop: Visitor, home: Path) -> None:
    csrf = shop.csrf("/models/shop/alarms/1/ack")
    # Root, who may run the tests, is refused no file: the database itself refuses, in the same words.
    with closing(sqlite3.connect(home / "catalog.db")) as database:
        refuse = "BEGIN SELECT RAISE(FAIL, 'attempt to write a readonly database'); END"
        database.execute(f"CREATE TRIGGER no BEFORE UPDATE ON hookline_alarms {refuse}")
    refused = shop.post("/models/shop/alarms/1/ack", {**WHO, "csrf": csrf})
    assert refused.status_code == 503
    assert "readonly database" in refused.text
    assert "set HOOKLINE_HOME to a folder of yours" in refused.text
    assert shop.get("/models/shop/alarms").status_code == 200
    assert hl.alarms("shop", home=home)[0].acked_by is None


def test_the_name_that_somebody_gave_is_offered_again(shop: Visitor) -> None:
    confirm(shop, "/models/shop/alarms/1/ack")
    assert 'name="who" value="Ada &lt;a@b&gt;"' in shop.get("/models/shop/rollback").text
