"""Isolation forests as transforms: the rows that scikit-learn would find, flagged in every format, or dropped from training."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from sklearn.ensemble import IsolationForest

import hookline as hl
from hookline import Dataset, Roles
from hookline.errors import ConfigError, DataError
from hookline.kinds.plain import from_json, to_json
from hookline_sklearn import DropIsolatedTransform, IsolatedTransform
from hookline_sklearn.transforms.isolation import CutTree, FittedIsolated
from kit.tables import with_row_ids


def cloud(rows: int = 400) -> pl.DataFrame:
    """Return a cloud of points, four that are far from it (the last ones), and a target."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(rows, 3))
    X[-4:] = [[9, 9, 9], [-9, 9, -9], [9, -9, 9], [-9, -9, 9]]
    frame = pl.DataFrame({"a": X[:, 0], "b": X[:, 1], "c": X[:, 2], "y": np.where(X[:, 0] > 0, "yes", "no")})
    return frame.with_columns(pl.when(pl.int_range(pl.len()) % 50 != 7).then("b").alias("b"))


def train_of(frame: pl.DataFrame, **roles: Any) -> Dataset:
    return Dataset(with_row_ids(frame), Roles(target="y", **roles))


def test_the_rows_that_are_far_from_all_others_are_flagged() -> None:
    train = train_of(cloud())
    made = IsolatedTransform().fit(train).transform(train.frame).collect()
    assert made["is_isolated"].dtype == pl.Boolean
    assert made["is_isolated"][-4:].all()
    assert made["is_isolated"].sum() == 4


def test_depths_are_those_of_scikit_learn() -> None:
    train = train_of(cloud())
    forest = IsolatedTransform(n_estimators=50).fit(train).forest
    rows = train.frame.collect()
    X = forest.matrix(rows)
    reference = IsolationForest(n_estimators=50, max_samples=256, random_state=0).fit(X)
    # Its score is 2 ** (-mean depth / c(256)), negated.
    c = 2 * (np.log(255) + np.euler_gamma) - 2 * 255 / 256
    expected = -np.log2(-reference.score_samples(X)) * c
    np.testing.assert_allclose(forest.depths(X) / 50, expected, atol=0.01)


def test_training_rows_are_dropped_and_others_are_asked_for_no_column_that_is_absent() -> None:
    train = train_of(cloud())
    fitted = DropIsolatedTransform().fit(train)
    assert fitted.transform(train.frame).collect()["__row_id__"].to_list() == list(range(396))
    flagged = IsolatedTransform().fit(train).transform(train.frame.drop("c")).collect()
    assert flagged.height == 400


def test_what_is_no_number_or_there_already_is_refused() -> None:
    frame = cloud().with_columns(t=pl.lit("x"))
    with pytest.raises(ConfigError, match=r"transform\.isolated\.columns: 't': holds no number"):
        IsolatedTransform(columns=("t",)).fit(train_of(frame))
    with pytest.raises(ConfigError, match=r"transform\.isolated\.flag: the rows have a column 'a' already"):
        IsolatedTransform(flag="a").fit(train_of(frame))
    with pytest.raises(DataError, match="isolated looks at numbers, and no feature is one"):
        IsolatedTransform().fit(train_of(frame.select("t", "y")))


def test_a_tree_that_leads_in_circles_is_refused_when_it_is_read() -> None:
    train = train_of(cloud())
    state: Any = to_json(IsolatedTransform(n_estimators=1).fit(train))
    assert from_json(FittedIsolated, state) == IsolatedTransform(n_estimators=1).fit(train)
    state["forest"]["trees"][0]["left"][0] = 0
    with pytest.raises(ValueError, match="leads out of its own nodes"):
        from_json(FittedIsolated, state)
    with pytest.raises(ValueError, match="differ in length"):
        CutTree((0,), (0.0, 1.0), (-1,), (-1,), (0.0,))


def test_every_format_flags_the_same_rows(tmp_path: Path) -> None:
    # A package that answers otherwise than the pipeline is refused.
    run = hl.run(
        home=tmp_path,
        source=cloud(),
        target="y",
        transform=[{"component": "isolated", "share": 0.05, "n_estimators": 20}],
        trainer="decision_tree",
        evaluator=[],
        monitor=[],
        packager=["onnx", "skops"],
    )
    far = cloud().tail(20).drop("y")
    expected = run.predict(far)
    for name in ("onnx", "skops"):
        found = hl.load(run.package(name)).predict(far)
        np.testing.assert_allclose(found.probabilities, expected.probabilities, atol=1e-6)
