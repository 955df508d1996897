"""The `lime` evaluator: a seeded linear model near each row, of texts and gaps as they are, within a budget."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import polars as pl
import pytest

from hookline import Explains, Prediction, Report, Roles, Schema, Scored, Target
from hookline.errors import DataError
from hookline.kinds.artifacts import Column, Dataset
from hookline.kinds.plain import to_json
from hookline_explain import LimeEvaluator

pytest.importorskip("lime")

SURVIVED = Target("survived", "binary", ("no", "yes"))
PASSENGERS = Schema(
    (
        Column("sex", "String", "string"),
        Column("age", "Float64", "number"),
        Column("cabin", "String", "string"),
        Column("port", "String", "string"),
    )
)


@dataclass(frozen=True)
class Lifeboats:
    """Answers by sex, and by whether an age is known; cabin and port do nothing."""

    schema: Schema = PASSENGERS
    target: Target = SURVIVED
    roles: Roles = field(default_factory=Roles)

    def predict(self, frame: pl.DataFrame | pl.LazyFrame) -> Prediction:
        rows = frame.lazy().collect()
        sure = 0.2 + 0.5 * (rows["sex"] == "female").fill_null(value=False).to_numpy() + 0.2 * rows["age"].is_not_null()
        yes = np.asarray(sure, dtype=np.float64)
        labels = np.where(yes > 0.5, "yes", "no").astype(object)
        return Prediction(labels, np.column_stack([1 - yes, yes]))


def passengers(n: int, seed: int) -> pl.DataFrame:
    rng = np.random.default_rng(seed)

    def some(values: list[str | None]) -> list[str | None]:
        return [values[place] for place in rng.integers(0, len(values), n)]

    age = [None if rng.random() < 0.3 else float(rng.integers(1, 80)) for _ in range(n)]
    return pl.DataFrame(
        {"sex": some(["male", "female"]), "age": age, "cabin": some(["A", "B", None]), "port": some(["S", "C", None])},
        schema_overrides={"age": pl.Float64},
    )


ROWS, USUAL = passengers(30, 1), passengers(60, 2)


def judged(**fields: Any) -> Report:
    model = Lifeboats()
    answered = model.predict(ROWS)
    scored = Scored.of(Dataset(ROWS.lazy()), answered, SURVIVED, answered.values)
    return LimeEvaluator(**fields).evaluate(scored, model)  # type: ignore[arg-type]


def test_texts_and_gaps_get_the_weights_that_the_model_gives_them() -> None:
    row = pl.DataFrame({"sex": ["female"], "age": [None], "cabin": [None], "port": ["S"]}, schema=ROWS.schema)
    found = LimeEvaluator(n_samples=2_000).explain(Lifeboats(), row, USUAL)
    told = dict(zip(found.columns, found.values[0].tolist(), strict=True))
    # Of an answer that is a sum, the linear model is exact: keeping `female` is worth all of it against others, and keeping
    # the gap as much as the share of known ages among the others takes away (all but ridge shrinking, which is 1 of 2,000).
    assert told["sex"] == pytest.approx(0.5, abs=0.01)
    assert told["age"] == pytest.approx(-0.2, abs=0.01)
    assert max(abs(told["cabin"]), abs(told["port"])) < 0.01
    assert found.unit == "probability"


def test_it_is_the_library_on_the_same_codes() -> None:
    from lime.lime_tabular import LimeTabularExplainer

    from hookline_explain.asked import Mixed

    mixed = Mixed(Lifeboats(), USUAL, ROWS[:1])
    training = np.concatenate([mixed.usual, np.tile(mixed.codes[0], (USUAL.height, 1))])
    library = LimeTabularExplainer(
        training,
        categorical_features=[0, 1, 2, 3],
        discretize_continuous=False,
        feature_selection="none",
        random_state=np.random.RandomState(0),
    )
    code = int(Lifeboats().predict(ROWS[:1]).values[0] == "yes")
    told = library.explain_instance(mixed.codes[0], mixed.answers, labels=(code,), num_samples=1_000)
    found = LimeEvaluator().explain(Lifeboats(), ROWS[:1], USUAL)
    np.testing.assert_allclose(found.values[0], [weight for _, weight in sorted(told.local_exp[code])], atol=1e-12)
    assert found.base[0] == pytest.approx(told.intercept[code], abs=1e-12)


def test_a_row_is_told_the_same_whichever_others_it_is_asked_with() -> None:
    together = LimeEvaluator().explain(Lifeboats(), ROWS[:3], USUAL)
    alone = LimeEvaluator().explain(Lifeboats(), ROWS[2:3], USUAL)
    np.testing.assert_array_equal(together.values[2], alone.values[0])


def test_a_report_names_the_columns_that_matter_and_tells_how_well_the_model_fits() -> None:
    report = judged(max_rows=10, keep_rows=4)
    table, sums = report.tables
    assert (table.name, [row[0] for row in table.rows[:2]]) == ("lime", ["sex", "age"])
    assert sums.columns[-2:] == ("mean fit (R2)", "worst fit (R2)")
    assert next(iter(report.importances)) == "sex"
    assert len(json.loads(report.files["background.json"])) == 4
    assert [chart.name for chart in report.charts[:2]] == ["lime", "lime_beeswarm"]
    json.dumps(to_json(report))


def test_without_time_one_column_at_a_time_is_asked_and_that_is_told() -> None:
    report = judged(seconds=1e-3)
    assert report.title.endswith("by one_by_one")
    assert {finding.statistic for finding in report.findings} == {"explained_otherwise", "rows_explained"}


def test_no_background_is_refused() -> None:
    with pytest.raises(DataError, match="no background rows"):
        LimeEvaluator().explain(Lifeboats(), ROWS, USUAL.clear())


def test_it_explains() -> None:
    assert isinstance(LimeEvaluator(), Explains)
