"""From a served model to its successor with no hand on it: truth comes late, one alarm, a challenger, a test, a canary."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

import hookline as hl
from hookline.live.control import controlling
from hookline.live.fleet import DeployedModel
from hookline.live.learning.acting import look
from hookline.live.log.predictions import FOLDER
from hookline.packages.loading import load_package
from hookline.registry.registry import Registry, load_registry
from hookline.workspace.workspace import open_workspace
from hookline_serving.http.app import app_of
from hookline_serving.http.arms.desk import Desk
from hookline_serving.http.arms.following import Follower
from hookline_serving.http.arms.loading import traffic_of
from hookline_serving.http.clients.bounds import Bounds
from hookline_serving.http.log import PredictionLog
from hookline_serving.http.service import Room
from kit.drifting import rows, trained
from kit.serving import asking
from kit.versions import until
from kit.webhook import Webhook

RULES = hl.WatchRules(every=timedelta(seconds=1), least=250, grace=timedelta(0), labels=timedelta(0), persist=1)
SETTINGS = """
alerts:
  urls: {{hook: "{hook}"}}
retrain:
  policy: batch
  rows: log
  when: {{finding: [concept_drift]}}
  guards: {{least: 250}}
  then: {{component: canary, answers: null, steps: [50], wait: 0s, least: 20}}
"""


@dataclass
class Shop:
    """A model that is served in this process, and people who ask it."""

    ask: Callable[..., httpx.Response]
    desk: Desk
    seed: int = 10

    def asked(self, count: int, tilt: float, at_once: int = 50) -> list[Mapping[str, Any]]:
        """Ask for rows that follow a rule, so many a request; return the labels that tell what was true of the answers."""
        self.seed += 1
        table = rows(count, self.seed, tilt)
        told = []
        for part in table.iter_slices(at_once):
            found = self.ask("POST", "/predict", json=part.drop("bought").to_dicts()).json()["predictions"]
            told += [
                {"prediction_id": one["id"], "value": true} for one, true in zip(found, part["bought"], strict=True)
            ]
        return told

    def told(self, labels: list[Mapping[str, Any]]) -> None:
        """Tell what was true."""
        answer = self.ask("POST", "/labels", json=labels)
        assert answer.status_code == 200, answer.text


@contextmanager
def served(home: Path, registry: Registry) -> Iterator[Shop]:
    workspace = open_workspace(home)
    folder = workspace.home / FOLDER / "shop"
    fleet = DeployedModel(workspace, "shop", lambda at: load_package(at, registry), folder)
    record = PredictionLog.open(folder)
    desk = Desk(traffic_of(fleet, fleet.policy(), record, Room(Bounds(rows=1_000, bytes=500_000))), record, fleet)
    follower = Follower(fleet, desk, lambda act, *given: act(*given))
    follower.start()
    try:
        with asking(app_of(desk)) as ask, controlling(workspace, registry, "shop"):
            yield Shop(ask, desk)
    finally:
        follower.close()
        desk.close()


@pytest.fixture(scope="module")
def trained_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("by_itself") / "home"
    home.parent.mkdir(exist_ok=True)
    rows(800, 0).write_parquet(home.parent / "shop.parquet")
    monitors = {"concept_drift": {"component": "concept_drift"}}
    trained(home, source=str(home.parent / "shop.parquet"), monitor=monitors)
    return home


@pytest.fixture
def home(trained_home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    shutil.copytree(trained_home, tmp_path / "home")
    monkeypatch.setenv("HOOKLINE_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("HOOKLINE_ALLOW_PICKLE", "1")
    return tmp_path / "home"


def test_a_model_whose_world_has_changed_is_found_out_retrained_tried_and_replaced(home: Path) -> None:
    with Webhook() as hook, served(home, load_registry()) as shop:
        (home / "settings.yaml").write_text(SETTINGS.format(hook=hook.url), "utf-8")
        late = drifted(shop)
        assert hl.alarms("shop") == []
        assert look("shop").retraining is None
        shop.told(late)
        hl.watch("shop", rules=RULES, once=True)
        assert [alarm.monitor for alarm in hl.alarms("shop")] == ["concept_drift"]
        one = look("shop").retraining
        assert one is not None
        assert (one.status, one.opened["alarm"], one.run_id is not None) == ("trial", 1, True)
        assert hl.deployment("shop").policy.versions == {1}
        shop.told(shop.asked(200, -1.0))
        one = look("shop").retraining
        assert one is not None
        assert one.status == "released", one.told
        assert hl.deployment("shop").policy.versions == {1, 2}
        promoted_by_its_canary(shop)
        one = look("shop").retraining
        assert one is not None
        assert one.status == "promoted"
        assert one.figures["trial"]["challenger"] < one.figures["trial"]["champion"]
        assert look("shop").retraining is None
        assert [event.what for event in hl.alarm_history("shop") if event.what == "opened"] == ["opened"]
        assert len(hook.bodies) == 1
        assert "concept" in hook.bodies[0]["message"]
        assert "alarm 1" in hl.promotions("shop")[1].policy.reason


def test_a_challenger_that_is_worse_never_answers_anybody(home: Path) -> None:
    with Webhook() as hook, served(home, load_registry()) as shop:
        (home / "settings.yaml").write_text(SETTINGS.format(hook=hook.url), "utf-8")
        shop.told(drifted(shop))
        hl.watch("shop", rules=RULES, once=True)
        one = look("shop").retraining
        assert one is not None
        assert one.status == "trial"
        # People change their minds back, so what was learned of them is wrong by now.
        shop.told(shop.asked(300, 1.0))
        one = look("shop").retraining
        assert one is not None
        assert one.status == "refused", one.told
        assert one.figures["trial"]["challenger"] > one.figures["trial"]["champion"]
        assert [step.policy.versions for step in hl.promotions("shop")] == [{1}]
        assert look("shop").retraining is None
        assert {answer["version"] for answer in hl.predictions("shop")} == {1}


def drifted(shop: Shop) -> list[Mapping[str, Any]]:
    """Let people ask before and after they changed their minds; return what will be known of them."""
    before = shop.asked(300, 1.0)
    until(lambda: False, 1.1)
    after = shop.asked(400, -1.0)
    until(lambda: False, 1.1)
    hl.watch("shop", rules=RULES, once=True)
    return [*before, *after]


def promoted_by_its_canary(shop: Shop) -> None:
    """Let people ask until the rollout has ended."""
    assert until(lambda: 2 in shop.desk.traffic.policy.versions, 10)
    for _ in range(20):
        shop.asked(60, -1.0, at_once=1)
        if until(lambda: shop.desk.traffic.policy.version == 2, 1.5):
            return
    raise AssertionError(hl.deployment("shop").policy)
