"""Trees that were read and lead out of what there is are refused before a row is asked."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.ensemble import HistGradientBoostingClassifier

from hookline.errors import StoreError
from hookline_sklearn.trees import require_sound_trees


def boosted() -> HistGradientBoostingClassifier:
    """Return trees that ask which of four categories the first feature is."""
    X = np.column_stack([np.arange(200) % 4, np.arange(200) / 200])
    model = HistGradientBoostingClassifier(max_iter=2, categorical_features=[0], min_samples_leaf=5)
    return model.fit(X, np.isin(X[:, 0], (1, 3)))


def other_set(model: Any) -> None:
    model._predictors[0][0].nodes["bitset_idx"][0] = 1_000_000


def no_sets(model: Any) -> None:
    model._predictors[0][0].raw_left_cat_bitsets = np.zeros((0, 8), dtype=np.uint32)


def narrow_sets(model: Any) -> None:
    model._predictors[0][0].raw_left_cat_bitsets = np.zeros((4, 1), dtype=np.uint32)


def unknown_feature(model: Any) -> None:
    model._bin_mapper.is_categorical_ = np.zeros(2, dtype=np.uint8)


def fewer_features(model: Any) -> None:
    model._bin_mapper.is_categorical_ = np.zeros(0, dtype=np.uint8)


def test_trees_of_categories_are_read() -> None:
    model = boosted()
    assert model._predictors[0][0].nodes["is_categorical"].any()
    require_sound_trees(model, 2, Path("model.skops"))


@pytest.mark.parametrize("change", [other_set, no_sets, narrow_sets, unknown_feature, fewer_features])
def test_a_tree_that_asks_for_categories_which_are_not_there_is_refused(change: Callable[[Any], None]) -> None:
    model = boosted()
    change(model)
    with pytest.raises(StoreError, match="model.skops is damaged: it holds a tree that leads out of its own nodes"):
        require_sound_trees(model, 2, Path("model.skops"))
