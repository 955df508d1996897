"""How encodings are stored: as they always were, so that packages written before still load."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

import numpy as np
import polars as pl
import pytest
from pydantic import ValidationError

from hookline.kinds.plain import from_json, to_json
from hookline_polars.featurizers.encodings.categories import OneHotEncoding, OrdinalEncoding
from hookline_polars.featurizers.encodings.datetimes import DatetimeEncoding
from hookline_polars.featurizers.encodings.hashes import HashingEncoding
from hookline_polars.featurizers.encodings.numbers import NumberEncoding
from hookline_polars.featurizers.encodings.targets import TargetEncoding
from hookline_polars.featurizers.fitted import FittedTabular

# One class held the fields of all encodings when this was written, by `tabular` with one_hot and then with each other way.
WRITTEN_BEFORE = """{"encodings": [
{"column": "age", "how": "number", "center": 30.0, "scale": 10.0, "fill": 0.0, "categories": [], "other": false,
 "values": [], "default": [], "hashes": 0, "parts": [], "time_zone": null, "indicator": true, "scaling": "standard"},
{"column": "plan", "how": "one_hot", "center": 0.0, "scale": 1.0, "fill": null, "categories": ["a"], "other": true,
 "values": [], "default": [], "hashes": 0, "parts": [], "time_zone": null, "indicator": true, "scaling": ""},
{"column": "since", "how": "datetime", "center": 0.0, "scale": 1.0, "fill": null, "categories": [], "other": false,
 "values": [], "default": [22.0, 2.0], "hashes": 0, "parts": ["year", "month"], "time_zone": null, "indicator": true,
 "scaling": ""},
{"column": "plan", "how": "ordinal", "center": 0.0, "scale": 1.0, "fill": null, "categories": ["a", "b"],
 "other": false, "values": [], "default": [], "hashes": 0, "parts": [], "time_zone": null, "indicator": false,
 "scaling": ""},
{"column": "city", "how": "target", "center": 0.0, "scale": 1.0, "fill": null, "categories": ["a", "b"],
 "other": false, "values": [[2.0], [4.5]], "default": [3.0], "hashes": 0, "parts": [], "time_zone": null,
 "indicator": true, "scaling": ""},
{"column": "shop", "how": "hashing", "center": 0.0, "scale": 1.0, "fill": null, "categories": [], "other": false,
 "values": [], "default": [], "hashes": 2, "parts": [], "time_zone": null, "indicator": false, "scaling": ""}
], "is_sparse": false}"""
ROWS = pl.LazyFrame(
    {
        "age": [20.0, 40.0, None],
        "plan": ["a", None, "b"],
        "since": [datetime(2020, 1, 1), None, datetime(2024, 3, 1)],
        "city": ["a", None, "b"],
        "shop": ["a", None, "b"],
    }
)


def before() -> FittedTabular:
    return from_json(FittedTabular, json.loads(WRITTEN_BEFORE))


def without(encodings: tuple[Any, ...], how: str) -> tuple[Any, ...]:
    return tuple(encoding for encoding in encodings if encoding.how != how)


def test_each_encoding_that_was_stored_before_is_read_as_its_class() -> None:
    assert before().encodings == (
        NumberEncoding(column="age", center=30.0, scale=10.0, fill=0.0, indicator=True, scaling="standard"),
        OneHotEncoding(column="plan", categories=("a",), other=True, indicator=True),
        DatetimeEncoding(column="since", default=(22.0, 2.0), parts=("year", "month"), indicator=True),
        OrdinalEncoding(column="plan", categories=("a", "b")),
        TargetEncoding(column="city", categories=("a", "b"), values=((2.0,), (4.5,)), default=(3.0,), indicator=True),
        HashingEncoding(column="shop", hashes=2),
    )


def test_what_was_stored_before_makes_the_matrix_and_the_feature_versions_that_it_made_then() -> None:
    fitted = FittedTabular(without(before().encodings, "ordinal"), is_sparse=False)
    # As that version computed them.
    expected = [
        [-1, 0, 1, 0, 0, 20, 1, 0, 2, 0, 0, 1],
        [1, 0, 0, 0, 1, 22, 2, 1, 3, 1, 0, 0],
        [0, 1, 0, 1, 0, 24, 3, 0, 4.5, 0, 0, 1],
    ]
    np.testing.assert_array_equal(fitted.transform(ROWS).X, expected)
    versions = [feature.version for feature in before().features if not feature.name.endswith("?missing")]
    assert versions == [
        *("575eeb27", "83cf2ece", "52f2bb02", "581ac2ba", "581ac2ba", "7135d42c", "87ebf992", "e89e1085", "e89e1085"),
    ]


def test_what_is_stored_now_are_the_same_names_and_values_of_the_fields_that_an_encoding_has() -> None:
    stored = to_json(before())
    old = json.loads(WRITTEN_BEFORE)
    assert [len(encoding) for encoding in stored["encodings"]] == [7, 5, 6, 4, 6, 4]
    for now, then in zip(stored["encodings"], old["encodings"], strict=True):
        assert now == {name: then[name] for name in now}
    assert from_json(FittedTabular, json.loads(json.dumps(stored))) == before()


@pytest.mark.parametrize(("how", "told"), [("tarot", "does not match any of the expected tags"), ("number", "center")])
def test_a_stored_encoding_that_cannot_be_read_is_told_by_its_own_class(how: str, told: str) -> None:
    with pytest.raises(ValidationError, match=told) as caught:
        from_json(FittedTabular, {"encodings": [{"column": "a", "how": how, "center": "x"}], "is_sparse": False})
    assert caught.value.error_count() == 1
