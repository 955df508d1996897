"""Rows that no model can learn from are told before any training, with the class and what to do."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import polars as pl
import pytest

import hookline as hl
from hookline.errors import DataError

PLAIN: dict[str, Any] = {"trainer": "decision_tree", "packager": [], "monitor": []}


def table(path: Path, labels: list[Any], **more: Any) -> dict[str, Any]:
    columns = {"x": [float(i % 13) for i in range(len(labels))], "y": labels, "day": range(len(labels))}
    pl.DataFrame({**columns, **more}).write_parquet(path)
    return {"component": "file", "path": str(path)}


def test_one_class_left_in_training_is_told_with_the_rows_and_what_to_do(tmp_path: Path) -> None:
    source = table(tmp_path / "late.parquet", ["stayed"] * 80 + ["left"] * 15 + ["stayed"] * 5)
    roles = {"target": "y", "time": "day"}
    with pytest.raises(DataError) as told:
        hl.run(source=source, roles=roles, **PLAIN)
    assert told.value.message == (
        "the rows to learn from are all of class 'stayed' of 'y', so there is nothing to tell apart: of its 70 training "
        "rows none is of another, and the time split put all 15 rows of other classes into the other parts"
    )
    assert told.value.hint == "split.method=stratified has rows of each class in both parts"
    assert hl.run(source=source, roles=roles, split={"method": "stratified"}, **PLAIN).status == "finished"


def test_one_class_left_in_the_held_out_rows_is_told_and_judged_by_what_is_defined(tmp_path: Path) -> None:
    source = table(tmp_path / "early.parquet", ["stayed", "left"] * 35 + ["stayed"] * 30)
    run = hl.run(source=source, roles={"target": "y", "time": "day"}, **PLAIN)
    assert "roc_auc" not in run.metrics
    assert any("hold no left, so ROC AUC" in finding["message"] for finding in run.findings)


def test_a_class_whose_rows_all_weigh_nothing_is_told_rather_than_left_unlearned(tmp_path: Path) -> None:
    weights = [0.0 if i % 4 == 0 else 1.0 for i in range(100)]
    source = table(tmp_path / "w.parquet", ["a" if i % 4 == 0 else "b" for i in range(100)], w=weights)
    with pytest.raises(DataError, match="all of class 'b' of 'y'.*: the other 1[78] weigh 0 in 'w'"):
        hl.run(source=source, roles={"target": "y", "weight": "w"}, **PLAIN)


@pytest.mark.parametrize("weight", [[0.0] * 60, [1.0] * 30 + [-1.0] * 30, [None, 1.0] * 30])
def test_weights_that_none_can_learn_from_are_refused(tmp_path: Path, weight: list[Any]) -> None:
    source = table(tmp_path / "w.parquet", ["a", "b"] * 30, w=weight)
    with pytest.raises(DataError, match="'w' must be present, none negative, and not all zero"):
        hl.run(source=source, roles={"target": "y", "weight": "w"}, **PLAIN)
