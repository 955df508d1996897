"""A model that is trained again on rows whose truth came since, tested on later ones, and put in force if it is better."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import hookline as hl
from hookline.errors import StoreError, UsageError
from hookline.live.learning.acting import look
from hookline.live.learning.challengers.making import Making
from hookline.live.learning.rules import RetrainRules
from hookline.packages.settling import EVIDENCE
from hookline.registry.registry import load_registry
from hookline.workspace.workspace import open_workspace
from kit.drifting import labeled, rows

LOCAL = {"then": "local"}


@pytest.mark.parametrize("policy", ["batch", "incremental", "online"])
def test_a_challenger_that_is_better_on_later_labels_takes_over(drifted: Path, policy: str) -> None:
    made = hl.retrain("shop", policy, why="people changed", who="ada", rules=LOCAL)
    assert (made.status, made.champion, made.version) == ("trial", 1, 2)
    assert made.opened["said"] == "ada, by hand: people changed"
    assert hl.deployment("shop").policy.version == 1
    labeled(drifted, 300, 2, tilt=-1.0)
    one = look("shop").retraining
    assert one is not None
    assert one.status == "promoted"
    assert one.figures["trial"]["rows"] == 300
    assert one.figures["trial"]["champion"] > one.figures["trial"]["challenger"] + 0.2
    policy_now = hl.deployment("shop").policy
    assert policy_now.version == 2
    assert "retraining 1, opened by ada, by hand: people changed" in policy_now.reason


def test_a_challenger_that_is_worse_on_later_labels_is_refused(drifted: Path) -> None:
    hl.retrain("shop", "batch", rules=LOCAL | {"rows": "log"})
    labeled(drifted, 400, 2, tilt=1.0)
    one = look("shop").retraining
    assert one is not None
    assert one.status == "refused"
    assert one.figures["trial"]["champion"] < one.figures["trial"]["challenger"]
    assert hl.deployment("shop").policy.version == 1


def test_one_retraining_is_under_way_at_a_time(drifted: Path) -> None:
    hl.retrain("shop", "incremental")
    with pytest.raises(UsageError, match="retraining 1 of 'shop' is under way"):
        hl.retrain("shop", "incremental")
    hl.stop_retraining("shop", "enough", who="ada")
    assert [one.status for one in hl.retrainings("shop")] == ["stopped"]
    assert hl.retrain("shop", "incremental").status == "trial"


def test_where_nobody_is_to_release_it_a_person_is_told_how_and_it_waits_for_that(drifted: Path) -> None:
    hl.retrain("shop", "incremental", rules={"then": "none"})
    labeled(drifted, 200, 2, tilt=-1.0)
    one = look("shop").retraining
    assert one is not None
    assert one.status == "released"
    assert one.told.endswith("hookline models promote shop:2 puts it in charge")
    assert hl.deployment("shop").policy.version == 1
    hl.promote("shop:2")
    one = look("shop").retraining
    assert one is not None
    assert one.status == "promoted"


def test_a_trial_ends_where_a_person_puts_another_version_in_charge(drifted: Path) -> None:
    other = hl.update("shop", rows(50, 9)).version
    hl.retrain("shop", "incremental")
    hl.promote(f"shop:{other}")
    one = look("shop").retraining
    assert one is not None
    assert (one.status, one.told) == ("overtaken", "v2 is in charge by now, and no longer v1")


@pytest.mark.parametrize("config", [[1], "a run", {"source": "shop.csv"}, {"name": "shop"}], ids=str)
def test_a_champion_whose_config_is_none_of_a_run_is_told_as_damaged(drifted: Path, config: object) -> None:
    workspace = open_workspace(drifted)
    champion = workspace.catalog.models.get("shop", 1)
    path = Path(champion.path) / EVIDENCE
    path.write_text(json.dumps(json.loads(path.read_text("utf-8")) | {"config": config}), "utf-8")
    making = Making(load_registry(), workspace, RetrainRules(), None)
    with pytest.raises(StoreError, match=r"evidence\.json is damaged: its config is none of a run") as caught:
        making._first_config(champion)
    assert caught.value.hint == "run shop again, and promote the version that this makes"
