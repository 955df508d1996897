"""Numbers that are written as texts: learned from training rows, and read in later ones in the same way."""

from __future__ import annotations

import json

import numpy as np
import polars as pl
import pytest

from hookline import Dataset, Roles
from hookline.data.numerals import Numerals
from hookline.errors import ConfigError, DataError
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


TEXTS = [
    "12,5", "1.234,50", "-7", "€ 3", "4,50 €", "$1,234.50", "($4.20)", "-$3", "$-3", "4 %", "0.2", "12.5%", "   12.5 ",
    "1 234,5", "22\u00a0000,0", "7\u202f100,1", "1’234.50", "1'000", "EUR 3", "4 EUR", "kr. 5", "5 kr", "1e-3", "\u22125", "",
    "x", "1.234", "1,234,567.8", "+3", "3,", "3.", ",5", ".5", "1 2", "- 5", "%", "$", "nan", "inf", "123456789012.123",
]  # fmt: skip


@pytest.mark.parametrize(
    "how",
    [
        Numerals(), Numerals(","), Numerals(",", "."), Numerals(".", ",", "$"), Numerals(",", "", "€"), Numerals(".", "", "%"),
        Numerals(",", " "), Numerals(".", "'"), Numerals(".", "", "EUR"), Numerals(".", "", "kr"),
    ],
)  # fmt: skip
def test_onnx_reads_every_text_as_polars_does(how: Numerals) -> None:
    import onnxruntime
    import spox

    text = spox.argument(spox.Tensor(np.str_, ("N", 1)))
    model = spox.build({"a": text}, {"a_read": FittedParseNumbers({"a": how}).to_onnx({"a": text})["a"]})
    session = onnxruntime.InferenceSession(model.SerializeToString())
    (found,) = session.run(None, {"a": np.array(TEXTS, dtype=object).reshape(-1, 1)})
    read = FittedParseNumbers({"a": how}).transform(pl.LazyFrame({"a": TEXTS})).collect()["a"]
    np.testing.assert_array_equal(found.ravel(), read.fill_null(float("nan")).to_numpy())
    assert read.count() > 1


def test_one_sign_cannot_mean_both() -> None:
    with pytest.raises(ValueError, match="decimal and thousands must differ"):
        ParseNumbersTransform(decimal=",", thousands=",")
