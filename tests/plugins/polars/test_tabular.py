"""The tabular featurizer, against scikit-learn's own scalers and encoders."""

from __future__ import annotations

import calendar
import json
from datetime import date, datetime
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.preprocessing import (
    MinMaxScaler,
    OneHotEncoder,
    OrdinalEncoder,
    RobustScaler,
    StandardScaler,
    TargetEncoder,
)

import hookline as hl
from hookline import Dataset, Finding, Roles, Target
from hookline.errors import ConfigError, DataError
from hookline.kinds.fitting import findings_in
from hookline.kinds.plain import from_json, to_json
from hookline_polars import TabularFeaturizer
from hookline_polars.featurizers.crossfit import target_columns
from hookline_polars.featurizers.fitted import FittedTabular

RNG = np.random.default_rng(0)
ROWS = 400
TEXTS = RNG.choice(["a", "b", "c d", "é", "f"], ROWS, p=[0.4, 0.3, 0.15, 0.1, 0.05])
NUMBERS = RNG.normal(50, 9, ROWS)


def dataset(target: Target | None = None, roles: Roles | None = None, **columns: Any) -> Dataset:
    return Dataset(pl.LazyFrame(columns), roles or Roles(), target=target)


def matrix(featurizer: TabularFeaturizer, train: Dataset, rows: pl.LazyFrame | None = None) -> np.ndarray:
    """Fit, carry the fitted state through JSON, and return the matrix of `rows` (default: the training rows)."""
    state = json.loads(json.dumps(to_json(featurizer.fit(train))))
    X = from_json(FittedTabular, state).transform(train.frame if rows is None else rows).X
    return X if isinstance(X, np.ndarray) else X.toarray()


# numbers


@pytest.mark.parametrize(
    ("how", "golden"), [("standard", StandardScaler()), ("robust", RobustScaler()), ("min_max", MinMaxScaler())]
)
def test_numbers_are_scaled_as_scikit_learn_scales_them(how: Any, golden: Any) -> None:
    expected = golden.fit(NUMBERS[:, None]).transform(NUMBERS[:, None] + 5)
    X = matrix(TabularFeaturizer(numeric=how), dataset(x=NUMBERS), pl.LazyFrame({"x": NUMBERS + 5}))
    np.testing.assert_allclose(X, expected, rtol=1e-6, atol=1e-6)


def test_numbers_may_stay_as_they_are() -> None:
    X = matrix(TabularFeaturizer(numeric="none"), dataset(x=[1, 2, None], f=[True, None, False]))
    np.testing.assert_array_equal(X, [[1, 1], [2, np.nan], [np.nan, 0]])


def test_statistics_pass_over_missing_numbers_as_scikit_learns_do() -> None:
    values = np.where(RNG.random(ROWS) < 0.3, np.nan, NUMBERS)
    expected = StandardScaler().fit_transform(values[:, None])
    X = matrix(TabularFeaturizer(), dataset(x=pl.Series(values).fill_nan(None)))
    np.testing.assert_allclose(X, expected, rtol=1e-6, atol=1e-6)


def test_a_missing_number_becomes_the_center_if_asked() -> None:
    X = matrix(TabularFeaturizer(missing="zero"), dataset(x=[1.0, 3.0, None]))
    np.testing.assert_array_equal(X, [[-1], [1], [0]])


@pytest.mark.parametrize("how", ["standard", "robust", "min_max"])
@settings(max_examples=30, deadline=None)
@given(value=st.floats(-1e9, 1e9), rows=st.integers(2, 200))
def test_a_constant_column_becomes_zero_and_is_divided_by_nothing(how: Any, value: float, rows: int) -> None:
    train = dataset(x=[value] * rows)
    (encoding,) = TabularFeaturizer(numeric=how).fit(train).encodings
    assert (encoding.center, encoding.scale) == (value, 1.0)


def test_a_number_beyond_float32_stays_finite() -> None:
    X = matrix(
        TabularFeaturizer(numeric="none"), dataset(x=[1.0, 2.0]), pl.LazyFrame({"x": [1e300, -1e300, float("inf")]})
    )
    np.testing.assert_array_equal(X[:, 0], np.float32([1e30, -1e30, 1e30]))


def test_infinite_training_values_are_refused_by_column() -> None:
    with pytest.raises(DataError, match="column .fare. holds infinite values"):
        TabularFeaturizer().fit(dataset(fare=[1.0, float("inf")], age=[1.0, 2.0]))


# texts


def test_texts_are_one_hot_encoded_as_scikit_learn_does() -> None:
    rows = np.append(TEXTS[:20], ["unseen"])
    golden = OneHotEncoder(handle_unknown="ignore", sparse_output=False).fit(TEXTS[:, None])
    fitted = TabularFeaturizer().fit(dataset(s=TEXTS))
    assert [f.name for f in fitted.features] == [f"s={text}" for text in golden.categories_[0]]
    X = matrix(TabularFeaturizer(), dataset(s=TEXTS), pl.LazyFrame({"s": rows}))
    np.testing.assert_array_equal(X, golden.transform(rows[:, None]))


def test_infrequent_texts_share_a_column_as_scikit_learns_do() -> None:
    golden = OneHotEncoder(max_categories=4, handle_unknown="infrequent_if_exist", sparse_output=False)
    rows = np.append(TEXTS[:20], ["unseen"])
    expected = golden.fit(TEXTS[:, None]).transform(rows[:, None])
    train = dataset(s=TEXTS)
    X = matrix(TabularFeaturizer(max_categories=3), train, pl.LazyFrame({"s": rows}))
    np.testing.assert_array_equal(X, expected)
    assert [f.name for f in TabularFeaturizer(max_categories=3).fit(train).features][-1] == "s?other"


def test_a_missing_text_is_no_category_and_not_one_of_the_others() -> None:
    X = matrix(TabularFeaturizer(max_categories=1), dataset(s=["a", "a", "b"]), pl.LazyFrame({"s": ["a", None, "z"]}))
    np.testing.assert_array_equal(X, [[1, 0], [0, 0], [0, 1]])


def test_texts_become_positions_as_scikit_learns_do() -> None:
    golden = OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1).fit(TEXTS[:, None])
    rows = np.append(TEXTS[:20], ["unseen"])
    X = matrix(TabularFeaturizer(categorical="ordinal", numeric="none"), dataset(s=TEXTS), pl.LazyFrame({"s": rows}))
    np.testing.assert_array_equal(X, golden.transform(rows[:, None]))


def test_hashed_texts_fall_into_the_column_of_their_crc32() -> None:
    # zlib's documented check value: crc32("123456789") is 0xCBF43926.
    train = dataset(s=["123456789", "x", None])
    X = matrix(TabularFeaturizer(categorical="hashing", n_hashes=16), train)
    assert X.shape == (3, 16)
    assert X[0].argmax() == 0xCBF43926 % 16
    np.testing.assert_array_equal(X.sum(axis=1), [1, 1, 0])


def test_a_column_that_is_missing_everywhere_makes_no_feature() -> None:
    train = dataset(
        x=[1.0, 2.0], empty=pl.Series([None, None], dtype=pl.Float64), blank=pl.Series([None, None], dtype=pl.String)
    )
    assert [f.name for f in TabularFeaturizer().fit(train).features] == ["x"]
    with pytest.raises(DataError, match="no feature column holds anything"):
        TabularFeaturizer().fit(dataset(x=pl.Series([None, None], dtype=pl.Float64)))


# target encoding

TARGETS = {
    "binary": (Target("y", "binary", ("no", "yes")), np.where(RNG.random(ROWS) < 0.3, "yes", "no")),
    "multiclass": (Target("y", "multiclass", ("p", "q", "r")), RNG.choice(["p", "q", "r"], ROWS)),
    "regression": (Target("y", "regression"), RNG.normal(10, 3, ROWS)),
}
KINDS = {"binary": "binary", "multiclass": "multiclass", "regression": "continuous"}


def target_dataset(task: str) -> Dataset:
    target, y = TARGETS[task]
    return dataset(target, Roles(target="y"), s=TEXTS, y=y)


def golden_encoder(task: str) -> Any:
    return TargetEncoder(smooth=10.0, target_type=KINDS[task], random_state=0)


@pytest.mark.parametrize("task", TARGETS)
def test_mean_targets_equal_scikit_learns(task: str) -> None:
    _, y = TARGETS[task]
    rows = np.append(TEXTS[:20], ["unseen"])
    expected = golden_encoder(task).fit(TEXTS[:, None], y).transform(rows[:, None])
    featurizer = TabularFeaturizer(categorical="target", numeric="none")
    X = matrix(featurizer, target_dataset(task), pl.LazyFrame({"s": rows}))
    np.testing.assert_allclose(X, expected, rtol=1e-6)


@pytest.mark.parametrize("task", TARGETS)
def test_training_rows_are_encoded_by_the_other_folds_as_scikit_learn_would(task: str) -> None:
    train, (_, y) = target_dataset(task), TARGETS[task]
    featurizer = TabularFeaturizer(categorical="target", folds=4, seed=3, numeric="none")
    X = featurizer.transform_train(featurizer.fit(train), train).X
    fold = np.random.default_rng(3).permutation(ROWS) % 4
    for held in range(4):
        encoder = golden_encoder(task).fit(TEXTS[fold != held, None], y[fold != held])
        np.testing.assert_allclose(X[fold == held], encoder.transform(TEXTS[fold == held, None]), rtol=1e-6)


def test_cross_fitting_hides_a_row_from_its_own_encoding() -> None:
    # Each category occurs once, so that a plain encoding would give the target away.
    names, y = [f"c{i}" for i in range(100)], np.arange(100.0)
    train = dataset(Target("y", "regression"), Roles(target="y"), s=names, y=y)
    featurizer = TabularFeaturizer(categorical="target", smooth=0.0, numeric="none")
    fitted = featurizer.fit(train)
    plain, crossed = fitted.transform(train.frame).X[:, 0], featurizer.transform_train(fitted, train).X[:, 0]
    np.testing.assert_allclose(plain, y)
    assert len(np.unique(crossed)) == featurizer.folds
    assert np.corrcoef(crossed, y)[0, 1] < 0.2


def test_a_missing_text_gets_the_overall_mean_in_training_and_later() -> None:
    train = dataset(Target("y", "regression"), Roles(target="y"), s=[None, "a"] * 20, y=[100.0, 0.0] * 20)
    featurizer = TabularFeaturizer(categorical="target", smooth=0.0, numeric="none")
    fitted = featurizer.fit(train)
    assert fitted.transform(pl.LazyFrame({"s": [None]})).X[0, 0] == 50
    crossed = featurizer.transform_train(fitted, train).X[::2, 0]
    assert np.all((crossed > 30) & (crossed < 70))


def test_cross_fitting_leaves_the_other_columns_as_they_are() -> None:
    target, y = TARGETS["multiclass"]
    columns = {"x": NUMBERS, "s": TEXTS, "t": [datetime(2026, 1, 1)] * ROWS, "y": y}
    train = dataset(target, Roles(target="y"), **columns)
    featurizer = TabularFeaturizer(categorical="target", missing_indicators=True)
    fitted = featurizer.fit(train)
    plain, crossed = fitted.transform(train.frame).X, featurizer.transform_train(fitted, train).X
    differs = [
        name for i, name in enumerate(f.name for f in fitted.features) if not np.array_equal(plain[:, i], crossed[:, i])
    ]
    assert differs == ["s:mean_0", "s:mean_1", "s:mean_2"]
    assert crossed.dtype == np.float32


SCALERS = {"standard": StandardScaler(), "robust": RobustScaler(), "min_max": MinMaxScaler()}


@pytest.mark.parametrize("scaling", SCALERS)
@pytest.mark.parametrize("categorical", ["ordinal", "target", "weight_of_evidence", "count"])
def test_what_texts_become_is_scaled_as_columns_of_numbers_are(categorical: Any, scaling: Any) -> None:
    train, rows = target_dataset("multiclass"), pl.LazyFrame({"s": [*TEXTS[:20], "unseen", None]})
    plain = TabularFeaturizer(categorical=categorical, numeric="none", folds=4)
    scaled = TabularFeaturizer(categorical=categorical, numeric=scaling, folds=4)
    golden = SCALERS[scaling].fit(matrix(plain, train).astype(np.float64))
    np.testing.assert_allclose(
        matrix(scaled, train, rows), golden.transform(matrix(plain, train, rows)), rtol=1e-4, atol=1e-5
    )
    crossed = [one.transform_train(one.fit(train), train).X for one in (plain, scaled)]
    np.testing.assert_allclose(crossed[1], golden.transform(crossed[0]), rtol=1e-4, atol=1e-5)
    assert all(feature.definition.startswith("(") for feature in scaled.fit(train).features)


def test_the_later_of_two_classes_is_averaged() -> None:
    np.testing.assert_array_equal(target_columns(target_dataset("binary"))[:, 0], TARGETS["binary"][1] == "yes")


# datetimes, indicators, shape

MOMENTS = [
    datetime(2024, 2, 29, 23, 59, 59),
    datetime(1969, 12, 31, 7, 5),
    datetime(2026, 11, 24),
    datetime(1600, 3, 1, 12),
]


def test_datetimes_are_taken_apart_as_python_does() -> None:
    parts: Any = ("year", "month", "day", "weekday", "hour", "minute", "ordinal_day")
    X = matrix(TabularFeaturizer(datetime=parts, numeric="none"), dataset(t=MOMENTS))
    expected = [
        [m.year - 2000, m.month, m.day, m.isoweekday(), m.hour, m.minute, (m.date() - date(m.year, 1, 1)).days + 1]
        for m in MOMENTS
    ]
    np.testing.assert_array_equal(X, expected)
    assert calendar.isleap(2024)
    assert X[0, 6] == 60


def test_a_date_has_the_hour_zero() -> None:
    X = matrix(TabularFeaturizer(datetime=("day", "hour"), numeric="none"), dataset(t=[date(2026, 1, 2)]))
    np.testing.assert_array_equal(X, [[2, 0]])


def test_a_missing_datetime_is_nan_or_the_mean_of_each_part() -> None:
    train = dataset(t=[datetime(2020, 1, 1), datetime(2024, 3, 1), None])
    parts: Any = ("year", "month")
    assert np.isnan(matrix(TabularFeaturizer(datetime=parts), train)[2]).all()
    plain = TabularFeaturizer(datetime=parts, missing="zero", numeric="none")
    np.testing.assert_array_equal(matrix(plain, train)[2], [22, 2])
    np.testing.assert_array_equal(matrix(TabularFeaturizer(datetime=parts, missing="zero"), train)[2], [0, 0])


@pytest.mark.parametrize("scaling", ["standard", "robust", "min_max"])
def test_parts_of_a_datetime_are_scaled_as_columns_of_numbers_are(scaling: Any) -> None:
    moments = [*MOMENTS, datetime(2025, 6, 7, 8), datetime(2024, 9, 9, 9, 30), None]
    parts: Any = ("year", "month", "day", "hour", "minute")
    numbers = {part: [getattr(m, part) if m else None for m in moments] for part in parts}
    X = matrix(TabularFeaturizer(datetime=parts, numeric=scaling), dataset(t=moments))
    np.testing.assert_allclose(X, matrix(TabularFeaturizer(numeric=scaling), dataset(**numbers)), rtol=1e-6)
    fitted = TabularFeaturizer(datetime=("hour",), numeric=scaling).fit(dataset(t=moments))
    assert "(t.hour - " in fitted.features[0].definition


FAR = {
    "ids": pl.Series([10**20 + 7 * i for i in range(300)], dtype=pl.Int128),
    "moments": [1_700_000_000 + i for i in range(300)],
    "small": [2**24 - i for i in range(300)],
    "money": [123_456_789.01 + 1_000_003 * i for i in range(300)],
}


@pytest.mark.parametrize(("numeric", "told"), [("standard", ["ids"]), ("none", ["ids", "moments"])])
def test_numbers_that_become_one_in_float32_are_told(numeric: Any, told: list[str]) -> None:
    found: list[Finding] = []
    with findings_in(found):
        X = matrix(TabularFeaturizer(numeric=numeric), dataset(**FAR))
    assert [finding.subject for finding in found] == told
    apart = [len(np.unique(X[:, list(FAR).index(name)])) for name in told]
    assert [f"can tell {count:,} apart" in one.message for count, one in zip(apart, found, strict=True)] == [
        True
    ] * len(told)


def test_parts_of_a_zoned_datetime_are_local() -> None:
    moments = pl.Series([datetime(2026, 7, 1, 22)]).dt.replace_time_zone("UTC").dt.convert_time_zone("Europe/Zurich")
    X = matrix(TabularFeaturizer(datetime=("day", "hour"), numeric="none"), dataset(t=moments))
    np.testing.assert_array_equal(X, [[2, 0]])


@pytest.mark.parametrize("categorical", ["one_hot", "ordinal", "hashing"])
def test_indicators_mark_missing_values_of_columns_that_missed_some_in_training(categorical: Any) -> None:
    train = dataset(x=[1.0, None], s=["a", None], f=[None, True], t=[None, datetime(2026, 1, 1)], full=[1, 2])
    featurizer = TabularFeaturizer(categorical=categorical, missing_indicators=True)
    names = [f.name for f in featurizer.fit(train).features]
    marks = [i for i, name in enumerate(names) if name.endswith("?missing")]
    assert [names[i] for i in marks] == ["x?missing", "s?missing", "f?missing", "t?missing"]
    np.testing.assert_array_equal(matrix(featurizer, train)[:, marks], [[0, 0, 1, 1], [1, 1, 0, 0]])


@pytest.mark.parametrize(
    "categorical", ["one_hot", "codes", "ordinal", "target", "weight_of_evidence", "count", "hashing"]
)
def test_a_sparse_matrix_equals_the_dense_one(categorical: Any) -> None:
    target, y = TARGETS["multiclass"]
    texts = [None if i % 7 == 0 else text for i, text in enumerate(TEXTS)]
    columns = {"x": [None if i % 5 == 0 else x for i, x in enumerate(NUMBERS)], "s": texts, "t": MOMENTS * 100, "y": y}
    train = dataset(target, Roles(target="y"), **columns)
    found = []
    for sparse in (False, True):
        featurizer = TabularFeaturizer(
            categorical=categorical, sparse=sparse, missing_indicators=True, max_categories=3
        )
        fitted = featurizer.fit(train)
        features = (fitted.transform(train.frame), featurizer.transform_train(fitted, train))
        assert all(hasattr(f.X, "indptr") == sparse and f.X.dtype == np.float32 for f in features)
        found.append([f.X.toarray() if sparse else f.X for f in features])
    for dense, sparse in zip(*found, strict=True):
        np.testing.assert_array_equal(dense, sparse)


def test_a_matrix_of_mostly_zeros_is_made_sparse_by_itself() -> None:
    names = [f"c{i}" for i in range(600)] * 2
    assert TabularFeaturizer(max_categories=1_000).fit(dataset(s=names)).is_sparse
    assert not TabularFeaturizer(max_categories=1_000, sparse=False).fit(dataset(s=names)).is_sparse
    assert not TabularFeaturizer(max_categories=4).fit(dataset(s=names)).is_sparse


def test_blocks_of_rows_join_without_a_seam() -> None:
    rows = 70_000
    values = np.arange(rows, dtype=np.float64)
    X = matrix(TabularFeaturizer(numeric="none"), dataset(x=values, s=np.where(values % 3 == 0, "a", "b")))
    np.testing.assert_array_equal(X[:, 0], values)
    np.testing.assert_array_equal(X[:, 1], values % 3 == 0)


def test_features_say_what_they_are_made_of() -> None:
    fitted = TabularFeaturizer().fit(dataset(age=[20.0, 40.0], old=[False, True], sex=["f", "m"]))
    assert [(f.name, f.inputs, f.definition) for f in fitted.features] == [
        ("age", ("age",), "(age - 30) / 10"),
        ("old", ("old",), "old"),
        ("sex=f", ("sex",), "one_hot(sex, 'f')"),
        ("sex=m", ("sex",), "one_hot(sex, 'm')"),
    ]


def test_an_equals_sign_in_a_name_stays_out_of_the_category() -> None:
    (feature,) = TabularFeaturizer().fit(dataset(**{"a=b": ["x=y", None]})).features
    assert (feature.name, feature.definition) == ("a=b=x=y", "one_hot(a=b, 'x=y')")


def test_a_category_called_other_is_not_the_rest() -> None:
    fitted = TabularFeaturizer(max_categories=2).fit(dataset(city=["other", "other", "paris", "paris", "rome"]))
    assert [(f.name, f.definition) for f in fitted.features] == [
        ("city=other", "one_hot(city, 'other')"),
        ("city=paris", "one_hot(city, 'paris')"),
        ("city?other", "city is present, and none of its 2 categories"),
    ]


def test_two_columns_that_make_a_feature_of_one_name_are_refused() -> None:
    with pytest.raises(DataError, match="columns 'a' and 'a=b' both make a feature 'a=b=c'"):
        TabularFeaturizer().fit(dataset(**{"a": ["b=c", "d"], "a=b": ["c", "d"]}))


def test_statistics_of_many_columns_are_those_of_each() -> None:
    X = RNG.normal(3, 2, (50, 120))
    expected = StandardScaler().fit_transform(X)
    found = matrix(TabularFeaturizer(), dataset(**{f"x{i}": X[:, i] for i in range(120)}))
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-5)


def test_statistics_and_categories_come_from_the_training_rows_only() -> None:
    frame = pl.DataFrame(
        {"x": [*range(80), *[10_000] * 20], "s": ["a", "b"] * 40 + ["late"] * 20, "y": [float(i) for i in range(100)]}
    )
    frame = frame.with_columns(part=pl.Series(["train"] * 80 + ["test"] * 20))
    run = hl.run(
        source=frame,
        roles={"target": "y"},
        split={"method": "column", "column": "part"},
        featurizer={"component": "tabular", "categorical": "target"},
        trainer="hist_gradient_boosting",
    )
    pipeline = run.predictor
    found = {encoding.column: encoding for encoding in pipeline.featurizers[0].fitted.encodings}
    number, text = found["x"], found["s"]
    assert number.center == pytest.approx(39.5)
    assert text.categories == ("a", "b")
    assert text.default == (pytest.approx(39.5),)


def test_an_order_that_is_given_makes_a_number_of_texts_and_names_a_text_that_is_not_in_it() -> None:
    frame = pl.DataFrame({"size": ["S", "L", "M", None, "S"], "other": ["a", "b", "a", "b", "a"]})
    train = Dataset(frame.lazy())
    order = {"size": ("S", "M", "L", "XL")}
    fitted = TabularFeaturizer(order=order, numeric="none").fit(train)
    made = fitted.transform(pl.LazyFrame({"size": ["XL", "S", None, "?"], "other": ["a"] * 4}))
    assert made.dense()[:, 0].tolist() == [3.0, 0.0, -1.0, -1.0]
    assert made.names == ("size", "other=a", "other=b")
    assert fitted.features[0].categories is None
    scaled = TabularFeaturizer(order=order, numeric="min_max").fit(train).transform(train.frame).dense()[:, 0]
    assert scaled[[0, 1, 2, 4]].tolist() == [0.0, 1.0, 0.5, 0.0]
    with pytest.raises(DataError, match="'size' holds 'L' in 1 training rows, which is not in the order"):
        TabularFeaturizer(order={"size": ("S", "M")}).fit(train)
    with pytest.raises(ConfigError, match=r"featurizer\.tabular\.order\.sise: .*did you mean 'size'"):
        TabularFeaturizer(order={"sise": ("S", "M")}).fit(train)
