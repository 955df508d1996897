"""Filling forward in time: from what came before among training rows, of the same entity, and from nothing else."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hookline import Dataset, Roles
from hookline.errors import ConfigError, DataError
from hookline_polars import FillForwardTransform

START = datetime(2026, 1, 1)


def moments(*days: int) -> list[datetime]:
    return [START + timedelta(days=day) for day in days]


def dataset(roles: Roles | None = None, **columns: Any) -> Dataset:
    return Dataset(pl.LazyFrame(columns), roles or Roles(time="day"))


def filled(train: Dataset, rows: pl.LazyFrame | None = None, **fields: Any) -> list[Any]:
    made = FillForwardTransform(**fields).fit(train).transform(train.frame if rows is None else rows)
    return made.collect()["x"].to_list()


def test_the_last_value_before_a_row_fills_it_whatever_the_order_of_rows() -> None:
    train = dataset(day=moments(5, 1, 3, 2, 0), x=[None, 1.0, 3.0, None, None])
    assert filled(train) == [3.0, 1.0, 3.0, 1.0, None]


def test_what_comes_at_the_same_moment_or_later_fills_nothing() -> None:
    train = dataset(day=moments(1, 1, 2), x=[None, 7, 9])
    assert filled(train) == [None, 7, 9]


def test_rows_that_are_asked_are_filled_from_training_rows_alone() -> None:
    train = dataset(day=moments(1, 2), x=["a", "b"])
    asked = pl.LazyFrame({"day": moments(9, 8), "x": ["z", None]})
    assert filled(train, asked) == ["z", "b"]


def test_each_entity_has_values_of_its_own() -> None:
    train = dataset(day=moments(1, 1, 2, 2, 2), who=["p", "q", "p", "q", "r"], x=[1, 2, None, None, None])
    assert filled(train, by="who") == [1, 2, 1, 2, None]


def test_a_whole_number_may_say_when_and_other_things_may_not() -> None:
    assert filled(dataset(Roles(), step=[1, 2], x=[True, None]), time="step") == [True, True]
    with pytest.raises(ConfigError, match="'step' is no datetime, date or whole number"):
        filled(dataset(Roles(), step=["1", "2"], x=[1, None]), time="step")
    with pytest.raises(DataError, match="needs to know when rows happened"):
        filled(dataset(Roles(), step=[1, 2], x=[1, None]))


@settings(max_examples=60, deadline=None)
@given(
    train=st.lists(st.tuples(st.integers(0, 9), st.none() | st.integers(0, 99)), min_size=1, max_size=12),
    asked=st.lists(st.integers(-1, 11), min_size=1, max_size=6),
)
def test_what_fills_a_row_is_the_last_of_what_came_before_it(
    train: list[tuple[int, int | None]], asked: list[int]
) -> None:
    data = dataset(Roles(), t=[t for t, _ in train], x=pl.Series([x for _, x in train], dtype=pl.Int64))
    rows = pl.LazyFrame({"t": asked, "x": pl.Series([None] * len(asked), dtype=pl.Int64)})
    expected = []
    for at in asked:
        known = [(t, place, x) for place, (t, x) in enumerate(train) if x is not None and t < at]
        expected.append(max(known)[2] if known else None)
    assert filled(data, rows, time="t") == expected
