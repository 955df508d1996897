"""What is predicted: numbers that are written as texts are not taken for hundreds of classes."""

from __future__ import annotations

import polars as pl
import pytest

from hookline.data.target import target_of
from hookline.errors import DataError


def test_a_target_of_money_is_refused_before_training() -> None:
    prices = pl.LazyFrame({"price": [f"${1 + i % 30},000.50" for i in range(300)]})
    with pytest.raises(DataError, match="'price' looks like numbers written as text, such as") as caught:
        target_of(prices, "price", "auto")
    assert caught.value.ailment == "disguised_numbers"
    assert len(target_of(prices, "price", "multiclass").classes) == 30
    with pytest.raises(
        DataError, match=r"task=regression, but the target 'price' does not hold numbers, but texts such as"
    ):
        target_of(prices, "price", "regression")


def test_numbers_with_a_blank_among_them_are_refused_too() -> None:
    with pytest.raises(DataError, match="looks like numbers written as text"):
        target_of(pl.LazyFrame({"y": [" ", *[f"{i}.5" for i in range(40)] * 3]}), "y", "auto")


@pytest.mark.parametrize("labels", [["a1", "b2"] * 30, [f"{i:03}" for i in range(40)] * 2, ["1,5", "2,5", "3,5"] * 20])
def test_labels_codes_and_few_values_are_classes(labels: list[str]) -> None:
    assert target_of(pl.LazyFrame({"y": labels}), "y", "auto").task != "regression"
