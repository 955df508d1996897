"""Texts as shares of rows and as weights of evidence: the figures, what is unseen or missing, and what a row may not see."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hookline import Dataset, Roles, Target
from hookline.errors import DataError
from hookline_polars import TabularFeaturizer

BINARY = Target("y", "binary", ("no", "yes"))
TEXTS = ["a"] * 50 + ["b"] * 30 + ["c"] * 20
LABELS = ["yes"] * 10 + ["no"] * 40 + ["yes"] * 15 + ["no"] * 15 + ["yes"] * 15 + ["no"] * 5


def rows(texts: Sequence[str | None], labels: Sequence[str], weights: Sequence[float] | None = None) -> Dataset:
    columns: dict[str, Any] = {"s": texts, "y": labels} | ({} if weights is None else {"w": weights})
    return Dataset(pl.LazyFrame(columns), Roles(target="y", weight="w" if weights else None), target=BINARY)


def encoded(featurizer: TabularFeaturizer, train: Dataset, texts: Sequence[str | None]) -> list[float]:
    X = featurizer.fit(train).transform(pl.LazyFrame({"s": texts}, schema={"s": pl.String})).X
    return [float(value) for value in X[:, 0]]


def test_a_count_is_the_share_of_rows_and_nothing_is_none() -> None:
    found = encoded(TabularFeaturizer(categorical="count", numeric="none"), rows(TEXTS, LABELS), ["a", "b", "z", None])
    assert found == pytest.approx([0.5, 0.3, 0, 0])


def test_a_count_goes_by_weights() -> None:
    train = rows(["a", "a", "b", None], ["yes", "no", "yes", "no"], [1.0, 2.0, 3.0, 2.0])
    assert encoded(TabularFeaturizer(categorical="count", numeric="none"), train, ["a", "b"]) == pytest.approx(
        [3 / 8, 3 / 8]
    )


def test_evidence_is_the_logarithm_of_what_a_text_is_likelier_by_in_a_class() -> None:
    featurizer = TabularFeaturizer(categorical="weight_of_evidence", numeric="none", smooth=0.0)
    found = encoded(featurizer, rows(TEXTS, LABELS), ["a", "b", "c", "z", None])
    # Of 40 yes and 60 no: 10 and 40 hold a, 15 and 15 hold b, 15 and 5 hold c.
    wanted = np.log([(10 / 40) / (40 / 60), (15 / 40) / (15 / 60), (15 / 40) / (5 / 60)])
    assert found == pytest.approx([*wanted, 0, 0], rel=1e-5)


def test_smoothing_draws_evidence_toward_none_and_keeps_it_finite() -> None:
    train = rows([*TEXTS, "rare"], [*LABELS, "yes"])
    rough, smooth = (
        encoded(TabularFeaturizer(categorical="weight_of_evidence", numeric="none", smooth=by), train, ["rare"])[0]
        for by in (0.0, 20.0)
    )
    assert np.isfinite(rough)
    assert 0 < smooth < 0.5 < rough


def test_evidence_of_a_number_is_refused() -> None:
    train = Dataset(
        pl.LazyFrame({"s": ["a", "b"], "y": [1.0, 2.0]}), Roles(target="y"), target=Target("y", "regression")
    )
    with pytest.raises(DataError, match="is of classes, and the target is a number") as told:
        TabularFeaturizer(categorical="weight_of_evidence").fit(train)
    assert told.value.hint == "featurizer.tabular.categorical=target encodes by the mean of a number"


@pytest.mark.parametrize("categorical", ["target", "weight_of_evidence"])
@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_a_training_row_never_sees_its_own_target(categorical: str, data: st.DataObject) -> None:
    texts = data.draw(st.lists(st.sampled_from(["a", "b", "c", None]), min_size=8, max_size=40))
    labels = data.draw(st.lists(st.sampled_from(["no", "yes"]), min_size=len(texts), max_size=len(texts)))
    weights = data.draw(st.lists(st.sampled_from([0.5, 1.0, 3.0]), min_size=len(texts), max_size=len(texts)))
    smooth, row = data.draw(st.sampled_from([0.0, 10.0])), data.draw(st.integers(0, len(texts) - 1))
    featurizer = TabularFeaturizer(categorical=categorical, numeric="none", smooth=smooth)  # type: ignore[arg-type]
    if all(text is None for text in texts):
        texts[0] = "a"
    other = [*labels[:row], "no" if labels[row] == "yes" else "yes", *labels[row + 1 :]]
    seen, otherwise = (
        featurizer.transform_train(featurizer.fit(train), train).X[row]
        for train in (rows(texts, given, weights) for given in (labels, other))
    )
    # Sums over the others are differences of sums, so that the last digits may be others.
    np.testing.assert_allclose(seen, otherwise, rtol=1e-5, atol=1e-6)
