"""Processes that people start and leave alone: a server, and a watch that alarms, retrains, tests, rolls out and promotes."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

import hookline as hl
from hookline.workspace.catalog.retrainings import Retraining
from kit.drifting import rows, trained
from kit.places import at
from kit.processes import HOOKLINE, started
from kit.serving import Server, serving
from kit.versions import until
from kit.webhook import Webhook

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
WATCH = [
    *(HOOKLINE, "monitor", "watch", "shop", "--retrain", "--monitor", "concept_drift"),
    *("--every", "1s", "--grace", "0s", "--labels", "1s", "--look", "1s", "--least", "250", "--persist", "1"),
]
PATIENCE = 120.0
"""Seconds that a step may take on a machine that does much else."""


@dataclass
class Shop:
    """A server and a watch, each a process of its own, and the people who ask the server."""

    server: Server
    hook: Webhook
    seed: int = 10
    told: list[dict[str, Any]] = field(default_factory=list)
    """What will turn out to be true, and was not said yet."""

    def ask(self, count: int, tilt: float, at_once: int = 50) -> None:
        """Ask for rows that follow a rule, so many a request."""
        self.seed += 1
        for part in rows(count, self.seed, tilt).iter_slices(at_once):
            found = self.server.predict(*part.drop("bought").to_dicts())
            self.told += [
                {"prediction_id": one["id"], "value": true} for one, true in zip(found, part["bought"], strict=True)
            ]

    def label(self) -> None:
        """Say what was true of all that was asked."""
        answer = self.server.post(self.told, "/labels")
        assert answer.status_code == 200, answer.text
        self.told.clear()

    def comes(self, what: Callable[[Retraining], bool]) -> Retraining:
        """Wait until there is a retraining of which something holds."""
        found: list[Retraining] = []

        def look() -> bool:
            found[:] = [one for one in hl.retrainings("shop") if what(one)]
            return bool(found)

        assert until(look, PATIENCE), (hl.alarms("shop"), hl.retrainings("shop"), self.hook.bodies)
        return found[0]


@pytest.fixture(scope="module")
def trained_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("left_alone") / "home"
    rows(800, 0).write_parquet(home.parent / "shop.parquet")
    monitors = {"concept_drift": {"component": "concept_drift"}}
    trained(home, source=str(home.parent / "shop.parquet"), monitor=monitors)
    return home


@pytest.fixture
def shop(trained_home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Shop]:
    home = tmp_path / "home"
    shutil.copytree(trained_home, home)
    monkeypatch.setenv("HOOKLINE_HOME", str(home))
    monkeypatch.setenv("HOOKLINE_ALLOW_PICKLE", "1")
    with Webhook() as hook, serving("shop", home) as server:
        (home / "settings.yaml").write_text(SETTINGS.format(hook=hook.url), "utf-8")
        with watched(home):
            yield Shop(server, hook)


@contextmanager
def watched(home: Path) -> Iterator[None]:
    """Leave a watch alone for the time of a block; it is then stopped as a service would be, and ends well."""
    with tempfile.TemporaryFile("w+") as said:
        with started(WATCH, 600, env=at(home), stdout=said, stderr=subprocess.STDOUT) as process:
            yield
            process.terminate()
        said.seek(0)
        text = said.read()
    assert "Traceback" not in text, text
    assert process.returncode == 143, text


def test_a_watch_left_alone_alarms_retrains_tests_rolls_out_and_promotes(shop: Shop) -> None:
    one = on_trial(shop)
    assert (one.opened["what"], one.opened["alarm"], one.run_id is not None) == ("finding", 1, True)
    assert hl.deployment("shop").policy.versions == {1}
    shop.ask(200, -1.0)
    shop.label()
    trial = shop.comes(lambda one: one.status in ("released", "promoted")).figures["trial"]
    assert trial["challenger"] < trial["champion"]
    ended = asked_until_it_ends(shop)
    assert (ended.status, ended.version) == ("promoted", 2), ended.told
    assert hl.deployment("shop").policy.versions == {2}
    assert [step.policy.versions for step in hl.promotions("shop")] == [{2}, {1, 2}, {1}]
    assert "alarm 1" in hl.promotions("shop")[1].policy.reason
    opened = [one for one in shop.hook.bodies if "new, " in one["message"]]
    assert len(opened) == 1
    assert "concept_drift" in opened[0]["message"]


def test_a_watch_left_alone_keeps_the_champion_where_the_challenger_is_worse(shop: Shop) -> None:
    on_trial(shop)
    # People change their minds back, so what was learned of them is wrong by now.
    shop.ask(300, 1.0)
    shop.label()
    one = shop.comes(lambda one: not one.is_under_way)
    assert one.status == "refused", one.told
    assert one.figures["trial"]["challenger"] > one.figures["trial"]["champion"]
    assert [step.policy.versions for step in hl.promotions("shop")] == [{1}]
    assert {answer["version"] for answer in hl.predictions("shop")} == {1}


def on_trial(shop: Shop) -> Retraining:
    """Let people ask before and after they changed their minds, and tell late what was true; return the retraining."""
    shop.ask(300, 1.0)
    until(lambda: False, 1.1)
    shop.ask(400, -1.0)
    assert until(lambda: len(hl.windows("shop")) >= 1, PATIENCE)
    assert hl.alarms("shop") == []
    shop.label()
    assert until(lambda: bool(shop.hook.bodies), PATIENCE)
    return shop.comes(lambda one: one.status == "trial")


def asked_until_it_ends(shop: Shop) -> Retraining:
    """Let people ask until the retraining has ended."""
    for _ in range(100):
        shop.ask(20, -1.0, at_once=1)
        one = hl.retrainings("shop")[0]
        if not one.is_under_way or until(lambda: not hl.retrainings("shop")[0].is_under_way, 0.5):
            return hl.retrainings("shop")[0]
    raise AssertionError((hl.retrainings("shop"), hl.promotions("shop")))
