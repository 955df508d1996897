"""The `partial_dependence` evaluator: curves of raw columns, as scikit-learn has them, of texts and gaps too."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date
from typing import Any

import numpy as np
import polars as pl
import pytest

import hookline as hl
from hookline import Pipeline, Report, Scored, Target
from hookline.errors import DataError
from hookline.kinds.artifacts import Dataset
from hookline.kinds.plain import to_json
from hookline_explain import PartialDependenceEvaluator
from hookline_explain.curves import Curve, curve_of, grid_of


def houses(n: int, seed: int) -> pl.DataFrame:
    rng = np.random.default_rng(seed)
    size, rooms, town = rng.normal(100, 30, n), rng.integers(1, 6, n), rng.choice(["north", "south", "west"], n)
    price = 3 * size + 20 * rooms * (town == "south") + rng.normal(0, 10, n)
    garden = [None if one < 0.2 else f"{one < 0.6}" for one in rng.random(n)]
    return pl.DataFrame({"size": size, "rooms": rooms, "town": town, "garden": garden, "price": price})


TRAIN, ROWS = houses(400, 0), houses(80, 1)


@pytest.fixture(scope="module")
def pipeline(tmp_path_factory: pytest.TempPathFactory) -> Any:
    return hl.run(
        *("trainer=hist_gradient_boosting", "trainer.max_iter=20", "deployer=null"),
        **{kind: [] for kind in ("evaluator", "packager", "monitor")},
        source=TRAIN,
        target="price",
        home=tmp_path_factory.mktemp("home"),
    ).predictor


def judged(pipeline: Pipeline[Any], rows: pl.DataFrame = ROWS, weight: Any = None, **fields: Any) -> Report:
    frame = rows.select(pipeline.schema.names)
    scored = Scored.of(
        Dataset(frame.lazy()), pipeline.predict(frame), pipeline.target, rows["price"].to_numpy(), weight
    )
    return PartialDependenceEvaluator(**fields).evaluate(scored, pipeline)


def by_sklearn(pipeline: Pipeline[Any], column: str, weight: Any = None, *, categorical: bool = False) -> Any:
    """Ask scikit-learn for the same curve of the same pipeline."""
    from sklearn.base import BaseEstimator, RegressorMixin
    from sklearn.inspection import partial_dependence

    class Asked(RegressorMixin, BaseEstimator):  # type: ignore[misc]
        """The pipeline as an estimator of data frames."""

        def fit(self, X: Any, y: Any) -> Asked:
            return self

        def __sklearn_is_fitted__(self) -> bool:
            return True

        def predict(self, X: Any) -> Any:
            return pipeline.predict(pl.from_pandas(X)).values

    frame = ROWS.select(pipeline.schema.names).to_pandas()
    return partial_dependence(
        Asked(),
        frame.astype({"rooms": float}),
        [column],
        kind="both",
        method="brute",
        grid_resolution=20,
        sample_weight=weight,
        categorical_features=[column] if categorical else None,
    )


@pytest.mark.parametrize("weighted", [False, True], ids=["rows alike", "rows weighed"])
@pytest.mark.parametrize("column", ["size", "rooms", "town"])
def test_curves_are_those_of_scikit_learn(pipeline: Pipeline[Any], column: str, *, weighted: bool) -> None:
    weight = np.linspace(1, 3, ROWS.height) if weighted else None
    theirs = by_sklearn(pipeline, column, weight, categorical=column == "town")
    rows = ROWS.select(pipeline.schema.names)
    ours = curve_of(pipeline, rows, column, np.ones(80) if weight is None else weight, 20, (0.05, 0.95))
    if column == "town":
        assert ours.values == tuple(theirs["grid_values"][0])
    else:
        np.testing.assert_allclose(ours.values, theirs["grid_values"][0], rtol=1e-12)
    np.testing.assert_allclose(ours.mean[:, 0], theirs["average"][0], rtol=1e-12)
    np.testing.assert_allclose(ours.each[:, :, 0], theirs["individual"][0], rtol=1e-12)


def test_what_is_missing_has_a_point_of_its_own_and_texts_go_by_how_frequent_they_are() -> None:
    grid, continuous = grid_of(pl.Series("word", ["b", "a", None, "b", "c", "a"]), 2, (0.05, 0.95))
    assert (grid.to_list(), continuous) == (["a", "b", None], False)


def test_days_and_whole_numbers_keep_their_type() -> None:
    days = pl.Series("day", [date(2026, 1, 1 + day) for day in range(28)])
    grid, continuous = grid_of(days, 5, (0.0, 1.0))
    assert (grid.dtype, continuous, grid[0], grid[-1]) == (pl.Date, True, date(2026, 1, 1), date(2026, 1, 28))
    assert grid_of(pl.Series("n", range(100)), 4, (0.0, 1.0))[0].to_list() == [0, 33, 66, 99]


def test_a_column_in_which_most_have_one_value_goes_through_the_others() -> None:
    grid, _ = grid_of(pl.Series("fee", [0.0] * 96 + [1.0, 2.0, 3.0, 4.0]), 5, (0.05, 0.95))
    assert grid.to_list() == [0.0, 1.0, 2.0, 3.0, 4.0]


def test_rows_that_go_other_ways_than_their_mean_are_told(pipeline: Pipeline[Any]) -> None:
    told = {row[0]: row for row in judged(pipeline).tables[0].rows}
    # Rooms matter in one town alone, the size in all of them.
    assert told["rooms"][3] > 1
    assert told["rooms"][3] / told["rooms"][2] > 3 * told["size"][3] / told["size"][2]


def test_a_curve_that_only_adds_is_the_same_for_every_row() -> None:
    each = (np.arange(3.0)[None, :] + np.array([[0.0], [5.0]]))[:, :, None]
    curve = Curve("a", (1, 2, 3), True, each, each.mean(axis=0), np.ones(2))
    assert curve.unlike() == pytest.approx(0, abs=1e-12)
    assert curve.importance() == pytest.approx(1.0)


def test_the_report_draws_each_column_those_first_that_matter_most(pipeline: Pipeline[Any]) -> None:
    report = judged(pipeline, n_lines=7)
    assert next(iter(report.importances)) == "size"
    assert report.charts[0].name == "partial_dependence_size"
    lines, mean = report.charts[0].spec["layer"]
    assert len({point["row"] for point in lines["data"]["values"]}) == 7
    assert len(mean["data"]["values"]) == 20
    garden = next(chart for chart in report.charts if chart.name == "partial_dependence_garden")
    assert garden.spec["layer"][-1]["data"]["values"][0]["value"] == "missing"
    json.dumps(to_json(report))


def test_centered_curves_begin_at_nothing(pipeline: Pipeline[Any]) -> None:
    chart = judged(pipeline, columns=("size",), centered=True).charts[0]
    for layer in chart.spec["layer"]:
        first = layer["data"]["values"][0]["value"]
        assert {one["answer"] for one in layer["data"]["values"] if one["value"] == first} == {0.0}


def test_of_three_classes_each_has_a_curve(pipeline: Pipeline[Any]) -> None:
    from sklearn.ensemble import RandomForestClassifier

    from hookline import SklearnModel

    target = Target("three", "multiclass", ("low", "middle", "high"))
    X = pipeline.features(TRAIN.select(pipeline.schema.names).lazy()).dense()
    estimator = RandomForestClassifier(5, random_state=0).fit(X, np.digitize(TRAIN["price"].to_numpy(), [250, 350]))
    three = replace(pipeline, model=SklearnModel(estimator, pipeline.feature_names), target=target)
    rows = ROWS.select(three.schema.names)
    scored = Scored.of(Dataset(rows.lazy()), three.predict(rows), target, three.predict(rows).values)
    report = PartialDependenceEvaluator(columns=("size",)).evaluate(scored, three)
    (mean,) = report.charts[0].spec["layer"]
    assert {point["class"] for point in mean["data"]["values"]} == {"low", "middle", "high"}
    assert report.tables[1].columns[2:] == tuple(f"mean probability of {name}" for name in target.classes)


def test_rows_of_weight_zero_are_not_asked(pipeline: Pipeline[Any]) -> None:
    half = np.repeat([1.0, 0.0], 40)
    weighed, alone = judged(pipeline, weight=half), judged(pipeline, ROWS[:40])
    assert weighed.title == alone.title
    assert weighed.importances == pytest.approx(alone.importances)


def test_without_time_columns_are_left_out_and_that_is_told(pipeline: Pipeline[Any]) -> None:
    report = judged(pipeline, seconds=1e-6)
    assert len(report.tables[0].rows) == 1
    assert report.findings[0].message.startswith("3 columns are left out")


def test_a_column_that_is_not_there_is_refused(pipeline: Pipeline[Any]) -> None:
    with pytest.raises(DataError, match="takes no column 'sise'"):
        judged(pipeline, columns=("sise",))
