"""The `permutation_importance` evaluator: which columns the answers need, over all rows and for single ones."""

from __future__ import annotations

import json
from dataclasses import dataclass, field

import numpy as np
import polars as pl
import pytest

import hookline as hl
from hookline import Explains, Pipeline, Prediction, Report, Roles, Schema, Scored, Target
from hookline.errors import DataError
from hookline.kinds.artifacts import Column, Dataset
from hookline.kinds.plain import to_json
from hookline_sklearn import PermutationImportanceEvaluator

SCHEMA = Schema(tuple(Column(name, "Float64", "number") for name in ("strong", "weak", "noise")))


@dataclass(frozen=True)
class Known:
    """A predictor whose formula is known."""

    target: Target
    schema: Schema = SCHEMA
    roles: Roles = field(default_factory=Roles)
    shares: bool = True

    def predict(self, frame: pl.DataFrame | pl.LazyFrame) -> Prediction:
        rows = frame.lazy().collect()
        score = (2 * rows["strong"] + 0.5 * rows["weak"]).to_numpy()
        if self.target.task == "regression":
            return Prediction(score)
        yes = 1 / (1 + np.exp(-2 * score))
        values = np.where(yes > 0.5, "yes", "no")
        return Prediction(values, np.column_stack([1 - yes, yes]), ("no", "yes")) if self.shares else Prediction(values)


BINARY, NUMBER = Target("y", "binary", ("no", "yes")), Target("y", "regression")


def rows(n: int = 400, seed: int = 0) -> pl.DataFrame:
    rng = np.random.default_rng(seed)
    return pl.DataFrame({name: rng.normal(size=n) for name in SCHEMA.names})


def scored(predictor: Known, frame: pl.DataFrame, weight: np.ndarray | None = None) -> Scored:
    score = (2 * frame["strong"] + 0.5 * frame["weak"]).to_numpy() + np.random.default_rng(1).normal(0, 0.3, len(frame))
    truth = score if predictor.target.task == "regression" else np.where(score > 0, "yes", "no")
    return Scored.of(Dataset(frame.lazy()), predictor.predict(frame), predictor.target, truth, weight)


def effects(report: Report) -> dict[str, tuple[float, float, float]]:
    (table,) = report.tables
    return {row[0]: row[1:] for row in table.rows}


@pytest.mark.parametrize("target", [BINARY, NUMBER], ids=lambda target: target.task)
def test_columns_rank_by_what_the_answers_lose_without_them(target: Target) -> None:
    predictor = Known(target)
    report = PermutationImportanceEvaluator().evaluate(scored(predictor, rows()), predictor)
    found = effects(report)
    assert list(found) == ["strong", "weak", "noise"]
    assert found["strong"][1] > found["weak"][2]
    assert found["weak"][1] > 0
    assert found["noise"] == (0.0, 0.0, 0.0)
    assert not report.metrics
    assert not report.findings
    json.dumps(to_json(report))


def test_the_increase_of_squared_error_is_what_theory_says() -> None:
    # Shuffling x of variance v in a true model y = b x + e adds 2 b^2 v to the mean squared error (Gregorutti et al. 2017).
    predictor = Known(NUMBER)
    frame = rows(5_000)
    report = PermutationImportanceEvaluator(n_repeats=5).evaluate(scored(predictor, frame), predictor)
    least = 0.3
    expected = np.sqrt(least**2 + 2 * 4 * 1) - least
    assert effects(report)["strong"][0] == pytest.approx(expected, rel=0.05)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> hl.Run:
    frame = rows(900)
    y = np.where(2 * frame["strong"] + np.random.default_rng(2).normal(0, 1, 900) > 0, "yes", "no")
    return hl.run(
        "trainer=random_forest",
        "trainer.n_estimators=20",
        "evaluator=[standard,permutation_importance]",
        "evaluator.standard.n_bootstrap=0",
        "packager=[onnx]",
        "monitor=[]",
        source=frame.with_columns(pl.Series("y", y)),
        target="y",
        home=tmp_path_factory.mktemp("home"),
    )


def test_in_a_run_the_planted_column_ranks_first_and_noise_covers_zero(run: hl.Run) -> None:
    report = next(r for r in run.evidence["reports"] if r["stage"] == "evaluator.permutation_importance")
    table = report["tables"][0]["rows"]
    assert table[0][0] == "strong"
    assert table[0][2] > 0
    noise = next(row for row in table if row[0] == "noise")
    assert noise[2] < 0 < noise[3]
    assert "permutation_importance" in json.dumps(report["charts"])
    assert "What the answers lose when a column is shuffled" in run.report.read_text()


def test_a_package_explains_as_its_pipeline_does(run: hl.Run) -> None:
    asked, usual = rows(5, seed=3), rows(50, seed=4)
    native = PermutationImportanceEvaluator().explain(run.predictor, asked, usual)
    packaged = PermutationImportanceEvaluator().explain(hl.load(run.package("onnx")), asked, usual)
    assert isinstance(run.predictor, Pipeline)
    assert native.columns == packaged.columns == ("strong", "weak", "noise")
    np.testing.assert_allclose(packaged.values, native.values, atol=1e-5)
    np.testing.assert_allclose(packaged.base, native.base, atol=1e-5)


def test_rows_of_weight_zero_are_not_judged() -> None:
    predictor = Known(NUMBER)
    frame = rows(600)
    weight = np.repeat([1.0, 0.0], 300)
    # Where no weight is, `weak` takes the part of `strong`.
    swapped = frame.with_columns(
        strong=pl.when(pl.int_range(pl.len()) < 300).then("strong").otherwise(0.0),
        weak=pl.when(pl.int_range(pl.len()) < 300).then(0.0).otherwise("weak"),
    )
    only = effects(PermutationImportanceEvaluator().evaluate(scored(predictor, swapped, weight), predictor))
    every = effects(PermutationImportanceEvaluator().evaluate(scored(predictor, swapped), predictor))
    heavy = effects(PermutationImportanceEvaluator().evaluate(scored(predictor, swapped, 1 - weight), predictor))
    assert only["strong"][0] > every["strong"][0]
    assert only["strong"][0] > heavy["strong"][0]
    assert only["weak"][0] < heavy["weak"][0]


def test_a_classifier_without_probabilities_is_judged_by_its_errors() -> None:
    predictor = Known(BINARY, shares=False)
    report = PermutationImportanceEvaluator().evaluate(scored(predictor, rows()), predictor)
    assert report.tables[0].columns[1] == "increase of error rate"
    assert 0.3 < effects(report)["strong"][0] < 0.6


def test_the_same_seed_gives_the_same_report_and_another_another() -> None:
    predictor = Known(NUMBER)
    given = scored(predictor, rows())
    first, second = (PermutationImportanceEvaluator(max_rows=100).evaluate(given, predictor) for _ in range(2))
    assert first == second
    assert PermutationImportanceEvaluator(max_rows=100, seed=1).evaluate(given, predictor) != first


def test_it_explains_single_rows() -> None:
    assert isinstance(PermutationImportanceEvaluator(), Explains)
    predictor = Known(NUMBER)
    usual = rows(50, seed=1)
    asked = pl.DataFrame({"strong": [3.0, 0.0], "weak": [0.0, 4.0], "noise": [9.0, 9.0]})
    found = PermutationImportanceEvaluator(n_draws=50).explain(predictor, asked, usual)
    # Of a linear model, a part is its coefficient times how far the value is from the background's mean.
    mean = usual.select(pl.all().mean()).row(0)
    golden = [[2 * (3 - mean[0]), 0.5 * (0 - mean[1]), 0], [2 * (0 - mean[0]), 0.5 * (4 - mean[1]), 0]]
    np.testing.assert_allclose(found.values, golden, atol=1e-12)
    np.testing.assert_allclose(found.base, np.full(2, 2 * mean[0] + 0.5 * mean[1]))
    assert found.unit == "y"
    assert "Robnik-Sikonja and Kononenko 2008" in found.method


def test_an_explanation_is_of_the_answered_class() -> None:
    predictor = Known(BINARY)
    asked = pl.DataFrame({"strong": [2.0, -2.0], "weak": [0.0, 0.0], "noise": [0.0, 0.0]})
    found = PermutationImportanceEvaluator(n_draws=50).explain(predictor, asked, rows(50, seed=1))
    assert predictor.predict(asked).values.tolist() == ["yes", "no"]
    assert (found.values[:, 0] > 0.3).all()
    np.testing.assert_allclose(found.values[:, 2], 0, atol=1e-12)
    assert found.base.sum() == pytest.approx(1.0)
    assert found.unit == "probability"


def test_without_probabilities_a_part_is_how_often_the_label_would_be_another() -> None:
    predictor = Known(BINARY, shares=False)
    asked = pl.DataFrame({"strong": [1.0], "weak": [0.0], "noise": [0.0]})
    usual = rows(40, seed=1)
    found = PermutationImportanceEvaluator(n_draws=40).explain(predictor, asked, usual)
    assert found.values[0, 0] == pytest.approx((usual["strong"] <= 0).mean())


def test_no_rows_are_explained_by_nothing_and_no_background_is_an_error() -> None:
    predictor = Known(NUMBER)
    found = PermutationImportanceEvaluator().explain(predictor, rows(0), rows(5))
    assert found.values.shape == (0, 3)
    with pytest.raises(DataError, match="no background rows"):
        PermutationImportanceEvaluator().explain(predictor, rows(2), rows(0))


def test_rows_without_truth_are_refused() -> None:
    predictor = Known(NUMBER)
    frame = rows(10)
    given = Scored.of(Dataset(frame.lazy()), predictor.predict(frame), NUMBER)
    with pytest.raises(DataError, match="nothing is known of what was true"):
        PermutationImportanceEvaluator().evaluate(given, predictor)
