"""Messages on their way: in order, again and again until they are there, each channel by itself."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from hookline.kinds.hooks import Alert
from hookline.live.watching.alarms import sending
from hookline.live.watching.alarms.sending import Sender, wait_after
from hookline.workspace.catalog.watching.outbox import Letter
from hookline.workspace.workspace import Workspace, open_workspace


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sending, "FIRST_WAIT", timedelta(milliseconds=10))


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return open_workspace(tmp_path / "home")


class Phone:
    """A channel that fails as often as it is told to."""

    def __init__(self, failures: int = 0, delay: float = 0.0) -> None:
        self.failures, self.delay = failures, delay
        self.heard: list[str] = []
        self.hangs_up = threading.Event()

    def __call__(self, alert: Alert) -> None:
        self.hangs_up.wait(self.delay)
        if self.failures:
            self.failures -= 1
            raise ConnectionError("nobody answers, token=abc123xyz")
        self.heard.append(alert.id)


def put(workspace: Workspace, *channels: str, messages: int = 3) -> None:
    catalog = workspace.catalog
    letters = [
        Letter("shop", f"m{n}", name, "warning", f"title {n}", "body") for n in range(messages) for name in channels
    ]
    with catalog.database.writing() as connection:
        catalog.outbox.add(connection, letters, catalog.database.clock())


def until(done: Callable[[], bool], sender: Sender, seconds: float = 10) -> None:
    end = time.monotonic() + seconds
    while not done():
        assert time.monotonic() < end
        sender.look()
        time.sleep(0.01)


def test_messages_of_a_channel_come_in_order_also_where_some_fail_at_first(workspace: Workspace) -> None:
    put(workspace, "ops")
    phone = Phone(failures=2)
    sender = Sender(workspace, "shop", {"ops": phone})
    until(lambda: not workspace.catalog.outbox.waiting("shop"), sender)
    assert phone.heard == ["m0", "m1", "m2"]
    letters = workspace.catalog.outbox.of("shop")[::-1]
    assert [(one.attempts, one.error) for one in letters] == [(3, None), (1, None), (1, None)]


def test_a_channel_that_fails_or_is_slow_holds_up_no_other_and_says_why(workspace: Workspace) -> None:
    put(workspace, "dead", "slow", "ops")
    phones = {"dead": Phone(failures=-1), "slow": Phone(delay=3600), "ops": Phone()}
    sender = Sender(workspace, "shop", phones)
    until(lambda: "ops" not in workspace.catalog.outbox.waiting("shop"), sender)
    assert phones["ops"].heard == ["m0", "m1", "m2"]
    waiting = workspace.catalog.outbox.waiting("shop")
    phones["slow"].hangs_up.set()
    phones["dead"].failures = 0
    until(lambda: not workspace.catalog.outbox.waiting("shop"), sender)
    assert sorted(waiting) == ["dead", "slow"]
    assert (waiting["dead"].message, waiting["dead"].error) == ("m0", "nobody answers, token=***")


def test_what_cannot_be_delivered_for_days_is_given_up_and_the_next_one_has_its_turn(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(workspace, "ops", "gone", messages=2)
    phone = Phone(failures=1)
    monkeypatch.setattr(sending, "GIVEN_UP", timedelta(0))
    sender = Sender(workspace, "shop", {"ops": phone})
    until(lambda: not workspace.catalog.outbox.waiting("shop"), sender)
    found = {(one.channel, one.message): one.given_up is not None for one in workspace.catalog.outbox.of("shop")}
    assert phone.heard == ["m1"]
    assert found == {("ops", "m0"): True, ("ops", "m1"): False, ("gone", "m0"): True, ("gone", "m1"): True}


def test_waits_double_up_to_half_an_hour(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sending, "FIRST_WAIT", timedelta(seconds=5))
    for attempts, seconds in ((0, 5), (1, 10), (4, 80), (9, 1800), (10_000, 1800)):
        assert 0.9 * seconds <= wait_after(attempts).total_seconds() <= 1.1 * seconds


def test_an_alert_says_its_kind_and_one_that_was_kept_without_says_none(workspace: Workspace) -> None:
    heard: list[str] = []
    catalog = workspace.catalog
    letters = [Letter("shop", name, "ops", "warning", "title", "body") for name in ("97e8358a", "drift-97e8358a")]
    with catalog.database.writing() as connection:
        catalog.outbox.add(connection, letters, catalog.database.clock())
    sender = Sender(workspace, "shop", {"ops": lambda alert: heard.append(alert.kind)})
    until(lambda: heard == ["", "drift"], sender)
