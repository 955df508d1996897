"""People are told, over a real webhook, that a model is retrained and what became of it: each thing once."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

import hookline as hl
from hookline.live.learning.acting import look
from hookline.workspace.processes.owners import Owner, Watch
from hookline.workspace.workspace import open_workspace
from kit.drifting import labeled
from kit.webhook import Webhook

pytest.importorskip("apprise")
LOCAL = {"then": "local", "rows": "log"}


@pytest.fixture
def hook(drifted: Path) -> Iterator[Webhook]:
    with Webhook() as hook:
        (drifted / "settings.yaml").write_text(f'alerts: {{urls: {{hook: "{hook.url}"}}}}', "utf-8")
        yield hook


def titles(hook: Webhook) -> list[str]:
    return [body["title"] for body in hook.bodies]


def test_people_are_told_once_that_a_retraining_was_opened_and_that_it_was_released(
    drifted: Path, hook: Webhook
) -> None:
    hl.retrain("shop", "incremental", why="people changed", who="ada", rules=LOCAL)
    assert titles(hook) == ["[retraining] shop: retraining 1 opened"]
    assert "opened by ada, by hand: people changed" in hook.bodies[0]["message"]
    look("shop")
    labeled(drifted, 300, 2, tilt=-1.0)
    look("shop")
    look("shop")
    assert titles(hook) == ["[retraining] shop: retraining 1 opened", "[retraining] shop: retraining 1 released"]
    assert "it is better: share of mistakes" in hook.bodies[1]["message"]
    assert [body["type"] for body in hook.bodies] == ["success", "success"]


def test_people_are_told_once_that_a_challenger_was_refused(drifted: Path, hook: Webhook) -> None:
    hl.retrain("shop", "incremental", rules=LOCAL)
    labeled(drifted, 400, 2, tilt=1.0)
    look("shop")
    look("shop")
    assert titles(hook) == ["[retraining] shop: retraining 1 opened", "[retraining] shop: retraining 1 refused"]
    assert "it is worse: share of mistakes" in hook.bodies[1]["message"]
    assert hook.bodies[1]["type"] == "warning"


def test_what_is_muted_is_told_to_nobody(hook: Webhook) -> None:
    hl.mute("shop", "retrain:making")
    hl.retrain("shop", "incremental", rules=LOCAL)
    assert hook.bodies == []
    assert hl.watch_state("shop").waiting == []


def test_where_a_process_watches_the_model_it_is_left_to_send(drifted: Path, hook: Webhook) -> None:
    watchers, owner = open_workspace(drifted).catalog.watchers, Owner.here()
    assert watchers.take("shop", owner, Watch())
    hl.retrain("shop", "incremental", rules=LOCAL)
    assert hook.bodies == []
    assert [letter.title for letter in hl.watch_state("shop").waiting] == ["[retraining] shop: retraining 1 opened"]
    watchers.leave("shop", owner)
    look("shop")
    assert titles(hook) == ["[retraining] shop: retraining 1 opened"]


def test_a_retraining_goes_on_where_settings_of_alerts_are_wrong(
    drifted: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (drifted / "settings.yaml").write_text('alerts: {urls: {hook: "jsn://127.0.0.1"}}', "utf-8")
    assert hl.retrain("shop", "incremental", rules=LOCAL).status == "trial"
    assert "nobody is told of the retraining of 'shop': bad settings" in caplog.text
