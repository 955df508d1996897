"""Definitions: the columns that each adds, what it refuses, and that a row alone gets what it gets among others."""

from __future__ import annotations

import json
from datetime import date, datetime
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import hookline as hl
from hookline import Dataset, Roles, Transform
from hookline.errors import ConfigError, DataError, PlanError
from hookline.kinds.plain import from_json, to_json
from hookline.registry.registry import Registry
from hookline.registry.values import validate
from hookline_polars import (
    BinsTransform,
    CrossTransform,
    CyclesTransform,
    ExpressionsTransform,
    HolidaysTransform,
    RatioTransform,
    TextCountsTransform,
    TfidfTransform,
)

ROWS = pl.DataFrame(
    {
        "spend": [10.0, 3.0, None, 8.0],
        "visits": [2, 0, 4, None],
        "plan": ["pro", None, "basic", "pro"],
        "land": ["de", "fr", "de", ""],
        "note": ["good Good service", "bad service, 3 times", None, "good"],
        "at": [datetime(2026, 1, 1, 23), datetime(2026, 12, 25, 0), None, datetime(2026, 6, 3, 12)],
    }
)


def made(transform: Transform, rows: pl.DataFrame = ROWS, train: pl.DataFrame | None = None) -> pl.DataFrame:
    """Fit, carry what was learned through JSON, and apply."""
    fitted = transform.fit(Dataset((rows if train is None else train).lazy()))
    carried = from_json(type(fitted), json.loads(json.dumps(to_json(fitted))))
    return carried.transform(rows.lazy()).collect().drop(rows.columns)


def expressions(**columns: str) -> ExpressionsTransform:
    return validate(ExpressionsTransform, {"columns": columns}, "transform.expressions", "bad config")


def test_a_ratio_is_missing_where_it_is_none_or_what_is_asked_for() -> None:
    assert made(RatioTransform(columns={"r": ("spend", "visits")}))["r"].to_list() == [5.0, None, None, None]
    assert made(RatioTransform(columns={"r": ("spend", "visits")}, otherwise=0.0))["r"].to_list() == [5, 0, None, None]


def test_a_cross_is_missing_where_one_of_its_texts_is() -> None:
    assert made(CrossTransform(columns={"c": ("plan", "land")}))["c"].to_list() == [
        "pro x de",
        None,
        "basic x de",
        None,
    ]


def test_bins_hold_their_lower_edge_and_are_told_by_text_or_position() -> None:
    bins = {"b": {"of": "spend", "edges": [3, 10]}}
    text = validate(BinsTransform, {"columns": bins}, "transform.bins", "bad config")
    assert made(text)["b"].to_list() == ["10 or more", "3 to 10", None, "3 to 10"]
    place = validate(BinsTransform, {"columns": bins, "to": "position"}, "transform.bins", "bad config")
    assert made(place)["b"].to_list() == [2, 1, None, 1]


def test_bins_between_edges_that_are_close_have_names_of_their_own() -> None:
    bins = {"b": {"of": "spend", "edges": [1000000.1, 1000000.2]}}
    transform = validate(BinsTransform, {"columns": bins}, "transform.bins", "bad config")
    rows = ROWS.with_columns(spend=pl.Series([1e6, 1000000.15, 2e6, None]))
    assert made(transform, rows)["b"].to_list() == [
        "below 1000000.1",
        "1000000.1 to 1000000.2",
        "1000000.2 or more",
        None,
    ]


def test_bins_of_equal_size_have_the_edges_of_the_training_rows() -> None:
    train = pl.DataFrame({"spend": [float(i) for i in range(100)]})
    equal = validate(
        BinsTransform, {"columns": {"b": {"of": "spend", "equal": 4}}, "to": "position"}, "transform.bins", "bad config"
    )
    counts = made(equal, train)["b"].value_counts(sort=True)["count"].to_list()
    assert sorted(counts) == [25, 25, 25, 25]
    assert made(equal, pl.DataFrame({"spend": [1e9, -1e9]}), train)["b"].to_list() == [3, 0]


def test_the_last_hour_of_a_day_is_next_to_the_first() -> None:
    clock = pl.DataFrame({"at": [datetime(2026, 1, 1, hour) for hour in (23, 0, 12)]})
    points = made(CyclesTransform(columns=("at",), cycles=("hour",)), clock).to_numpy()
    assert np.allclose((points**2).sum(axis=1), 1)
    near, far = (float(np.linalg.norm(points[1] - points[i])) for i in (0, 2))
    assert near == pytest.approx(2 * np.sin(np.pi / 24))
    assert far == pytest.approx(2)


def test_holidays_are_those_of_the_country_and_its_part() -> None:
    pytest.importorskip("holidays")
    days = pl.DataFrame({"at": [date(2026, 12, 25), date(2026, 12, 23), date(2026, 1, 6), date(1800, 1, 1)]})
    bavaria = made(HolidaysTransform(columns=("at",), country="DE", subdivision="BY"), days, days[:3])
    assert bavaria["at.is_holiday"].to_list() == [1, 0, 1, None]
    assert bavaria["at.days_to_holiday"].to_list() == [0, 2, 0, None]
    assert made(HolidaysTransform(columns=("at",), country="DE"), days, days[:3])["at.is_holiday"].to_list()[2] == 0
    with pytest.raises(ConfigError, match="did you mean 'DE'"):
        HolidaysTransform(columns=("at",), country="De").fit(Dataset(days.lazy()))


def test_texts_are_counted() -> None:
    counted = made(TextCountsTransform(columns=("note",), counts=("characters", "words", "digits", "capitals")))
    assert counted.rows() == [(17, 3, 0, 1), (20, 4, 1, 0), (None, None, None, None), (4, 1, 0, 0)]


def test_tfidf_is_that_of_scikit_learn() -> None:
    from sklearn.feature_extraction.text import TfidfVectorizer

    texts = ["the red fox", "the red, RED dog", "a fox and a dog", "", "über den Fluß", "nothing else"] * 3
    ours = made(TfidfTransform(column="t", words=5000), pl.DataFrame({"t": texts}))
    theirs = TfidfVectorizer(min_df=2).fit(texts)
    assert [name.partition("~")[2] for name in ours.columns] == sorted(theirs.get_feature_names_out())
    order = np.argsort(theirs.get_feature_names_out())
    assert np.allclose(ours.to_numpy(), theirs.transform(texts).toarray()[:, order])


def test_a_later_expression_may_use_an_earlier_one() -> None:
    found = made(expressions(a="spend * 2", b="CASE WHEN a > 10 THEN 'much' ELSE 'little' END"))
    assert found["b"].to_list() == ["much", "little", "little", "much"]


@pytest.mark.parametrize(
    "text",
    [
        "AVG(spend)",
        "spend - MAX(spend)",
        "SUM(spend) OVER (PARTITION BY plan)",
        "LAG(spend) OVER (ORDER BY at)",
        "COUNT(*)",
    ],
)
def test_an_expression_that_looks_at_other_rows_is_refused(text: str) -> None:
    with pytest.raises(ConfigError, match=r"transform.expressions.columns.a: .*looks at other rows than its own"):
        expressions(a=text)


@pytest.mark.parametrize("text", ["spend +", "1 + 1", "DROP TABLE x"])
def test_what_is_no_expression_is_a_problem_of_its_field(text: str) -> None:
    with pytest.raises(ConfigError, match=r"transform.expressions.columns"):
        expressions(a=text)


def test_an_unknown_column_is_told_with_the_one_that_was_meant() -> None:
    with pytest.raises(ConfigError, match="did you mean 'spend'"):
        expressions(a="spent * 2").fit(Dataset(ROWS.lazy()))


def test_nothing_is_computed_from_what_is_to_be_predicted() -> None:
    with pytest.raises(DataError, match="is what is to be predicted"):
        RatioTransform(columns={"r": ("spend", "visits")}).fit(Dataset(ROWS.lazy(), Roles(target="spend")))


def test_no_column_takes_the_place_of_another() -> None:
    with pytest.raises(ConfigError, match=r"transform\.ratio\.columns: the rows have a column 'plan' already"):
        RatioTransform(columns={"plan": ("spend", "visits")}).fit(Dataset(ROWS.lazy()))


def test_expressions_compute_in_floats_whatever_their_columns_hold() -> None:
    rows = pl.DataFrame({"n": [2**40, None]}, schema={"n": pl.Int64})
    texts = {"a": "n * n", "b": "n * 0.1", "c": "n / 3.5", "d": "n * (1.0 / 3.0)", "e": "n" + " + n" * 120}
    found = made(expressions(**texts), rows)
    assert found.row(0) == pytest.approx((2.0**80, 2**40 * 0.1, 2**40 / 3.5, 2**40 / 3, 121.0 * 2**40), rel=1e-15)
    assert found.row(1) == (None, None, None, None, None)


NUMBERS = st.none() | st.floats(allow_nan=False, allow_infinity=False, width=32) | st.sampled_from([0.0, -1.0, 1.0])
PLANS = st.none() | st.sampled_from(["pro", "basic", ""])


@settings(deadline=None, max_examples=25)
@given(st.lists(st.tuples(NUMBERS, NUMBERS, PLANS), min_size=1, max_size=8))
def test_a_row_alone_gets_what_it_gets_among_others(rows: list[tuple[Any, ...]]) -> None:
    schema = {"a": pl.Float64, "b": pl.Float64, "p": pl.String}
    frame = pl.DataFrame(rows, schema=schema, orient="row")
    train = pl.DataFrame({"a": [1.0, 2.0, 3.0], "b": [0.0, 1.0, 2.0], "p": ["pro", "basic", "pro"]})
    for definition in (
        RatioTransform(columns={"r": ("a", "b")}),
        expressions(e="CASE WHEN a > b THEN a / b ELSE LN(ABS(a) + 1) END", f="NOT (a > 1) OR p = 'pro'"),
        CrossTransform(columns={"c": ("p", "p")}),
        validate(BinsTransform, {"columns": {"g": {"of": "a", "equal": 2}}}, "transform.bins", "bad config"),
        TfidfTransform(column="p", min_rows=1),
    ):
        fitted = definition.fit(Dataset(train.lazy()))
        whole = fitted.transform(frame.lazy()).collect()
        alone = pl.concat([fitted.transform(row.lazy()).collect() for row in frame.iter_slices(1)])
        assert alone.equals(whole)


def test_what_onnx_has_no_words_for_is_refused_before_anything_runs(registry: Registry) -> None:
    rows = ROWS.with_columns(y=pl.Series(["a", "b", "a", "b"]))
    with pytest.raises(PlanError, match=r"packager 'onnx' cannot say this pipeline: expressions needs Lowercase"):
        hl.plan(
            source=rows, target="y", trainer="decision_tree", packager=["onnx"],
            transform=[{"component": "expressions", "columns": {"low": "LOWER(plan)"}}],
        )  # fmt: skip
