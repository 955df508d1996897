"""A threshold chosen on all training rows, by models of folds that had not seen them."""

from __future__ import annotations

import pytest
from sklearn.metrics import recall_score

import hookline as hl
from hookline.errors import ConfigError
from hookline.runs.stages.folds.unseen import unseen_answers

QUICK = ("source=breast_cancer", "trainer=logistic_regression", "packager=[]", "monitor=[]", "~deployer")
BY_FOLDS = ("decision.recall=0.97", "decision.chosen_on=folds", "split.folds=3")


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> hl.Run:
    return hl.run(*QUICK, *BY_FOLDS, home=tmp_path_factory.mktemp("home"))


def test_every_training_row_has_a_part_in_the_threshold(run: hl.Run) -> None:
    decision = run.evidence["decision"]
    assert decision["rows"] == run.evidence["split"]["train"] == 399
    assert run.evidence["split"]["valid"] == 0
    assert decision["told"].endswith("for a recall of 0.97 on 399 training rows, each by a model that had not seen it")
    assert decision["validation"]["chosen"]["recall"] >= 0.97


def test_the_wish_is_reached_on_rows_that_each_model_had_not_seen(run: hl.Run) -> None:
    assert run.execution is not None
    said, truth, weight = unseen_answers(run.execution)
    assert weight is None
    assert said.probabilities is not None
    positive = said.probabilities[:, 1] >= run.evidence["decision"]["threshold"]
    assert recall_score(truth, positive) == pytest.approx(run.evidence["decision"]["validation"]["chosen"]["recall"])


def test_each_fold_decides_by_that_threshold(run: hl.Run) -> None:
    # The recall over folds of one size is about that over all their rows.
    assert run.metrics["folds.recall"] == pytest.approx(
        run.evidence["decision"]["validation"]["chosen"]["recall"], abs=0.02
    )


def test_without_folds_it_is_refused_before_the_run() -> None:
    with pytest.raises(ConfigError, match=r"decision\.chosen_on: goes by folds within the training rows"):
        hl.plan(*QUICK, "decision.recall=0.9", "decision.chosen_on=folds")
    with pytest.raises(ConfigError, match=r"decision: goes by validation rows"):
        hl.plan(*QUICK, "decision.recall=0.9", "split.folds=3")
