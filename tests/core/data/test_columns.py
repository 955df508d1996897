"""The input contract: inferred from training rows, checked afterwards."""

from __future__ import annotations

from datetime import datetime

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hookline.data.columns import conform, infer_schema, parse_dtype
from hookline.data.contract.rules import unlike_training
from hookline.errors import DataError, StoreError
from hookline.kinds.artifacts import Column, Schema

FRAME = pl.DataFrame(
    {
        "age": [30, 40, None],
        "pay": [1.5, 2.5, 3.5],
        "city": ["Bonn", "Ulm", "Bonn"],
        "member": [True, False, True],
        "since": [datetime(2020, 1, 1), datetime(2021, 1, 1), datetime(2022, 1, 1)],
    }
)


@pytest.fixture
def schema() -> Schema:
    return infer_schema(FRAME.lazy(), FRAME.columns)


def test_the_contract_holds_types_ranges_and_categories(schema: Schema) -> None:
    assert [column.kind for column in schema.columns] == ["number", "number", "string", "boolean", "datetime"]
    assert (schema["age"].minimum, schema["age"].maximum, schema["age"].nullable) == (30, 40, True)
    assert schema["city"].categories == ("Bonn", "Ulm")
    assert not schema["pay"].nullable


def test_every_missing_and_ill_typed_column_is_named_at_once(schema: Schema) -> None:
    rows = pl.DataFrame({"agee": [1], "pay": ["much"], "city": ["Ulm"], "member": [True], "since": ["soon"]})
    with pytest.raises(DataError) as caught:
        conform(rows, schema)
    assert {problem.path for problem in caught.value.problems} == {"age", "pay", "since"}
    assert "did you mean 'agee'" in str(caught.value)


def test_order_and_extra_columns_do_not_matter(schema: Schema) -> None:
    shuffled = FRAME.select(reversed(FRAME.columns)).with_columns(extra=pl.lit(1))
    assert conform(shuffled, schema).equals(conform(FRAME, schema))


def test_empty_text_and_nan_are_missing(schema: Schema) -> None:
    rows = FRAME.with_columns(city=pl.lit(""), pay=pl.lit(float("nan")))
    held = conform(rows, schema)
    assert held["city"].null_count() == held["pay"].null_count() == 3


def test_a_row_unlike_training_says_in_what(schema: Schema) -> None:
    rows = conform(FRAME.with_columns(city=pl.lit("Rome"), age=pl.lit(99), pay=pl.lit(None, pl.Float64)), schema)
    told = unlike_training(rows, schema)
    assert told[0] == (
        "age: 99 is outside the training range [30, 40]",
        "pay: is missing, and never was in training",
        "city: 'Rome' was never seen in training",
    )
    assert unlike_training(conform(FRAME, schema), schema) == {}


@pytest.mark.parametrize("dtype", [pl.Int8(), pl.Float32(), pl.String(), pl.Datetime("ms", "UTC"), pl.Date()])
def test_a_type_is_read_back_from_its_words(dtype: pl.DataType) -> None:
    assert parse_dtype(repr(dtype)) == dtype


CODE = ["read_csv('/etc/passwd')", "Config", "scan_ipc('x')", "col('x')", "1 + 1"]
NONE = ["", "Int64)", "Array(", 200 * "(", "Datetime(5)", "Datetime(nope=1)", "Int64(x)", "Int8\0"]


@pytest.mark.parametrize("text", [*CODE, *NONE])
def test_only_types_can_be_named_in_a_contract(text: str) -> None:
    with pytest.raises(StoreError, match="not a column type"):
        parse_dtype(text)


@given(st.lists(st.floats(allow_nan=False, allow_infinity=False, width=32) | st.none(), min_size=1, max_size=30))
def test_training_rows_are_never_unlike_training(values: list[float | None]) -> None:
    frame = pl.DataFrame({"x": pl.Series(values, dtype=pl.Float64)})
    schema = infer_schema(frame.lazy(), ["x"])
    assert unlike_training(conform(frame, schema), schema) == {}


def test_a_nested_column_is_refused_by_name() -> None:
    with pytest.raises(DataError, match="column 'tags'"):
        infer_schema(pl.LazyFrame({"tags": [[1], [2]]}), ["tags"])


def test_a_column_without_bounds_warns_of_nothing() -> None:
    schema = Schema((Column("x", "Float64", "number"),))
    assert unlike_training(pl.DataFrame({"x": [1e30]}), schema) == {}


def test_moments_are_the_same_whatever_their_offset_and_dates_of_no_known_order_are_refused() -> None:
    schema = infer_schema(pl.LazyFrame({"at": [datetime(2026, 1, 1)]}), ["at"])
    texts = ["2026-01-01T12:00:00Z", "2026-01-01T14:00:00+02:00", "2026-01-01T12:00:00"]
    assert conform(pl.DataFrame({"at": texts}), schema)["at"].unique().to_list() == [datetime(2026, 1, 1, 12)]
    with pytest.raises(DataError, match="must be a datetime, got '03/04/2026' in row 0"):
        conform(pl.DataFrame({"at": ["03/04/2026"]}), schema)
