"""The rows of a design matrix are those that it was made of, whatever a featurizer does."""

from __future__ import annotations

from collections.abc import Callable

import pytest

import hookline as hl
from hookline.errors import DataError

SHUFFLING = """
import dataclasses
from hookline import Dataset, Feature, Features, Featurizer, hookimpl

@dataclasses.dataclass(frozen=True)
class Fitted:
    features: tuple[Feature, ...]
    def transform(self, frame):
        rows = frame.select([feature.name for feature in self.features]).collect()
        return Features(rows.to_numpy().astype("float32"), self.features)

class Shuffling(Featurizer):
    "Makes other training rows than it is given."
    name = "shuffling"
    def fit(self, train: Dataset) -> Fitted:
        return Fitted(tuple(Feature(c, "float32", (c,), c) for c in train.feature_columns()))
    def transform_train(self, fitted, train):
        made = fitted.transform(train.frame)
        ids = train.frame.collect()["__row_id__"].to_numpy()
        return Features({X}, made.features, {ids})

@hookimpl
def register_featurizers():
    return [Shuffling]
"""


@pytest.mark.parametrize(
    ("X", "ids", "told"),
    [
        ("made.X[:5]", "None", "featurizer.shuffling makes 5 rows of 105"),
        ("made.X[::-1]", "ids[::-1]", "featurizer.shuffling makes rows in another order"),
    ],
)
def test_a_featurizer_that_makes_other_rows_trains_no_model(
    project_module: Callable[[str, str], str], X: str, ids: str, told: str
) -> None:
    project_module("shuffling_featurizer", SHUFFLING.replace("{X}", X).replace("{ids}", ids))
    with pytest.raises(DataError, match=told):
        hl.run(source="iris", trainer="decision_tree", featurizer=["shuffling"], packager=[], evaluator=[])
