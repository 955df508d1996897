"""The `shap` evaluator: what moved answers, by the model's own parts or by asking it, folded into raw columns."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import polars as pl
import pytest

import hookline as hl
from hookline import (
    Explains,
    Explanation,
    Feature,
    Pipeline,
    Prediction,
    Report,
    Roles,
    Schema,
    Scored,
    SklearnModel,
    Target,
)
from hookline.errors import DataError
from hookline.kinds.artifacts import Column, Dataset
from hookline.kinds.plain import to_json
from hookline_explain import ShapEvaluator
from hookline_explain.folding import fold, folding
from hookline_explain.library import shap as shap_library
from hookline_explain.native import native_ways
from hookline_explain.ways import take_apart

pytest.importorskip("shap")

CITIES = [f"c{place:02d}" for place in range(30)]


def people(n: int, seed: int) -> pl.DataFrame:
    """Rows whose answer goes by one of 30 cities most of all, and less by their age; pay and mood say nothing."""
    rng = np.random.default_rng(seed)
    city = rng.integers(0, 30, n)
    pay: Any = np.where(rng.random(n) < 0.2, None, rng.lognormal(3, 1, n))  # type: ignore[call-overload]
    score = 0.08 * (age := rng.normal(40, 10, n)) - 3.2 + np.where(city % 2, 1.2, -1.2)
    return pl.DataFrame(
        {
            "age": age,
            "pay": pl.Series(pay.tolist(), dtype=pl.Float64),
            "city": [CITIES[one] for one in city],
            "mood": rng.choice(np.array(["good", "bad", None], dtype=object), n).tolist(),
            "y": np.where(score + rng.normal(0, 0.3, n) > 0, "yes", "no"),
            "score": score,
        }
    )


BINARY, SCORE = Target("y", "binary", ("no", "yes")), Target("score", "regression")
THREE = Target("three", "multiclass", ("low", "middle", "high"))
TRAIN, ROWS, USUAL = people(700, 0), people(40, 1), people(60, 2)


@pytest.fixture(scope="module")
def fitted(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Pipeline[Any]]:
    """One pipeline of each sort of model, all of them on the same features."""
    from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestRegressor
    from sklearn.neighbors import KNeighborsClassifier

    pipeline: Any = hl.run(
        *("trainer=logistic_regression", "transform=[impute]", "deployer=null"),
        **{kind: [] for kind in ("evaluator", "packager", "monitor")},
        source=TRAIN.drop("score"),
        target="y",
        home=tmp_path_factory.mktemp("home"),
    ).predictor
    score = TRAIN["score"].to_numpy()
    truth = {BINARY: (TRAIN["y"] == "yes").to_numpy().astype(int), THREE: np.digitize(score, [-1, 1]), SCORE: score}
    models = {
        "hist": (HistGradientBoostingClassifier(max_iter=20, random_state=0), BINARY),
        "three": (HistGradientBoostingClassifier(max_iter=10, random_state=0), THREE),
        "forest": (RandomForestRegressor(10, random_state=0), SCORE),
        "neighbors": (KNeighborsClassifier(), BINARY),
    }
    X = matrix(pipeline, TRAIN)
    names = pipeline.feature_names
    made = {
        name: replace(pipeline, model=SklearnModel(estimator.fit(X, truth[target]), names), target=target)
        for name, (estimator, target) in models.items()
    }
    return {"logistic": pipeline, **made}


def explained(pipeline: Pipeline[Any], **fields: Any) -> Explanation:
    return ShapEvaluator(**fields).explain(pipeline, ROWS, USUAL)


def matrix(pipeline: Pipeline[Any], rows: pl.DataFrame) -> np.ndarray:
    X: np.ndarray = pipeline.features(rows.select(pipeline.schema.names).lazy()).dense()
    return X


def summed(pipeline: Pipeline[Any], values: np.ndarray) -> np.ndarray:
    """Sum the values of features by the column that each names before its first sign, (n_rows, n_columns)."""
    made_of = [feature.inputs[0] for feature in pipeline.made]
    return np.column_stack([values[:, [one == name for one in made_of]].sum(axis=1) for name in pipeline.schema.names])


def test_of_trees_the_values_are_those_of_the_library_on_the_native_model(fitted: Mapping[str, Pipeline[Any]]) -> None:
    shap = shap_library()

    pipeline = fitted["hist"]
    library = shap.TreeExplainer(
        pipeline.model.estimator, matrix(pipeline, USUAL), model_output="probability"
    ).shap_values(matrix(pipeline, ROWS))
    answered = np.where(pipeline.predict(ROWS).values == "yes", 1, -1)[:, None]
    found = explained(pipeline)
    assert found.unit == "probability"
    np.testing.assert_allclose(found.values, summed(pipeline, library * answered), atol=1e-6)


def test_of_coefficients_the_values_are_those_of_the_library_in_log_odds(fitted: Mapping[str, Pipeline[Any]]) -> None:
    shap = shap_library()

    pipeline = fitted["logistic"]
    library = shap.LinearExplainer(pipeline.model.estimator, matrix(pipeline, USUAL).astype(float))
    values = library.shap_values(matrix(pipeline, ROWS).astype(float))
    answered = np.where(pipeline.predict(ROWS).values == "yes", 1, -1)[:, None]
    found = explained(pipeline)
    assert found.unit == "log-odds"
    np.testing.assert_allclose(found.values, summed(pipeline, values * answered), atol=1e-6)


@pytest.mark.parametrize("model", ["hist", "forest"])
def test_the_parts_add_up_to_the_answer(fitted: Mapping[str, Pipeline[Any]], model: str) -> None:
    pipeline = fitted[model]
    found, answer = explained(pipeline), pipeline.predict(ROWS)
    said = answer.values if answer.probabilities is None else answer.probabilities.max(axis=1)
    np.testing.assert_allclose(found.base + found.values.sum(axis=1), said, atol=1e-5)


def test_of_three_classes_boosted_trees_are_explained_in_log_odds(fitted: Mapping[str, Pipeline[Any]]) -> None:
    pipeline = fitted["three"]
    found = explained(pipeline)
    estimator = pipeline.model.estimator
    raw = estimator.decision_function(matrix(pipeline, ROWS)).max(axis=1)
    assert found.unit == "log-odds"
    np.testing.assert_allclose(found.base + found.values.sum(axis=1), raw, atol=1e-5)


def test_thirty_dummies_of_a_column_are_told_as_that_column(fitted: Mapping[str, Pipeline[Any]]) -> None:
    shap = shap_library()

    pipeline = fitted["logistic"]
    dummies = [place for place, feature in enumerate(pipeline.made) if feature.inputs == ("city",)]
    library = shap.LinearExplainer(pipeline.model.estimator, matrix(pipeline, USUAL).astype(float))
    alone = np.abs(library.shap_values(matrix(pipeline, ROWS).astype(float))).mean(axis=0)
    age = next(place for place, feature in enumerate(pipeline.made) if feature.name == "age")
    found = explained(pipeline)
    whole = dict(zip(found.columns, np.abs(found.values).mean(axis=0).tolist(), strict=True))
    assert len(dummies) == 30
    # Each dummy alone looks as if the city mattered little, though no column matters more.
    assert alone[dummies].max() < alone[age] / 2
    assert whole["city"] > whole["age"] > 4 * max(whole["pay"], whole["mood"])


@pytest.mark.parametrize(("model", "unit"), [("hist", "log-odds"), ("forest", "score")])
def test_along_the_paths_of_trees_the_parts_add_up_too(
    fitted: Mapping[str, Pipeline[Any]], model: str, unit: str
) -> None:
    pipeline = fitted[model]
    _, along = native_ways(pipeline, USUAL, None)
    way = along()
    assert (way.name, way.unit) == ("tree_paths", unit)
    assert take_apart(pipeline, way, ROWS.select(pipeline.schema.names)).gap < 1e-6


OF_SUM = Schema((Column("a", "Float64", "number"), Column("word", "String", "string")))


@dataclass(frozen=True)
class Sum:
    """A predictor that adds what is known of each column, gaps and texts included."""

    schema: Schema = OF_SUM
    target: Target = SCORE
    roles: Roles = field(default_factory=Roles)

    def predict(self, frame: pl.DataFrame | pl.LazyFrame) -> Prediction:
        return Prediction(sum(self.parts(frame.lazy().collect())))  # type: ignore[arg-type]

    def parts(self, rows: pl.DataFrame) -> tuple[np.ndarray, np.ndarray]:
        words = pl.col("word").replace_strict({"x": 1.0, "y": -1.0}, default=5.0, return_dtype=pl.Float64)
        return rows["a"].fill_null(-3.0).to_numpy() * 2, rows.select(words).to_series().to_numpy()


ASKED = pl.DataFrame({"a": [1.0, None, 2.5], "word": ["x", "y", None]})
ORDINARY = pl.DataFrame({"a": [0.0, 1.0, None, 4.0], "word": ["x", None, "y", "y"]})


def test_whatever_answers_is_asked_about_texts_and_gaps_as_they_are() -> None:
    found = ShapEvaluator().explain(Sum(), ASKED, ORDINARY)
    # Of a sum, Shapley values are each part less its mean (Lundberg and Lee 2017, corollary 1).
    expected = [part - usual.mean() for part, usual in zip(Sum().parts(ASKED), Sum().parts(ORDINARY), strict=True)]
    assert found.columns == ("a", "word")
    assert "Kernel" in found.method
    np.testing.assert_allclose(found.values, np.column_stack(expected), atol=1e-9)


def test_what_others_draw_does_not_hang_on_an_explanation() -> None:
    np.random.seed(5)
    expected = np.random.random()
    np.random.seed(5)
    ShapEvaluator().explain(Sum(), ASKED, ORDINARY)
    assert np.random.random() == expected


def scored(pipeline: Pipeline[Any], frame: pl.DataFrame, weight: np.ndarray | None = None) -> Scored:
    truth = frame["y"].to_numpy()
    rows = Dataset(frame.select(pipeline.schema.names).lazy())
    return Scored.of(rows, pipeline.predict(frame), pipeline.target, truth, weight)


def judged(pipeline: Pipeline[Any], frame: pl.DataFrame = ROWS, **fields: Any) -> Report:
    return ShapEvaluator(**fields).evaluate(scored(pipeline, frame), pipeline)


def test_a_report_has_means_with_intervals_and_is_plain(fitted: Mapping[str, Pipeline[Any]]) -> None:
    report = judged(fitted["hist"])
    table, sums = report.tables
    assert [row[0] for row in table.rows[:2]] == ["city", "age"]
    assert all(low <= mean <= high for _, mean, low, high, _ in table.rows)
    assert sum(row[-1] for row in table.rows) == pytest.approx(1)
    assert sums.rows[0][-1] < 1e-6
    assert not report.findings
    names = [chart.name for chart in report.charts]
    assert names == ["shap", "shap_beeswarm", "shap_row_1", "shap_row_2", "shap_row_3"]
    drawn = {dot["column"] for dot in report.charts[1].spec["data"]["values"]}
    assert drawn == {"age", "pay", "city", "mood"}
    json.dumps(to_json(report))


def test_of_two_classes_the_swarm_is_drawn_toward_the_later_one(fitted: Mapping[str, Pipeline[Any]]) -> None:
    swarm = next(chart for chart in judged(fitted["logistic"]).charts if chart.name == "shap_beeswarm")
    dots = [dot for dot in swarm.spec["data"]["values"] if dot["column"] == "age"]
    rank, value = (np.array([dot[name] for dot in dots]) for name in ("rank", "value"))
    assert np.corrcoef(rank, value)[0, 1] > 0.95


def test_a_model_that_the_library_does_not_know_is_asked_and_that_is_told(fitted: Mapping[str, Pipeline[Any]]) -> None:
    report = judged(fitted["neighbors"], max_rows=3, n_background=5)
    (finding,) = report.findings
    assert finding.statistic == "explained_otherwise"
    assert "KNeighborsClassifier" in finding.message
    assert report.title.endswith("by kernel")
    assert report.tables[1].rows[0][-1] < 1e-6


def test_without_time_one_column_at_a_time_is_asked_and_that_is_told(fitted: Mapping[str, Pipeline[Any]]) -> None:
    report = judged(fitted["neighbors"], seconds=1e-3, max_rows=25, n_background=5)
    assert report.title.endswith("by one_by_one")
    told = {finding.statistic: finding.message for finding in report.findings if "s a row" in finding.message}
    assert "more than 0.001 s allow for 20 rows" in told["explained_otherwise"]
    assert any(finding.statistic == "rows_explained" for finding in report.findings)


def test_rows_of_weight_zero_are_not_explained(fitted: Mapping[str, Pipeline[Any]]) -> None:
    pipeline = fitted["logistic"]
    half = np.repeat([1.0, 0.0], 20)
    weighed = ShapEvaluator(n_background=20).evaluate(scored(pipeline, ROWS, half), pipeline)
    alone = judged(pipeline, ROWS[:20], n_background=20)
    assert weighed.title == alone.title
    assert [row[0] for row in weighed.tables[0].rows] == [row[0] for row in alone.tables[0].rows]
    assert [row[1] for row in weighed.tables[0].rows] == pytest.approx([row[1] for row in alone.tables[0].rows])


def test_a_feature_of_two_columns_gives_each_half() -> None:
    features = [Feature("a", "float32", ("a",), ""), Feature("a*b", "float32", ("a", "b"), "")]
    shares = folding(features, ("a", "b", "c"))
    assert fold(np.array([[[1.0], [4.0]]]), shares)[0, :, 0].tolist() == [3.0, 2.0, 0.0]


def test_a_feature_of_no_raw_column_cannot_be_folded() -> None:
    with pytest.raises(DataError, match="'x' is made of 'made', which is no raw column"):
        folding([Feature("x", "float32", ("made",), "")], ("a",))


def test_no_background_is_refused() -> None:
    with pytest.raises(DataError, match="no background rows"):
        ShapEvaluator().explain(Sum(), ASKED, ORDINARY.clear())


def test_no_rows_have_an_empty_explanation() -> None:
    found = ShapEvaluator().explain(Sum(), ASKED.clear(), ORDINARY)
    assert found.values.shape == (0, 2)


def test_it_explains() -> None:
    assert isinstance(ShapEvaluator(), Explains)


def test_a_model_whose_parts_do_not_add_up_is_asked_instead(fitted: Mapping[str, Pipeline[Any]]) -> None:
    pipeline = fitted["logistic"]

    class Sharpened(type(pipeline.model)):  # type: ignore[misc]
        """Answers otherwise than its coefficients say."""

        def predict(self, features: Any) -> Prediction:
            found = super().predict(features)
            sharp = found.probabilities**2 / (found.probabilities**2).sum(axis=1, keepdims=True)
            return replace(found, probabilities=sharp)

    changed = replace(pipeline, model=Sharpened(pipeline.model.estimator, pipeline.model.feature_names))
    found = ShapEvaluator().explain(changed, ROWS[:2], USUAL[:5])
    assert "Kernel" in found.method
    said = changed.predict(ROWS[:2]).probabilities
    assert said is not None
    np.testing.assert_allclose(found.base + found.values.sum(axis=1), said.max(axis=1), atol=1e-9)
