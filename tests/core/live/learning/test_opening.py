"""What opens a retraining, and what keeps it from being opened."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest

import hookline as hl
from hookline.errors import ConfigError, UsageError
from hookline.live.learning.acting import look
from hookline.live.learning.settings import rules_for
from kit.drifting import answered, labeled, trained

INCREMENTAL = {"policy": "incremental", "then": "local"}


def test_the_file_of_settings_says_the_rules_for_all_models_and_for_one(tmp_path: Path) -> None:
    (tmp_path / "settings.yaml").write_text(
        "retrain: {guards: {least: 50, lag: 2d}, models: {shop: {policy: online, guards: {least: 70}}}}", "utf-8"
    )
    other, shop = rules_for("other", tmp_path), rules_for("shop", tmp_path, {"batch": 7})
    assert (other.policy, other.guards.least, other.guards.lag) == ("batch", 50, "2d")
    assert (shop.policy, shop.guards.least, shop.guards.lag, shop.batch) == ("online", 70, "2d", 7)
    assert rules_for("shop", tmp_path / "nowhere").guards.least == 200


def test_what_is_no_rule_is_told_at_its_place(tmp_path: Path) -> None:
    (tmp_path / "settings.yaml").write_text(
        "retrain: {polcy: batch, guards: {least: 0}, when: {every: often}}", "utf-8"
    )
    with pytest.raises(ConfigError) as told:
        rules_for("shop", tmp_path)
    assert {problem.path for problem in told.value.problems} == {
        "settings.retrain.polcy",
        "settings.retrain.guards.least",
        "settings.retrain.when.every",
    }


def held(**rules: Any) -> tuple[str, ...]:
    """Return what keeps a retraining from being opened that 100 labels would open."""
    found = look("shop", rules={**INCREMENTAL, "when": {"labels": 100}, **rules})
    assert found.retraining is None
    return found.held


def test_labels_open_one_once_and_the_next_once_as_many_came_again(drifted: Path) -> None:
    rules = {**INCREMENTAL, "when": {"labels": 500}}
    one = look("shop", rules=rules).retraining
    assert one is not None
    assert one.opened["said"] == "600 new labels"
    hl.stop_retraining("shop")
    assert look("shop", rules=rules).retraining is None
    assert look("shop", rules=INCREMENTAL).retraining is None


def test_the_time_opens_one(drifted: Path) -> None:
    assert look("shop", rules={**INCREMENTAL, "when": {"every": "9w"}}).retraining is None
    one = look("shop", rules={**INCREMENTAL, "when": {"every": "0s"}}).retraining
    assert one is not None
    assert one.opened["what"] == "schedule"


def test_too_few_rows_keep_one_from_being_opened_also_by_hand(drifted: Path) -> None:
    few = {"guards": {"least": 700}}
    assert held(**few) == ("600 rows on record have their truth and are new, 700 are wanted",)
    with pytest.raises(UsageError, match="700 are wanted"):
        hl.retrain("shop", rules={**INCREMENTAL, **few})
    assert hl.retrain_state("shop", rules={"when": {"labels": 100}, **few}).held == held(**few)


def test_rows_that_were_answered_lately_are_no_truth_yet(drifted: Path) -> None:
    labeled(drifted, 100, 3, ago=timedelta(hours=9))
    assert held(guards={"lag": "5h"}) == ("100 rows on record have their truth and are new, 200 are wanted",)


def test_where_answers_decide_which_labels_come_none_is_opened_or_it_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = tmp_path / "censored"
    monkeypatch.setenv("HOOKLINE_HOME", str(home))
    trained(home)
    told = answered(home, 600, 1, -1.0)
    answers = {one["id"]: one["prediction"] for one in hl.predictions("shop")}
    hl.label("shop", told.filter(pl.col("prediction_id").map_elements(answers.get, pl.String) == "yes"))
    (why,) = held()
    assert why.startswith("answers decide which labels come: 0 of ")
    assert "'no'" in why
    found = look("shop", rules={**INCREMENTAL, "when": {"labels": 100}, "guards": {"on_censored": "warn"}})
    assert found.retraining is not None
    assert found.retraining.opened["warnings"] == [why]


def test_so_many_failures_in_a_row_and_so_many_a_week_are_the_most(drifted: Path) -> None:
    slow = {"guards": {"seconds": 0.001, "failures": 2}, "when": {"every": "0s"}}
    for _ in range(2):
        one = look("shop", rules=INCREMENTAL | slow).retraining
        assert one is not None
        assert one.status == "failed"
        assert "it took longer than 0.001 s" in one.told
    assert held(**slow) == ("the last 2 came to nothing, and 2 in a row are the most",)
    assert held(when={"every": "0s"}, guards={"a_week": 2}) == ("2 were opened within a week, and 2 are the most",)
    assert hl.retrain("shop", rules=INCREMENTAL | {"guards": {"failures": 2, "a_week": 1}}).status == "trial"


def test_a_trainer_that_cannot_learn_on_is_told_before_anything_is_begun(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOOKLINE_HOME", str(tmp_path))
    trained(tmp_path, trainer="decision_tree")
    labeled(tmp_path, 250, 1)
    with pytest.raises(UsageError, match="'decision_tree', which made shop:1, cannot learn on") as told:
        hl.retrain("shop", "incremental")
    assert "sgd_classifier" in str(told.value.hint)
    with pytest.raises(UsageError, match=r"retrain\.trial\.loss: 'squared' is no loss of binary"):
        hl.retrain("shop", rules={"trial": {"loss": "squared"}})
    (held,) = hl.retrain_state("shop", rules={"policy": "online"}).held
    assert held.startswith(
        "trainer 'decision_tree', which made shop:1, cannot learn on from a batch (trainers that can: "
    )
    assert hl.retrainings("shop") == []


def test_a_run_on_a_frame_is_made_again_on_the_log_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOOKLINE_HOME", str(tmp_path))
    trained(tmp_path)
    labeled(tmp_path, 250, 1)
    with pytest.raises(UsageError, match="was trained on a data frame, which is gone"):
        hl.retrain("shop", rules={"rows": "all"})
    one = hl.retrain("shop")
    assert one.status == "trial"
    assert hl.load(str(one.run_id)).evidence["config"]["source"]["component"] == "prediction_log"


def test_an_update_that_makes_it_worse_on_rows_kept_aside_is_refused(
    drifted: Path, project_module: Callable[[str, str], str]
) -> None:
    project_module("contrary", CONTRARY)
    trained(drifted, trainer="contrary")
    hl.promote("shop:2")
    labeled(drifted, 600, 5, version=2)
    one = hl.retrain("shop", "incremental", rules={"keep": 0.2})
    assert one.status == "refused"
    assert one.told.startswith("it is worse on rows that are kept aside: share of mistakes")
    assert one.figures["kept"]["challenger"] > one.figures["kept"]["champion"]
    assert hl.deployment("shop").policy.version == 2


CONTRARY = '''
"""A trainer that unlearns what it knew."""

import copy

import hookline as hl
from hookline_sklearn.trainers.sgd import SgdClassifierTrainer


class ContraryTrainer(SgdClassifierTrainer):
    """Turns everything round when it learns on."""

    name = "contrary"

    def update(self, model: hl.SklearnModel, batch: hl.Features) -> hl.SklearnModel:
        made = super().update(model, batch)
        estimator = copy.deepcopy(made.estimator)
        estimator.coef_ = -estimator.coef_
        return hl.SklearnModel(estimator, made.feature_names)


@hl.hookimpl
def register_trainers():
    return [ContraryTrainer]
'''
