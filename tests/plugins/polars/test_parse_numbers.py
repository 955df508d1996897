"""Numbers that are written as texts: learned from training rows, and read in later ones in the same way."""

from __future__ import annotations

import json

import polars as pl
import pytest

from hookline import Dataset, Roles
from hookline.errors import ConfigError, DataError, ExportError
from hookline.kinds.plain import from_json, to_json
from hookline_polars import ParseNumbersTransform
from hookline_polars.transforms.parse_numbers import FittedParseNumbers

ROWS = pl.DataFrame(
    {
        "bill": ["12,5", "1.000,25", "3", "n/a", "7,5", "8,5"],
        "zip": ["00123", "04500", "12345", "99999", "10000", "20000"],
        "plan": ["basic", "plus", "pro", "plus", "pro", "basic"],
        "price": ["$1,234.50", "$3", "$4.20", "$5", "$6", "$7"],
    }
)


def fitted(transform: ParseNumbersTransform, rows: pl.DataFrame = ROWS) -> FittedParseNumbers:
    return transform.fit(Dataset(rows.lazy(), Roles(target="price")))


def test_texts_that_are_numbers_are_read_and_the_target_with_them() -> None:
    read = fitted(ParseNumbersTransform()).transform(ROWS.lazy()).collect()
    assert read["bill"].to_list() == [12.5, 1000.25, 3.0, None, 7.5, 8.5]
    assert read["price"].to_list() == [1234.5, 3.0, 4.2, 5.0, 6.0, 7.0]
    assert read["zip"].to_list() == ROWS["zip"].to_list()
    assert read["plan"].to_list() == ROWS["plan"].to_list()


def test_served_rows_are_read_as_training_rows_were_also_without_the_target() -> None:
    stored = from_json(FittedParseNumbers, json.loads(json.dumps(to_json(fitted(ParseNumbersTransform())))))
    served = pl.LazyFrame({"bill": ["1.234,5", "9,25", None, "junk"], "plan": ["pro"] * 4})
    assert stored.transform(served).collect()["bill"].to_list() == [1234.5, 9.25, None, None]
    numbers = pl.LazyFrame({"bill": [12.5]})
    assert stored.transform(numbers).collect()["bill"].to_list() == [12.5]


def test_a_sign_that_may_mean_two_things_is_asked_with_lines_to_type() -> None:
    rows = pl.DataFrame({"x": ["1,234", "12,345", "999"], "price": ["a", "b", "c"]})
    with pytest.raises(DataError, match="may be meant with thousands or with a fraction"):
        fitted(ParseNumbersTransform(), rows)
    read = fitted(ParseNumbersTransform(decimal=","), rows).transform(rows.lazy()).collect()
    assert read["x"].to_list() == [1.234, 12.345, 999.0]


def test_a_named_column_of_other_texts_is_refused() -> None:
    with pytest.raises(
        ConfigError, match=r"transform\.parse_numbers\.columns: 'plan': most of its texts are no numbers"
    ):
        fitted(ParseNumbersTransform(columns=("plan",)))


def test_features_that_it_reads_are_told_not_to_fit_into_onnx() -> None:
    with pytest.raises(ExportError, match="columns bill"):
        fitted(ParseNumbersTransform()).to_onnx({"bill": object()})
    assert fitted(ParseNumbersTransform()).to_onnx({}) == {}


def test_one_sign_cannot_mean_both() -> None:
    with pytest.raises(ValueError, match="decimal and thousands must differ"):
        ParseNumbersTransform(decimal=",", thousands=",")
