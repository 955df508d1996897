"""Missing numbers from the others of their row, or from near rows: as scikit-learn has it, in one row as in many."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from sklearn.experimental import enable_iterative_imputer  # noqa: F401
from sklearn.impute import IterativeImputer, KNNImputer

import hookline as hl
from hookline import Dataset, LacksWords, Roles
from hookline.errors import ConfigError, DataError, PlanError
from hookline_sklearn import ImputeIterativeTransform, ImputeNeighborsTransform
from kit.tables import with_row_ids

NAMES = ("a", "b", "c")


def gapped(rows: int = 200, seed: int = 0) -> pl.DataFrame:
    """Return three numbers of which any two tell the third, each missing in some rows."""
    rng = np.random.default_rng(seed)
    a, b = rng.normal(size=rows), rng.normal(size=rows)
    X = np.column_stack([a, b, 2 * a - b + rng.normal(0, 0.01, rows)])
    gaps = rng.random(X.shape) < 0.1
    frame = pl.DataFrame(np.where(gaps, np.nan, X), schema=list(NAMES)).fill_nan(None)
    return frame.with_columns(y=pl.Series(np.where(a > 0, "yes", "no")), t=pl.lit("x"))


def train_of(frame: pl.DataFrame) -> Dataset:
    return Dataset(with_row_ids(frame), Roles(target="y"))


def test_iterative_fills_what_the_backend_does() -> None:
    train, fresh = train_of(gapped()), gapped(seed=1)
    made = ImputeIterativeTransform(max_iter=20).fit(train).transform(fresh.lazy()).select(NAMES).collect().to_numpy()
    X = train.frame.select(NAMES).collect().to_numpy()
    low, high = np.nanmin(X, axis=0), np.nanmax(X, axis=0)
    expected = IterativeImputer(max_iter=20, min_value=low, max_value=high, random_state=0).fit(X)
    np.testing.assert_allclose(made, expected.transform(fresh.select(NAMES).to_numpy()), rtol=1e-9)


def test_iterative_fills_nothing_beyond_what_training_rows_hold() -> None:
    train = train_of(gapped())
    row = pl.LazyFrame({"a": [1e9], "b": [-1e9], "c": [None]}, schema_overrides={"c": pl.Float64})
    (filled,) = ImputeIterativeTransform().fit(train).transform(row).collect()["c"]
    assert filled == pytest.approx(train.frame.collect()["c"].max())


def test_neighbors_fill_what_the_backend_does() -> None:
    train, fresh = train_of(gapped()), gapped(seed=1)
    made = ImputeNeighborsTransform(neighbors=3).fit(train).transform(fresh.lazy()).select(NAMES).collect().to_numpy()
    X = train.frame.select(NAMES).collect().to_numpy()
    center, scale = np.nanmean(X, axis=0), np.nanstd(X, axis=0)
    imputer = KNNImputer(n_neighbors=3).fit((X - center) / scale)
    expected = imputer.transform((fresh.select(NAMES).to_numpy() - center) / scale) * scale + center
    np.testing.assert_allclose(made, expected, rtol=1e-9)


def test_only_so_many_rows_travel_with_the_model() -> None:
    fitted = ImputeNeighborsTransform(max_rows=50).fit(train_of(gapped()))
    assert len(fitted.rows) == 50


@pytest.mark.parametrize("cls", [ImputeIterativeTransform, ImputeNeighborsTransform])
def test_what_cannot_be_filled_is_refused(cls: type[ImputeIterativeTransform]) -> None:
    with pytest.raises(DataError, match="cannot fill c: no training row has a value"):
        cls().fit(train_of(gapped().with_columns(c=pl.lit(None, pl.Float64))))
    with pytest.raises(ConfigError, match=r"columns: 't': holds no number"):
        cls(columns=("t",)).fit(train_of(gapped()))


def test_what_has_no_words_in_onnx_is_refused_before_anything_is_read() -> None:
    assert isinstance(ImputeNeighborsTransform(), LacksWords)
    with pytest.raises(
        PlanError, match="packager 'onnx' cannot say this pipeline: impute_neighbors needs a look among"
    ):
        hl.plan(source=gapped(), target="y", transform=["impute_neighbors"], packager=["onnx"])
