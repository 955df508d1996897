"""Transforms: what each does to rows and values, what it learns, and that the learned survives as JSON."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import hookline as hl
from hookline import Dataset, FittedTransform, Roles, Transform
from hookline.errors import ConfigError, DataError
from hookline.kinds.artifacts import ROW_ID
from hookline.kinds.plain import from_json, to_json
from hookline.registry.values import validate
from hookline_polars import (
    CastTransform,
    ClipTransform,
    Columns,
    DedupeTransform,
    DropMissingTargetTransform,
    DropOutliersTransform,
    FilterRowsTransform,
    ImputeTransform,
    MapValuesTransform,
    NormalizeTextTransform,
    NullValuesTransform,
    OutliersTransform,
    RareCategoriesTransform,
)
from kit.tables import with_row_ids


def dataset(roles: Roles | None = None, **columns: Any) -> Dataset:
    return Dataset(pl.LazyFrame(columns), roles or Roles())


def applied(transform: Transform, train: Dataset, rows: pl.LazyFrame | None = None) -> pl.DataFrame:
    """Fit on `train`, carry the fitted state through JSON, and transform `rows` (default: the training rows)."""
    fitted: FittedTransform = transform.fit(train)
    carried = from_json(type(fitted), json.loads(json.dumps(to_json(fitted))))
    assert carried == fitted
    return carried.transform(train.frame if rows is None else rows).collect()


MIXED = {
    "n": [3.0, None, 1.0, 100.0, 1.0],
    "k": [1, 2, 2, None, 5],
    "s": [" A ", None, "b.", "b.", "é"],
    "f": [True, None, False, True, True],
    "t": [datetime(2026, 1, day) for day in (1, 2, 3, 4, 5)],
}
ALWAYS: list[Transform] = [
    CastTransform(dtypes={"k": "number"}),
    ClipTransform(upper_quantile=0.8),
    ImputeTransform(),
    MapValuesTransform(column="s", old=("é",), new=("e",)),
    NormalizeTextTransform(),
    NullValuesTransform(values=(1, "é", True)),
    OutliersTransform(method="mad"),
    RareCategoriesTransform(min_count=2),
]


@pytest.mark.parametrize("transform", ALWAYS, ids=lambda transform: transform.name)
def test_a_transform_that_always_applies_keeps_every_row_in_order(transform: Transform) -> None:
    assert transform.applies == "always"
    train = dataset(**MIXED)
    rows = pl.LazyFrame(MIXED).with_row_index("place").select(pl.all().reverse())
    out = applied(transform, train, rows)
    assert out["place"].to_list() == [4, 3, 2, 1, 0]
    assert out.columns == ["place", *MIXED]


@pytest.mark.parametrize("transform", ALWAYS, ids=lambda transform: transform.name)
def test_a_column_that_is_absent_at_inference_is_passed_over(transform: Transform) -> None:
    out = applied(transform, dataset(**MIXED), pl.LazyFrame({"t": MIXED["t"]}))
    assert out.columns == ["t"]


@pytest.mark.parametrize("transform", ALWAYS, ids=lambda transform: transform.name)
def test_a_row_alone_becomes_what_it_becomes_among_others(transform: Transform) -> None:
    train = dataset(**MIXED)
    together = applied(transform, train)
    for place in range(together.height):
        alone = applied(transform, train, train.frame.slice(place, 1))
        assert alone.equals(together.slice(place, 1))


def test_an_unknown_column_suggests_the_closest() -> None:
    with pytest.raises(DataError, match=r"transform\.impute\.columns.*(\n.*)*amuont.*did you mean 'amount'"):
        ImputeTransform(columns=("amuont",)).fit(dataset(amount=[1]))


def test_columns_are_chosen_by_name_pattern_and_kind_in_the_order_of_the_data() -> None:
    train = dataset(a_1=[1.0, None], b=[None, 2.0], a_2=["x", None], c=[None, True])
    chosen = ImputeTransform(columns=Columns(names=("b",), pattern="a_.*")).fit(train)
    assert sorted([*chosen.numbers, *chosen.texts, *chosen.booleans]) == ["a_1", "a_2", "b"]
    assert list(ImputeTransform(columns=Columns(kind="boolean")).fit(train).booleans) == ["c"]


def test_a_pattern_that_is_no_regular_expression_is_refused_where_config_enters() -> None:
    with pytest.raises(
        ConfigError, match=r"transform\.impute\.columns\.pattern: must be a regular expression, got '\['"
    ):
        validate(ImputeTransform, {"columns": {"pattern": "["}}, "transform.impute", "bad config")
    assert validate(ImputeTransform, {"columns": {"pattern": "a.*"}}, "transform.impute", "bad config") == (
        ImputeTransform(columns=Columns(pattern="a.*"))
    )


@pytest.mark.parametrize(
    ("transform", "column", "message"),
    [
        (ImputeTransform(columns=("t",)), "t", "holds no number and no string and no boolean"),
        (ImputeTransform(columns=Columns(kind="datetime")), "t", "holds no number and no string and no boolean"),
        (ClipTransform(columns=("s",), lower=0), "s", "holds no number"),
        (ClipTransform(columns=Columns(pattern="s|n"), lower=0), "s", "holds no number"),
        (NormalizeTextTransform(columns=("n",)), "n", "holds no string"),
        (RareCategoriesTransform(columns=("k",)), "k", "holds no string"),
        (RareCategoriesTransform(columns=("f",)), "f", "holds no string"),
    ],
    ids=repr,
)
def test_a_chosen_column_of_a_type_that_is_not_treated_is_refused(
    transform: Transform, column: str, message: str
) -> None:
    with pytest.raises(ConfigError, match=rf"transform\.{transform.name}\.columns: '{column}': {message}"):
        transform.fit(dataset(**MIXED))


def test_columns_with_a_role_are_left_alone_unless_named() -> None:
    train = dataset(Roles(target="y", id="i"), i=[1, None], y=[None, 2.0], x=[None, 3.0])
    assert list(ImputeTransform().fit(train).numbers) == ["x"]
    assert list(ImputeTransform(columns=("y",)).fit(train).numbers) == ["y"]


# impute


@pytest.mark.parametrize(
    ("how", "filled"), [("mean", 26.25), ("median", 2.0), ("most_frequent", 1.0), ("constant", 7.0)]
)
def test_numbers_are_filled_with_the_statistic_of_the_training_rows(how: Any, filled: float) -> None:
    transform = ImputeTransform(number=how, number_value=7.0)
    out = applied(transform, dataset(**MIXED), pl.LazyFrame({"n": [None, 5.0, 1e9]}))
    assert out["n"].to_list() == [filled, 5.0, 1e9]


@pytest.mark.parametrize(("how", "filled"), [("most_frequent", "b."), ("constant", "none")])
def test_texts_are_filled(how: Any, filled: str) -> None:
    out = applied(ImputeTransform(text=how, text_value="none"), dataset(**MIXED))
    assert out["s"].to_list() == [" A ", filled, "b.", "b.", "é"]
    assert out["f"].to_list() == [True, True, False, True, True]


def test_of_equally_frequent_values_the_smallest_is_filled_in() -> None:
    for values in (["b", "a", None], ["a", "b", None]):
        assert applied(ImputeTransform(), dataset(s=values))["s"].to_list()[2] == "a"


def test_a_column_without_any_value_cannot_be_filled() -> None:
    with pytest.raises(DataError, match="cannot fill x: no training row has a value") as caught:
        ImputeTransform().fit(dataset(x=pl.Series([None, None], dtype=pl.Float64), y=[1, 2]))
    assert caught.value.hint == "add them to roles.ignore"


def test_integers_become_fractions_so_that_a_mean_fits() -> None:
    out = applied(ImputeTransform(number="mean"), dataset(k=[1, 2, None]))
    assert out["k"].to_list() == [1.0, 2.0, 1.5]


# clip


def test_fixed_bounds_limit_numbers_and_leave_missing_ones() -> None:
    out = applied(ClipTransform(lower=0, upper=10), dataset(x=[-5, None, 3, 50]))
    assert out["x"].to_list() == [0.0, None, 3.0, 10.0]


@settings(max_examples=40, deadline=None)
@given(st.lists(st.floats(-1e6, 1e6), min_size=2, max_size=40), st.floats(0, 0.5))
def test_quantile_bounds_equal_numpys(values: list[float], share: float) -> None:
    import numpy as np

    train = dataset(x=values)
    fitted = ClipTransform(lower_quantile=share, upper_quantile=1 - share).fit(train)
    expected = np.clip(values, *np.quantile(values, [share, 1 - share]))
    np.testing.assert_allclose(fitted.transform(train.frame).collect()["x"].to_numpy(), expected, rtol=1e-9, atol=1e-6)


def test_quantiles_of_many_columns_are_those_of_each() -> None:
    columns = {f"x{i}": [float(i), i + 1.0, i + 2.0] for i in range(450)}
    fitted = ClipTransform(lower_quantile=0.25).fit(dataset(**columns))
    assert fitted.bounds == {f"x{i}": (i + 0.5, None) for i in range(450)}


def test_a_fixed_bound_takes_precedence_over_a_quantile() -> None:
    fitted = ClipTransform(lower=2.0, lower_quantile=0.5, upper_quantile=1.0).fit(dataset(x=[1.0, 5.0, 9.0]))
    assert fitted.bounds == {"x": (2.0, 9.0)}


def test_clip_without_a_bound_is_refused() -> None:
    with pytest.raises(ConfigError, match="give at least one of lower"):
        ClipTransform().fit(dataset(x=[1.0]))


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"lower": 10.0, "upper": 0.0}, "lower must not be above upper, got 10 and 0"),
        ({"lower_quantile": 0.9, "upper_quantile": 0.1}, "lower_quantile must not be above upper_quantile"),
    ],
)
def test_bounds_that_cross_are_refused_where_config_enters(fields: dict[str, float], message: str) -> None:
    with pytest.raises(ConfigError, match=rf"transform\.clip.*{message}"):
        validate(ClipTransform, fields, "transform.clip", "bad config")


@pytest.mark.parametrize(
    ("transform", "path"),
    [
        (ClipTransform(lower=5.0, upper_quantile=0.5), r"lower: the lowest value of 'x' would be 5, and the highest 2"),
        (ClipTransform(upper=1.0, lower_quantile=0.5), r"upper: the lowest value of 'x' would be 2, and the highest 1"),
    ],
    ids=repr,
)
def test_a_bound_beyond_the_quantile_at_the_other_end_is_refused(transform: Transform, path: str) -> None:
    with pytest.raises(ConfigError, match=rf"transform\.clip\.{path}"):
        transform.fit(dataset(x=[1.0, 2.0, 3.0]))


# cast


@pytest.mark.parametrize(
    ("wanted", "values", "expected"),
    [
        ("number", ["1", None, "2.5"], [1.0, None, 2.5]),
        ("integer", ["1", None, "-2"], [1, None, -2]),
        ("string", [1, None, 2], ["1", None, "2"]),
        ("boolean", ["Yes", None, "0"], [True, None, False]),
        ("boolean", [0, None, 2], [False, None, True]),
        ("datetime", ["2026-01-02 03:04", None], [datetime(2026, 1, 2, 3, 4), None]),
    ],
)
def test_values_are_read_as_the_type(wanted: Any, values: list[Any], expected: list[Any]) -> None:
    assert applied(CastTransform(dtypes={"x": wanted}), dataset(x=values))["x"].to_list() == expected


def test_a_format_says_how_datetimes_are_written() -> None:
    out = applied(CastTransform(dtypes={"x": "datetime"}, format="%d.%m.%Y"), dataset(x=["03.02.2026"]))
    assert out["x"].to_list() == [datetime(2026, 2, 3)]


@pytest.mark.parametrize(
    ("wanted", "bad"), [("number", "x"), ("boolean", "maybe"), ("datetime", "soon"), ("integer", "1.5")]
)
def test_a_value_that_cannot_be_read_is_an_error_or_missing(wanted: Any, bad: str) -> None:
    good = {"number": "1", "boolean": "yes", "datetime": "2026-01-02 00:00:00", "integer": "1"}[wanted]
    train = dataset(x=[good, bad])
    with pytest.raises(DataError, match=r"transform\.cast") as caught:
        CastTransform(dtypes={"x": wanted}).fit(train)
    assert "transform.cast.errors=null" in str(caught.value.hint)
    out = applied(CastTransform(dtypes={"x": wanted}, errors="null"), train)["x"]
    assert out[0] is not None
    assert out[1] is None


@pytest.mark.parametrize(
    ("wanted", "good", "bad"),
    [
        ("number", "1", "x"),
        ("boolean", "yes", "maybe"),
        ("datetime", "2026-01-02 00:00:00", "soon"),
        ("integer", "1", "1.5"),
    ],
)
@pytest.mark.parametrize("values", [["good", None, "bad"], ["bad"]])
def test_a_later_value_that_cannot_be_read_is_named(wanted: Any, good: str, bad: str, values: list[str | None]) -> None:
    fitted = CastTransform(dtypes={"x": wanted}).fit(dataset(x=[good], z=["a"]))
    texts = [{"good": good, "bad": bad}.get(value or "") for value in values]
    rows = fitted.transform(pl.LazyFrame({"x": texts, "z": ["a"] * len(texts)}))
    with pytest.raises(DataError, match=f"transform.cast: 'x' holds '{bad}', which cannot be read as {wanted}"):
        rows.collect()
    assert rows.select("z").collect()["z"].len() == len(texts)


def test_a_condition_on_a_cast_column_is_met_by_what_it_was_cast_to() -> None:
    rows = CastTransform(dtypes={"x": "number"}).fit(dataset(x=["1"])).transform(pl.LazyFrame({"x": ["5", "12"]}))
    assert rows.filter(pl.col("x") > 10).collect()["x"].to_list() == [12.0]


@pytest.mark.parametrize(
    ("transform", "message"),
    [
        ({"component": "cast", "dtypes": {"a": "number"}}, r"transform\.cast: 'a' holds 'soon'"),
        (
            {"component": "map_values", "column": "a", "old": [str(i) for i in range(60)], "new": list(range(60)),
             "default": "error"},
            r"transform\.map_values: 'a' holds values that are not in old: 'soon'",
        ),
    ],
)  # fmt: skip
def test_a_value_that_a_transform_refuses_is_named_in_test_rows_and_at_prediction(
    transform: dict[str, Any], message: str
) -> None:
    texts = [str(i) for i in range(60)]
    frame = pl.DataFrame({"a": texts, "y": ["no", "yes"] * 30, "part": ["train"] * 40 + ["test"] * 20})
    options: dict[str, Any] = {
        "target": "y",
        "transform": [transform],
        "split": {"method": "column", "column": "part"},
        "trainer": "hist_gradient_boosting",
    }
    with pytest.raises(DataError, match=message):
        hl.run(source=frame.with_columns(a=pl.Series([*texts[:-1], "soon"])), **options)
    with pytest.raises(DataError, match=message):
        hl.run(source=frame, **options).predict(pl.DataFrame({"a": ["3", "soon"]}))


# normalize_text


def test_equal_texts_are_written_equally() -> None:
    transform = NormalizeTextTransform(case="lower", strip_end=".")
    out = applied(transform, dataset(s=["  New   York. ", "new york", "ＮＥＷ york", "", " ", None]))
    # NFKC makes full-width letters plain ones (UAX 15, figure 6).
    assert out["s"].to_list() == ["new york", "new york", "new york", None, None, None]


@pytest.mark.parametrize(("strip", "expected"), [(True, "b"), (False, "b ")])
def test_a_space_before_a_stray_ending_goes_with_it(strip: bool, expected: str) -> None:
    out = applied(NormalizeTextTransform(strip=strip, strip_end="."), dataset(s=["b ."]))
    assert out["s"].to_list() == [expected]


def test_each_normalization_can_be_left_out() -> None:
    transform = NormalizeTextTransform(strip=False, unicode=False, collapse=False)
    values = [" a  b ", "ﬁ"]
    assert applied(transform, dataset(s=values))["s"].to_list() == values


def test_the_target_may_be_normalized_by_name() -> None:
    train = dataset(Roles(target="y"), y=["<=50K.", ">50K"], x=["a.", "b"])
    out = applied(NormalizeTextTransform(columns=("y",), strip_end="."), train)
    assert out["y"].to_list() == ["<=50K", ">50K"]
    assert out["x"].to_list() == ["a.", "b"]


# null_values


def test_values_that_stand_for_missing_ones_are_made_missing_in_columns_of_their_type() -> None:
    train = dataset(x=[0.0, 1.5, None], n=[0, 999, 3], s=["?", "0", "b"], f=[True, False, None])
    out = applied(NullValuesTransform(values=(0, 999, "?")), train)
    assert out.to_dict(as_series=False) == {
        "x": [None, 1.5, None],
        "n": [None, None, 3],
        "s": [None, "0", "b"],
        "f": [True, False, None],
    }
    assert out.schema == train.frame.collect_schema()


def test_values_mean_missing_only_in_the_chosen_columns() -> None:
    train = dataset(x=[0.0, 1.0], y=[0.0, 1.0])
    assert applied(NullValuesTransform(values=(0,), columns=("x",)), train)["y"].to_list() == [0.0, 1.0]


def test_a_fraction_may_mean_missing_among_whole_numbers() -> None:
    assert applied(NullValuesTransform(values=(0.5, 2)), dataset(n=[1, 2]))["n"].to_list() == [1, None]


def test_a_column_of_another_type_than_the_values_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"'s': holds no number, as values are"):
        NullValuesTransform(values=(0,), columns=("s", "x")).fit(dataset(s=["a"], x=[1.0]))


# map_values


@pytest.mark.parametrize(
    ("default", "expected"),
    [("keep", ["x", "b", None, None]), ("null", ["x", None, None, None]), ("value", ["x", "other", None, None])],
)
def test_values_are_replaced_and_the_others_go_by_default(default: Any, expected: list[Any]) -> None:
    transform = MapValuesTransform(column="s", old=("a", "c"), new=("x", None), default=default, default_value="other")
    assert applied(transform, dataset(s=["a", "b", "c", None]))["s"].to_list() == expected


def test_a_mapping_may_change_the_type_where_it_covers_every_value() -> None:
    transform = MapValuesTransform(column="s", old=("no", "yes"), new=(0, 1), default="error")
    assert applied(transform, dataset(s=["yes", None, "no"]))["s"].to_list() == [1, None, 0]


def test_a_mapping_that_must_cover_every_value_names_the_ones_it_does_not() -> None:
    transform = MapValuesTransform(column="s", old=("a",), new=("x",), default="error")
    with pytest.raises(DataError, match="holds values that are not in old: 'b', 'c'"):
        transform.fit(dataset(s=["a", "b", "c", None]))


@pytest.mark.parametrize("dtype", [pl.String, pl.Categorical])
def test_a_later_value_that_is_not_mapped_is_named(dtype: Any) -> None:
    transform = MapValuesTransform(column="s", old=("a", "b"), new=(1, 2), default="error")
    fitted = transform.fit(dataset(s=["a", "b", None]))
    rows = pl.LazyFrame({"s": pl.Series(["a", "z", None, *"cdefg"], dtype=dtype)})
    with pytest.raises(
        DataError, match="'s' holds values that are not in old: 'c', 'd', 'e', 'f', 'g' and 1 more"
    ) as caught:
        fitted.transform(rows).collect()
    assert "transform.map_values.default=keep" in str(caught.value.hint)


def test_lists_of_different_length_are_refused() -> None:
    with pytest.raises(ConfigError, match=r"transform\.map_values\.new: has 1 values for 2 in old"):
        MapValuesTransform(column="s", old=("a", "b"), new=("x",)).fit(dataset(s=["a"]))


@pytest.mark.parametrize(("values", "old"), [(["a"], 1), ([1], "a"), ([1.5], True), ([True], 1)])
def test_an_old_value_of_another_type_than_the_column_is_refused(values: list[Any], old: Any) -> None:
    with pytest.raises(ConfigError, match=r"transform\.map_values\.old"):
        MapValuesTransform(column="s", old=(old,), new=(old,)).fit(dataset(s=values))


def test_values_that_cannot_share_a_column_with_the_kept_ones_are_refused() -> None:
    with pytest.raises(DataError, match=r"transform\.map_values"):
        MapValuesTransform(column="s", old=(1,), new=("x",)).fit(dataset(s=[1, 2]))


@pytest.mark.parametrize("old", [2.7, float("inf")])
def test_a_fraction_among_whole_numbers_is_refused_rather_than_cut_off(old: float) -> None:
    with pytest.raises(ConfigError, match=rf"transform\.map_values\.old: {old} is no whole number"):
        MapValuesTransform(column="k", old=(1, old), new=(None, None)).fit(dataset(k=[1, 2]))


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"old": (1,), "new": (0.5,)}, [0.5, 2.0, None]),
        ({"old": (1, 2.0), "new": (7, 0.5)}, [7.0, 0.5, None]),
        ({"old": (1,), "new": (3,), "default": "value", "default_value": 0.5}, [3.0, 0.5, None]),
        ({"old": (1.0,), "new": (3.0,)}, [3, 2, None]),
    ],
)
def test_whole_numbers_become_fractions_where_a_value_asks_for_it(fields: dict[str, Any], expected: list[Any]) -> None:
    found = applied(MapValuesTransform(column="k", **fields), dataset(k=[1, 2, None]))["k"].to_list()
    assert list(map(repr, found)) == list(map(repr, expected))


def test_new_values_of_several_types_are_refused() -> None:
    with pytest.raises(DataError, match=r"transform\.map_values"):
        MapValuesTransform(column="s", old=("a", "b"), new=(1, "x")).fit(dataset(s=["a", "b"]))


# rare_categories


def test_rare_and_unseen_texts_share_a_label_and_missing_ones_stay_missing() -> None:
    train = dataset(s=["a"] * 5 + ["b"] * 2 + ["c"])
    out = applied(
        RareCategoriesTransform(min_count=2, label="few"), train, pl.LazyFrame({"s": ["a", "b", "c", "z", None]})
    )
    assert out["s"].to_list() == ["a", "b", "few", "few", None]


def test_a_share_of_the_rows_may_be_the_limit() -> None:
    train = dataset(s=["a"] * 6 + ["b"] * 3 + ["c"])
    assert RareCategoriesTransform(min_count=1, min_fraction=0.3).fit(train).kept == {"s": ("a", "b")}


@pytest.mark.parametrize("dtype", [pl.Categorical(), pl.Enum(["a", "b", "c"])], ids=["categorical", "enum"])
def test_columns_with_fixed_categories_may_hold_none_of_the_values(dtype: pl.DataType) -> None:
    train = dataset(s=pl.Series(["a", "b", None], dtype=dtype))
    out = applied(NullValuesTransform(values=("?", "b")), train)
    assert out["s"].to_list() == ["a", None, None]


@pytest.mark.parametrize("dtype", [pl.Categorical(), pl.Enum(["a", "b", "c"])], ids=["categorical", "enum"])
@pytest.mark.parametrize(
    "transform",
    [RareCategoriesTransform(min_count=2), MapValuesTransform(column="s", old=("b",), new=("rare",))],
    ids=lambda transform: transform.name,
)
def test_columns_with_fixed_categories_take_new_labels(transform: Transform, dtype: pl.DataType) -> None:
    train = dataset(s=pl.Series(["a", "a", "b", None], dtype=dtype))
    assert applied(transform, train)["s"].cast(pl.String).to_list() == ["a", "a", "rare", None]


# rows


def test_a_repeated_row_is_dropped_whatever_its_id() -> None:
    train = dataset(Roles(id="i"), i=[1, 2, 3], x=["a", "a", "b"], y=[1, 1, 1])
    assert applied(DedupeTransform(), train)["i"].to_list() == [1, 3]


def test_rows_may_be_equal_in_some_columns_only() -> None:
    train = dataset(i=[1, 2, 3], x=["b", "b", "a"], y=[1, 2, 2])
    assert applied(DedupeTransform(columns=("x",)), train)["i"].to_list() == [1, 3]
    assert applied(DedupeTransform(columns=Columns(pattern="y")), train)["i"].to_list() == [1, 2]


NUMBERS = st.sampled_from([0.0, -0.0, 1.5, float("nan"), -float("nan"), float("inf"), None])
CELLS = st.tuples(NUMBERS, st.sampled_from(["", "a", "b", None]), st.sampled_from([[1], [1, 2], [], None]))


@given(cells=st.lists(CELLS, min_size=1, max_size=60), repeat=st.sampled_from([1, 2, 50]))
@settings(max_examples=60, deadline=None)
def test_rows_with_ids_are_compared_as_those_without(cells: list[Any], repeat: int) -> None:
    rows = pl.DataFrame(cells, schema={"x": pl.Float64, "s": pl.String, "l": pl.List(pl.Int64)}, orient="row")
    # Few of many rows are repeated in the one case, most of them in the other.
    rows = pl.concat([rows, pl.DataFrame({"x": map(float, range(100, 100 * repeat))}), rows], how="diagonal")
    numbered = with_row_ids(rows).collect()
    found = applied(DedupeTransform(), Dataset(numbered.lazy(), Roles()))
    expected = numbered.unique(subset=rows.columns, keep="first", maintain_order=True)
    assert found[ROW_ID].to_list() == expected[ROW_ID].to_list()


@pytest.mark.parametrize(
    ("op", "value", "kept"),
    [
        ("==", 2, [2]),
        ("!=", 2, [1, 3, 4, None]),
        ("<", 3, [1, 2]),
        ("<=", 3, [1, 2, 3]),
        (">", 3, [4]),
        (">=", 3, [3, 4]),
        ("in", (1, 4), [1, 4]),
        ("not_in", (1, 4), [2, 3]),
        ("is_null", None, [None]),
        ("not_null", None, [1, 2, 3, 4]),
        ("between", (2, 3), [2, 3]),
    ],
)
def test_rows_that_meet_a_condition_are_kept(op: Any, value: Any, kept: list[Any]) -> None:
    train = dataset(x=[1, 2, 3, 4, None])
    assert applied(FilterRowsTransform(column="x", op=op, value=value), train)["x"].to_list() == kept


def test_texts_are_matched_by_a_regular_expression() -> None:
    train = dataset(s=["ab", "b", None, "cab"])
    assert applied(FilterRowsTransform(column="s", op="matches", value="^a|c"), train)["s"].to_list() == ["ab", "cab"]


@pytest.mark.parametrize(
    ("op", "value", "message"),
    [
        ("==", None, "required for =="),
        ("in", 3, "must be a list for in, got 3"),
        ("between", (1, 2, 3), r"must be \[lowest, highest\]"),
        ("matches", 3, "must be a text for matches"),
        ("matches", "[", r"must be a regular expression, got '\['"),
    ],
)
def test_a_value_that_does_not_fit_the_condition_is_refused(op: Any, value: Any, message: str) -> None:
    with pytest.raises(ConfigError, match=rf"transform\.filter_rows\.value: {message}"):
        FilterRowsTransform(column="x", op=op, value=value).fit(dataset(x=[1]))


@pytest.mark.parametrize(
    ("values", "op", "value", "message"),
    [
        ([1, 2], ">", "abc", "must be a number, as 'x' holds, got 'abc'"),
        ([1, 2], "==", True, "must be a number"),
        (["a"], "in", ("a", 3), "must be a string, as 'x' holds, got 3"),
        ([True], "==", 1, "must be a boolean"),
        ([datetime(2026, 1, 1)], ">", "soon", "must be a date or time as ISO 8601 writes it"),
        ([datetime(2026, 1, 1)], "between", ("2026-01-01", 3), "must be a date or time"),
    ],
)
def test_a_value_of_another_type_than_the_column_is_refused(values: Any, op: Any, value: Any, message: str) -> None:
    with pytest.raises(ConfigError, match=rf"transform\.filter_rows\.value: {message}"):
        FilterRowsTransform(column="x", op=op, value=value).fit(dataset(x=values))


@pytest.mark.parametrize("dtype", [pl.String, pl.Null])
def test_a_column_without_any_value_is_compared_with_anything(dtype: Any) -> None:
    train = dataset(x=pl.Series([None, None], dtype=dtype))
    assert applied(FilterRowsTransform(column="x", op="!=", value=3), train).height == 2
    assert applied(FilterRowsTransform(column="x", op="in", value=(1, 2)), train).height == 0


DAYS = [datetime(2026, 1, day) for day in (1, 2, 3)]


@pytest.mark.parametrize("dtype", [pl.Date(), pl.Datetime("ms"), pl.Datetime("ns"), pl.Datetime("us", "Europe/Rome")])
@pytest.mark.parametrize(
    ("op", "value", "kept"),
    [
        (">", "2026-01-02", [3]),
        ("==", "2026-01-02", [2]),
        ("!=", "2026-01-02T00:00:00", [1, 3]),
        ("in", ("2026-01-01", "2026-01-03"), [1, 3]),
        ("between", ("2026-01-02", "2026-01-09 12:00"), [2, 3]),
    ],
)
def test_datetimes_are_compared_with_texts_that_write_them(dtype: Any, op: Any, value: Any, kept: list[int]) -> None:
    zone = getattr(dtype, "time_zone", None)
    days = pl.Series(DAYS).dt.replace_time_zone(zone) if zone else pl.Series(DAYS).cast(dtype)
    out = applied(FilterRowsTransform(column="x", op=op, value=value), dataset(x=days))
    assert out["x"].dt.day().to_list() == kept


@pytest.mark.parametrize("zone", [None, "Europe/Rome"])
def test_a_moment_with_an_offset_is_compared_as_the_moment_it_is(zone: str | None) -> None:
    days = pl.Series(DAYS).dt.replace_time_zone("UTC").dt.convert_time_zone(zone or "UTC")
    days = days if zone else days.dt.replace_time_zone(None)
    out = applied(FilterRowsTransform(column="x", op="==", value="2026-01-02T02:00:00+02:00"), dataset(x=days))
    assert out.height == 1


@pytest.mark.parametrize(
    ("values", "op", "value", "kept"),
    [
        ([1, 2, 40], "in", (1, 2.5, 40.0), [1, 40]),
        ([1.5, 2.0, 3.0], "not_in", (2, 3), [1.5]),
        ([1, 2, 40], "<", 2.5, [1, 2]),
        (pl.Series(["a", "b"], dtype=pl.Enum(["a", "b"])), "in", ("a", "z"), ["a"]),
        (pl.Series(["a", "b"], dtype=pl.Enum(["a", "b"])), "<", "az", ["a"]),
    ],
)
def test_fractions_and_unknown_categories_are_compared_too(values: Any, op: Any, value: Any, kept: list[Any]) -> None:
    assert applied(FilterRowsTransform(column="x", op=op, value=value), dataset(x=values))["x"].to_list() == kept


def test_a_condition_on_an_unknown_column_suggests_the_closest() -> None:
    with pytest.raises(DataError, match="did you mean 'amount'"):
        FilterRowsTransform(column="amont", op="is_null").fit(dataset(amount=[1]))


def test_rows_without_a_target_are_dropped() -> None:
    train = dataset(Roles(target="y"), x=[1, 2, 3], y=["a", None, "b"])
    assert applied(DropMissingTargetTransform(), train)["x"].to_list() == [1, 3]
    with pytest.raises(DataError, match=r"needs roles\.target"):
        DropMissingTargetTransform().fit(dataset(x=[1]))


def test_a_run_cleans_real_rows_and_predicts_raw_ones(shared_data: Any) -> None:
    run = hl.run(
        source=str(shared_data / "penguins.csv"),
        target="species",
        transform=[
            "drop_missing_target",
            "dedupe",
            "normalize_text",
            "impute",
            {"component": "clip", "upper_quantile": 0.99},
        ],
        trainer="logistic_regression",
        packager=["skops"],
    )
    assert run.metrics["accuracy"] > 0.9
    rows = pl.read_csv(shared_data / "penguins.csv", null_values="").drop("species")[3:4]
    assert rows["bill_length_mm"].null_count() == 1
    assert run.predict(rows).values.tolist() == ["Adelie"]


@pytest.mark.parametrize(
    ("transform", "fields"),
    [
        (CastTransform, {"dtypes": {"a": "number"}, "errors": None}),
        (MapValuesTransform, {"column": "a", "old": ["x"], "new": ["y"], "default": None}),
    ],
)
def test_the_word_null_may_be_typed_without_quotes(transform: type[Transform], fields: dict[str, Any]) -> None:
    built = validate(transform, fields, f"transform.{transform.name}", "bad config")
    assert getattr(built, next(name for name, value in fields.items() if value is None)) == "null"


def test_cast_takes_dates_whose_order_is_not_said_for_unreadable() -> None:
    rows = Dataset(pl.LazyFrame({"at": ["03/04/2026", "05/06/2026"]}), Roles())
    with pytest.raises(DataError, match="which cannot be read as datetime"):
        CastTransform(dtypes={"at": "datetime"}).fit(rows)
    fitted = CastTransform(dtypes={"at": "datetime"}, format="%m/%d/%Y").fit(rows)
    assert fitted.transform(rows.frame).collect()["at"].to_list() == [datetime(2026, 3, 4), datetime(2026, 5, 6)]


SPREAD = [1.0, 2.0, 3.0, 4.0, 5.0, None, 100.0]


@pytest.mark.parametrize(("method", "low", "high"), [("iqr", -1.5, 8.5), ("mad", 3.5 - 7.783543, 3.5 + 7.783543)])
def test_outliers_limits_numbers_by_quartiles_or_by_the_median(method: Any, low: float, high: float) -> None:
    # By hand: quartiles 2.25 and 4.75 of six values; median 3.5, and 1.5 the median distance from it.
    transform, train = OutliersTransform(method=method), dataset(x=SPREAD)
    assert applied(transform, train)["x"].to_list() == [*SPREAD[:6], pytest.approx(high)]
    rows = pl.LazyFrame({"x": [-1e9, float("inf"), None]})
    assert applied(transform, train, rows)["x"].to_list() == [pytest.approx(low), pytest.approx(high), None]
    missing = OutliersTransform(method=method, action="missing")
    assert applied(missing, train)["x"].to_list() == [*SPREAD[:6], None]


def test_a_column_without_spread_has_no_outliers() -> None:
    values = [0, 0, 0, 0, 7]
    for method in ("iqr", "mad"):
        assert applied(OutliersTransform(method=method), dataset(x=values))["x"].to_list() == values


def test_drop_outliers_drops_rows_of_training_and_keeps_those_with_gaps() -> None:
    transform = DropOutliersTransform()
    assert transform.applies == "training"
    kept = applied(transform, dataset(x=SPREAD, k=[1, 2, None, 3, 2, 1, 2]))
    assert kept["x"].to_list() == SPREAD[:6]


def test_outliers_refuses_a_column_of_texts_that_is_named() -> None:
    with pytest.raises(ConfigError, match="holds no number"):
        OutliersTransform(columns=("s",)).fit(dataset(**MIXED))


# by group, and flags


def test_missing_values_are_filled_by_what_rows_of_their_group_have() -> None:
    frame = {"g": ["a"] * 6 + ["b"] * 6 + ["c"], "n": [1.0] * 5 + [None] + [9.0] * 5 + [None] + [None]}
    train = dataset(**frame, s=["u"] * 5 + [None] + ["v"] * 5 + [None, None])
    out = applied(ImputeTransform(by="g"), train)
    assert out["n"].to_list()[5::6] == [1.0, 9.0]
    assert out["s"].to_list()[5::6] == ["u", "v"]
    # Of a value that is rare, new or missing, the statistic of all rows.
    asked = pl.LazyFrame(
        {"g": ["c", "new", None, "b"], "n": [None] * 4, "s": [None] * 4}, schema_overrides={"s": pl.String}
    )
    assert applied(ImputeTransform(by="g"), train, asked)["n"].to_list() == [5.0, 5.0, 5.0, 9.0]


def test_a_group_is_told_by_a_feature_that_is_no_fraction() -> None:
    train = dataset(Roles(group="g"), g=["a"] * 5, n=[1.0, None, 2.0, 3.0, 4.0], f=[0.5] * 5)
    with pytest.raises(DataError, match=r"transform\.impute\.by"):
        ImputeTransform(by="g").fit(train)
    with pytest.raises(ConfigError, match=r"transform\.impute\.by: 'f' holds Float64"):
        ImputeTransform(by="f").fit(train)


def test_rows_with_outliers_are_flagged_and_their_numbers_stay() -> None:
    train = dataset(n=[1.0, 2.0, 3.0, 4.0, 5.0, None, 99.0], k=[1, 2, 3, 4, 5, 6, -50])
    out = applied(OutliersTransform(action="flag", flag="odd"), train)
    assert out["odd"].to_list() == [False] * 6 + [True]
    assert out["n"].to_list() == train.frame.collect()["n"].to_list()
    with pytest.raises(ConfigError, match=r"transform\.outliers\.flag: the rows have a column 'k' already"):
        OutliersTransform(action="flag", flag="k").fit(train)
