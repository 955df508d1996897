"""A threshold chosen on all training rows, by models of folds that had not seen them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from sklearn.metrics import recall_score

import hookline as hl
from hookline import Features, SklearnModel, Trainer
from hookline.errors import ConfigError
from hookline.runs.stages.folds.unseen import unseen_answers

QUICK = ("source=breast_cancer", "trainer=logistic_regression", "packager=[]", "monitor=[]", "~deployer")
BY_FOLDS = ("decision.recall=0.97", "decision.chosen_on=folds", "split.folds=3")


class Logging(Trainer):
    """Fit a tree, and write down that it did."""

    name = "logging"
    log: str

    def fit(self, train: Features, valid: Features | None) -> SklearnModel:
        from sklearn.tree import DecisionTreeClassifier

        with Path(self.log).open("a", encoding="utf-8") as log:
            log.write(".")
        return SklearnModel.of(DecisionTreeClassifier(max_depth=2, random_state=0).fit(train.X, train.y), train)


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


@pytest.mark.parametrize(
    ("source", "decision", "fits"),
    [
        ("iris", {"costs": {"setosa": {"virginica": 9}}}, 5),
        ("breast_cancer", {"threshold": 0.4}, 5),
        ("breast_cancer", {"recall": 0.9}, 5),
    ],
    ids=["costs of many classes", "a threshold that is said", "a threshold to choose"],
)
def test_each_fold_is_fitted_once_whether_a_threshold_is_chosen_or_not(
    tmp_path: Path, source: str, decision: dict[str, Any], fits: int
) -> None:
    made = hl.run(
        source=source,
        trainer=Logging(log=str(tmp_path / "fits")),
        decision={**decision, "chosen_on": "folds"},
        split={"folds": 4},
        packager=[],
        monitor=[],
        deployer=None,
    )
    # The run's own fit, and one a fold.
    assert (tmp_path / "fits").read_text("utf-8") == "." * fits
    assert made.folds.height == 4
    assert ("validation" in made.evidence["decision"]) == ("recall" in decision)
