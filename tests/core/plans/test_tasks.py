"""Options that are for other tasks than what is to be learned: refused before any training, wherever they stand."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import polars as pl
import pytest

import hookline as hl
from hookline.errors import DataError, PlanError

ROWS = pl.DataFrame(
    {"x": range(40), "y": [0, 1] * 20, "word": ["a", "b"] * 20, "z": [value / 7 for value in range(40)]}
)
QUANTILE = {"component": "hist_gradient_boosting", "loss": "quantile", "quantile": 0.9}
BALANCED = {"component": "random_forest", "class_weight": "balanced"}


def test_an_option_for_another_task_than_the_one_asked_for_is_refused_in_the_plan() -> None:
    told = (
        "trainer.loss=quantile is for regression, but task=binary; trainer.loss=squared_error leaves it out\n"
        "trainer.quantile=0.9 is for regression, but task=binary; trainer.quantile=0.5 leaves it out"
    )
    with pytest.raises(PlanError) as caught:
        hl.plan(source=ROWS, target="y", task="binary", trainer=QUANTILE)
    assert caught.value.message == told
    with pytest.raises(PlanError, match=r"^trainer\.loss=quantile is for regression, but task=multiclass"):
        hl.plan(source=ROWS, target="y", task="multiclass", trainer=QUANTILE)


def test_an_option_that_classes_alone_have_is_refused_for_numbers() -> None:
    told = r"^trainer\.class_weight=balanced is for binary or multiclass, but task=regression; trainer\.class_weight=null leaves"
    with pytest.raises(PlanError, match=told):
        hl.plan(source=ROWS, target="z", task="regression", trainer=BALANCED)


def test_an_option_for_another_task_than_a_target_of_texts_is_refused_before_any_row_is_read(tmp_path: Path) -> None:
    path = str(tmp_path / "a.parquet")
    ROWS.write_parquet(path)
    with pytest.raises(
        PlanError, match=r"trainer\.loss=quantile is for regression, but the target 'word' holds"
    ) as caught:
        hl.plan(source=path, target="word", trainer=QUANTILE)
    assert caught.value.hint == "trainer.loss=squared_error leaves it out"


@pytest.mark.parametrize(
    ("trainer", "target", "told"),
    [
        (QUANTILE, "y", r"trainer\.loss=quantile is for regression, but the target 'y' calls for binary"),
        (BALANCED, "z", r"trainer\.class_weight=balanced is for binary or multiclass, but the target 'z' calls for"),
        (
            {"component": "voting", "trainers": ["decision_tree", BALANCED]},
            "z",
            r"trainer\.trainers\.1\.class_weight=balanced is for binary or multiclass",
        ),
        ({"component": "svm", "epsilon": 0.2}, "y", r"trainer\.epsilon=0\.2 is for regression"),
    ],
    ids=["loss", "class_weight", "member", "epsilon"],
)
def test_an_option_for_another_task_than_the_rows_show_is_refused_before_training(
    trainer: dict[str, Any], target: str, told: str
) -> None:
    with pytest.raises(DataError, match=told):
        hl.run(source=ROWS, target=target, trainer=trainer, packager=[], monitor=[], ignore=["word"])


def test_an_option_of_a_trainer_inside_another_is_held_against_what_the_outer_one_does() -> None:
    told = r"^trainer\.trainer\.class_weight=balanced is for binary or multiclass, but trainer 'log_target' does regression"
    with pytest.raises(PlanError, match=told):
        hl.plan(source=ROWS, target="z", trainer={"component": "log_target", "trainer": BALANCED})


def test_options_that_no_task_goes_with_together_are_refused() -> None:
    told = r"^trainer\.loss=quantile is for regression, but trainer\.class_weight=balanced is for binary or multiclass;"
    with pytest.raises(PlanError, match=told):
        hl.plan(source=ROWS, target="z", trainer={**QUANTILE, "class_weight": "balanced"})


def test_options_that_go_with_the_task_are_taken() -> None:
    assert hl.plan(source=ROWS, target="z", task="regression", trainer=QUANTILE)
    assert hl.plan(source=ROWS, target="y", task="binary", trainer=BALANCED)
