"""Rows chosen and ordered before the split: sorted, sampled, and without those that nearly repeat another."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl
import pytest

from hookline import Dataset, Finding, Roles, Transform
from hookline.errors import ConfigError, DataError
from hookline.kinds.artifacts import ROW_ID
from hookline.kinds.fitting import findings_in
from hookline.registry.values import validate
from hookline_polars import DedupeSimilarTransform, SampleTransform, SortTransform
from kit.tables import with_row_ids


def dataset(roles: Roles | None = None, **columns: Any) -> Dataset:
    return Dataset(with_row_ids(pl.DataFrame(columns)), roles or Roles())


def kept(transform: Transform, train: Dataset) -> list[int]:
    return transform.fit(train).transform(train.frame).collect()[ROW_ID].to_list()


def test_rows_are_sorted_with_missing_values_last_and_equal_ones_in_their_order() -> None:
    train = dataset(a=[2, None, 1, 2, 1], b=[1, 1, 1, 0, 1])
    assert kept(SortTransform(by=("a",)), train) == [2, 4, 0, 3, 1]
    assert kept(SortTransform(by=("a", "b"), descending=True), train) == [0, 3, 2, 4, 1]
    with pytest.raises(DataError, match=r"transform\.sort\.by"):
        kept(SortTransform(by=("c",)), train)


def test_a_sample_has_so_many_rows_in_their_order_and_each_value_its_share() -> None:
    train = dataset(y=["a"] * 90 + ["b"] * 10)
    for fields, rows in (({"rows": 20}, 20), ({"share": 0.5}, 50), ({"rows": 1000}, 100)):
        found = kept(SampleTransform(**fields), train)
        assert len(found) == rows
        assert found == sorted(set(found))
    by = kept(SampleTransform(rows=20, by="y"), train)
    assert sum(row >= 90 for row in by) == 2
    assert kept(SampleTransform(rows=20, seed=1), train) != kept(SampleTransform(rows=20), train)


def test_rows_of_weight_zero_are_none_to_draw_from() -> None:
    weights = (np.arange(100) % 2).astype(float)
    found = kept(SampleTransform(rows=30), dataset(Roles(weight="w"), x=list(range(100)), w=weights.tolist()))
    assert len(found) == 30
    assert all(row % 2 for row in found)


def test_of_no_rows_a_sample_is_none() -> None:
    train = dataset(x=[1, 2])
    for fields in ({"rows": 3}, {"share": 0.5}):
        assert SampleTransform(**fields).fit(train).transform(train.frame.clear()).collect().is_empty()


def test_a_sample_needs_to_know_how_many() -> None:
    with pytest.raises(ConfigError, match="needs one of rows and share"):
        validate(SampleTransform, {}, "transform.sample", "bad config")


NAMES = ["ACME Corp.", "Acme Corp", "Globex Inc", "Initech", "Initec", "ACME corp", "Umbrella", None]


def test_rows_that_nearly_repeat_an_earlier_one_go_and_are_told() -> None:
    found: list[Finding] = []
    with findings_in(found):
        assert kept(DedupeSimilarTransform(), dataset(name=NAMES)) == [0, 2, 3, 6, 7]
    (told,) = found
    assert (told.value, told.rows) == (3.0, (1, 4, 5))
    assert "row 4 'Initec' repeats row 3 'Initech'" in told.message


def test_only_rows_that_are_equal_in_some_columns_are_compared() -> None:
    train = dataset(name=["Anna Smith", "Ana Smith", "Anna Smyth"], zip=["1", "2", "1"])
    assert kept(DedupeSimilarTransform(columns=("name",), within=("zip",)), train) == [0, 1]


def test_words_may_stand_in_any_order_and_a_row_is_compared_with_those_that_stay() -> None:
    train = dataset(name=["Smith Anna", "Anna Smith", "aaaaaaaaaa", "aaaaaaaaab", "aaaaaaaabb"])
    assert kept(DedupeSimilarTransform(by="words"), train) == [0, 2, 4]
    assert kept(DedupeSimilarTransform(), train) == [0, 1, 2, 4]


def test_too_many_rows_are_refused_with_what_to_do() -> None:
    train = dataset(name=[f"{place:09}" for place in range(30)])
    with pytest.raises(DataError, match="would compare 30 rows each with each"):
        kept(DedupeSimilarTransform(max_together=20), train)
    with pytest.raises(DataError, match="compares texts, and no feature is one"):
        kept(DedupeSimilarTransform(), dataset(x=[1, 2]))


def test_rows_of_weight_zero_make_no_other_row_go() -> None:
    train = dataset(Roles(weight="w"), name=["Initec", "Initech", "Initech"], w=[0.0, 1.0, 1.0])
    assert kept(DedupeSimilarTransform(), train) == [0, 1]


def test_rows_without_a_text_repeat_none() -> None:
    train = dataset(text=["good", None, "", None, " ", "?!", "Good"], n=[1, 2, 3, 4, 5, 6, 7])
    assert kept(DedupeSimilarTransform(columns=("text",)), train) == [0, 1, 2, 3, 4, 5]
