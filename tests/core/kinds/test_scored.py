"""Rows with their answers and the truth, and the metrics of a run as one value."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest

import hookline as hl
from hookline import Dataset, Metric, Metrics, Prediction, Report, Roles, Scored, Target
from hookline.errors import DataError

LABELS = Target("y", "binary", ("no", "yes"))


def scored(**columns: list[object]) -> Scored:
    rows = Dataset(pl.LazyFrame({"x": [1, 2, 3], **columns}), Roles(target="y"))
    shares = np.array([[0.9, 0.1], [0.2, 0.8], [0.4, 0.6]])
    prediction = Prediction(np.array(["no", "yes", "yes"]), shares, LABELS.classes)
    return Scored.of(rows, prediction, LABELS, np.array(["no", "yes", "no"]), np.array([1.0, 2.0, 0.5]))


def test_the_frame_says_all_that_the_arrays_do(tmp_path: Path) -> None:
    held = scored()
    held.frame.sink_ipc(tmp_path / "scored.arrow")
    read = Scored(pl.scan_ipc(tmp_path / "scored.arrow"), LABELS, held.roles)
    assert read.frame.collect_schema().names() == [
        "x",
        "prediction",
        "probability_no",
        "probability_yes",
        "truth",
        "weight",
    ]
    assert read.prediction().values.tolist() == held.prediction().values.tolist()
    assert np.array_equal(read.prediction().probabilities, held.prediction().probabilities)
    assert read.truth().tolist() == ["no", "yes", "no"]
    assert read.weight().tolist() == [1.0, 2.0, 0.5]


def test_raw_columns_of_the_same_names_are_kept_apart() -> None:
    held = scored(prediction=["a", "b", "c"], truth=[7, 8, 9])
    assert held.prediction().values.tolist() == ["no", "yes", "yes"]
    read = Scored(held.frame, LABELS, held.roles)
    assert read.prediction().values.tolist() == ["no", "yes", "yes"]
    assert read.rows().frame.collect().to_dict(as_series=False) == {
        "x": [1, 2, 3],
        "prediction": ["a", "b", "c"],
        "truth": [7, 8, 9],
    }


def test_truth_that_is_not_known_is_told() -> None:
    bare = Scored(pl.LazyFrame({"prediction": ["no"]}), LABELS)
    with pytest.raises(DataError, match="nothing is known of what was true"):
        bare.truth()
    some = Scored(pl.LazyFrame({"prediction": ["no", "yes"], "truth": ["no", None]}), LABELS)
    with pytest.raises(DataError, match="not known of 1 of 2 rows"):
        some.truth()
    assert some.labeled().truth().tolist() == ["no"]


def test_rows_without_any_truth_are_told_when_the_labeled_are_asked_for() -> None:
    bare = Scored(pl.LazyFrame({"prediction": ["no"]}), LABELS)
    with pytest.raises(DataError, match="nothing is known of what was true") as caught:
        bare.labeled()
    assert caught.value.hint == "join labels first"


def test_what_the_prediction_log_says_of_rows_is_no_raw_column() -> None:
    log = {"prediction_id": ["p1"], "time": [5], "version": [3], "arm": ["live"], "prediction": ["no"]}
    read = Scored(pl.LazyFrame({"x": [1], **log, "raw.time": [7], "raw.arm": ["left"]}), LABELS)
    assert read.rows().frame.collect().to_dicts() == [{"x": 1, "time": 7, "arm": "left"}]


def test_raw_columns_called_as_those_of_the_log_are_kept() -> None:
    raw = {"prediction_id": ["p", "q", "r"], "time": [1, 2, 3], "version": [4, 5, 6], "raw.time": [7, 8, 9]}
    held = scored(**raw)
    assert "time" in held.frame.collect_schema().names()
    assert held.rows().frame.collect().to_dict(as_series=False) == {"x": [1, 2, 3], **raw}


@pytest.mark.parametrize(
    ("answers", "truth", "weight", "told"),
    [
        (2, None, None, "has 3 rows, but there are 2 answers"),
        (3, 4, None, "but there are 4 truths"),
        (4, 4, 2, "but there are 4 answers, 4 truths, 2 weights"),
    ],
)
def test_lengths_that_differ_are_told(answers: int, truth: int | None, weight: int | None, told: str) -> None:
    rows = Dataset(pl.LazyFrame({"x": [1, 2, 3]}))
    prediction = Prediction(np.array(["no"] * answers))
    true = None if truth is None else np.array(["no"] * truth)
    with pytest.raises(DataError, match=told):
        Scored.of(rows, prediction, LABELS, true, None if weight is None else np.ones(weight))


def test_two_evaluators_that_measure_one_name_are_refused() -> None:
    report = Report("one", (Metric("accuracy", 0.5),))
    with pytest.raises(DataError, match="evaluator 'a' and evaluator 'b' both measure 'accuracy'"):
        Metrics.of({"evaluator 'a'": report, "evaluator 'b'": report})


def test_a_run_with_two_evaluators_of_one_metric_fails_by_name(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="both measure"):
        hl.run(
            source="iris", trainer="decision_tree", evaluator=["standard", "classification"], packager=[], home=tmp_path
        )


def test_somebodys_own_model_is_judged_on_the_same_way() -> None:
    from sklearn.datasets import load_iris
    from sklearn.tree import DecisionTreeClassifier

    X, y = load_iris(return_X_y=True)
    model = DecisionTreeClassifier(max_depth=2, random_state=0).fit(X[::2], y[::2])
    assert hl.evaluate(model, X[1::2], y[1::2])["accuracy"] == pytest.approx(model.score(X[1::2], y[1::2]))


def test_columns_of_true_and_false_are_called_as_the_data_write_them() -> None:
    target = Target("y", "binary", (False, True))
    prediction = Prediction(np.array([True]), np.array([[0.3, 0.7]]), target.classes)
    assert prediction.frame().columns == ["prediction", "probability_false", "probability_true"]
    held = Scored.of(Dataset(pl.LazyFrame({"x": [1]}), Roles(target="y")), prediction, target, np.array([True]))
    assert "probability_true" in held.frame.collect_schema().names()
    again = Scored(held.frame.collect().lazy(), target, held.roles).prediction()
    assert again.probabilities is not None
    assert again.probabilities.tolist() == [[0.3, 0.7]]
