"""A design matrix as networks learn from it: rows of weight 0 are in no part, and codes are told from numbers."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from hookline import Feature, Features, Target
from hookline.data.matrix.codes import CodedColumns
from hookline.data.matrix.rows import MatrixRows
from hookline.errors import DataError

TARGET = Target("y", "regression")


def features(**more: Any) -> Features:
    X = np.arange(20, dtype=np.float32).reshape(10, 2)
    return Features(X, (Feature("a", "float32", ("a",), "a", "1"),) * 2, y=X[:, 0] * 2, target=TARGET, **more)


def test_rows_are_cut_in_two_parts_of_mean_weight_one_without_those_of_weight_zero() -> None:
    weight = np.array([0, 1, 2, 3, 4, 5, 6, 7, 8, 0], dtype=np.float32)
    rows = MatrixRows.of("mlp", features(sample_weight=weight), 4.0, 2.0)
    np.testing.assert_allclose(rows.y, np.arange(10) * 2.0 - 2)
    learn, stop = rows.cut(0.25, seed=0)
    assert (len(learn), len(stop)) == (6, 2)
    assert sorted([*learn.which, *stop.which]) == list(range(1, 9))
    for part in (learn, stop):
        assert part.weight[part.which].mean() == pytest.approx(1)
    again, _ = rows.cut(0.25, seed=0)
    assert again.which.tolist() == learn.which.tolist()


def test_rows_that_all_weigh_nothing_and_too_few_to_cut_are_told() -> None:
    with pytest.raises(DataError, match="needs rows with a weight above 0"):
        MatrixRows.of("mlp", features(sample_weight=np.zeros(10, dtype=np.float32)), 0.0, 1.0)
    one = np.eye(10, dtype=np.float32)[3]
    with pytest.raises(DataError, match="needs at least 2 training rows"):
        MatrixRows.of("mlp", features(sample_weight=one), 0.0, 1.0).cut(0.5, seed=0)


def test_codes_are_told_from_numbers_and_come_back_from_json() -> None:
    made = [Feature(name, "float32", (name,), name, "1", categories=size) for name, size in (("a", None), ("b", 3))]
    columns = CodedColumns.of(made)
    assert columns == CodedColumns((0,), (1,), (3,))
    assert CodedColumns.plainly({"numbers": [0], "codes": [1], "sizes": [3]}) == columns
    assert (columns.widths(7), columns.widths(None)) == ((7,), (3,))
