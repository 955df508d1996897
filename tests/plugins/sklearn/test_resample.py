"""The `resample` transform: training rows alone are balanced, new rows lie between near ones, and probabilities are told of."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl
import pytest

import hookline as hl
from hookline import Dataset, Roles
from hookline.errors import DataError
from hookline.kinds.artifacts import ROW_ID
from hookline_sklearn import ResampleTransform
from kit.tables import with_row_ids


def lopsided(rows: int = 200, **more: Any) -> pl.DataFrame:
    """Return rows of which one in ten is `yes`: numbers of one cluster a class, whole numbers, texts, moments and gaps."""
    rng = np.random.default_rng(0)
    yes = np.arange(rows) % 10 == 0
    frame = pl.DataFrame(
        {
            "id": [f"r{place}" for place in range(rows)],
            "a": np.where(yes, 5.0, 0.0) + rng.normal(0, 0.5, rows),
            "n": np.where(yes, 100, 0) + rng.integers(0, 10, rows),
            "text": np.where(yes, "u", rng.choice(["v", "w"], rows)),
            "day": [None] * rows,
            "y": np.where(yes, "yes", "no"),
        }
    )
    gap = pl.int_range(pl.len()) % 20 == 10
    return frame.with_columns(pl.when(~gap).then("a").alias("a"), **more)


def train_of(frame: pl.DataFrame, roles: Roles | None = None) -> Dataset:
    return Dataset(with_row_ids(frame), roles or Roles(target="y", id="id"))


def resampled(frame: pl.DataFrame, roles: Roles | None = None, **fields: Any) -> pl.DataFrame:
    train = train_of(frame, roles)
    return ResampleTransform(**fields).fit(train).transform(train.frame).collect()


def counts(frame: pl.DataFrame) -> dict[str, int]:
    return dict(frame["y"].value_counts().sort("y").rows())


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"method": "under"}, {"no": 20, "yes": 20}),
        ({"method": "under", "ratio": 0.5}, {"no": 40, "yes": 20}),
        ({"method": "over"}, {"no": 180, "yes": 180}),
        ({"method": "smote", "ratio": 0.5}, {"no": 180, "yes": 90}),
    ],
    ids=str,
)
def test_classes_become_as_frequent_as_the_ratio_says(fields: dict[str, Any], expected: dict[str, int]) -> None:
    assert counts(resampled(lopsided(), **fields)) == expected


def test_rows_that_stay_keep_their_order_and_repeats_are_spread_evenly() -> None:
    under = resampled(lopsided(), method="under")
    assert under[ROW_ID].is_sorted()
    over = resampled(lopsided(), method="over")
    assert over[:200].equals(with_row_ids(lopsided()).collect())
    repeated = over[200:][ROW_ID].value_counts()["count"]
    assert repeated.min() == repeated.max() == 8


def test_new_rows_lie_between_two_rows_of_their_class() -> None:
    frame = lopsided()
    made = resampled(frame, method="smote", neighbors=3)[200:]
    yes = frame.filter(pl.col("y") == "yes")
    assert (made[ROW_ID] < 0).all()
    assert made["id"].null_count() == made.height
    assert made["text"].unique().to_list() == ["u"]
    assert made.schema == {ROW_ID: pl.Int64, **frame.schema}
    for name in ("a", "n"):
        low, high = yes[name].min(), yes[name].max()
        assert made[name].drop_nulls().is_between(low, high).all()
    # A number that is no row's own, so that it does lie between.
    assert not made["a"].drop_nulls().is_in(yes["a"].drop_nulls().implode()).all()


def test_of_the_same_rows_always_the_same_are_drawn() -> None:
    assert resampled(lopsided(), method="smote", seed=3).equals(resampled(lopsided(), method="smote", seed=3))
    assert not resampled(lopsided(), method="smote", seed=3).equals(resampled(lopsided(), method="smote", seed=4))


@pytest.mark.parametrize("method", ["under", "over", "smote"])
def test_rows_of_weight_zero_are_neither_counted_nor_copied(method: Any) -> None:
    roles = Roles(target="y", id="id", weight="w")
    clean = lopsided(w=pl.lit(1.0))
    weightless = clean.with_columns(pl.lit("yes").alias("y"), pl.lit(1e9).alias("a"), pl.lit(0.0).alias("w"))
    found = resampled(pl.concat([clean, weightless]), roles, method=method).filter(pl.col("w") > 0)
    assert found.drop(ROW_ID).equals(resampled(clean, roles, method=method).drop(ROW_ID))


def test_reweighed_rows_weigh_by_class_what_they_did_before() -> None:
    roles = Roles(target="y", id="id", weight="w")
    frame = lopsided(w=pl.int_range(pl.len()) % 3 + 1)
    for method in ("under", "over"):
        found = resampled(frame, roles, method=method, reweight=True)
        for label in ("yes", "no"):
            before, after = (one.filter(pl.col("y") == label)["w"].sum() for one in (frame, found))
            assert after == pytest.approx(before)
    with pytest.raises(DataError, match="the column of the weight role, and there is none"):
        resampled(lopsided(), reweight=True)


def test_a_number_has_no_classes_to_balance() -> None:
    with pytest.raises(DataError, match="resample balances classes, and the target 'y' is a number"):
        resampled(lopsided().with_columns(y=pl.col("n") * 1.5))


def test_one_class_alone_and_a_class_of_one_row_are_borne() -> None:
    alone = lopsided().filter(pl.col("y") == "no")
    assert resampled(alone, method="over").height == alone.height
    one = pl.concat([alone, lopsided().filter(pl.col("y") == "yes").head(1)])
    assert counts(resampled(one, method="smote")) == {"no": 180, "yes": 180}


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> hl.Run:
    return hl.run(
        home=tmp_path_factory.mktemp("home"),
        source=lopsided(300).drop("day"),
        target="y",
        roles={"id": "id"},
        transform=[{"component": "impute"}, {"component": "resample", "method": "smote"}],
        featurizer={"component": "tabular", "categorical": "target"},
        trainer="decision_tree",
        evaluator=["standard"],
        monitor=[],
        packager=["skops"],
    )


def test_held_out_rows_stay_as_they_are_and_the_ledger_counts_the_new_ones(run: hl.Run) -> None:
    (entry,) = run.cleaning.filter(pl.col("component") == "resample").to_dicts()
    assert (entry["rows_in"], entry["rows_out"], entry["rows_dropped"]) == (210, 210 + entry["rows_added"], 0)
    assert entry["rows_added"] > 150
    assert run.package("skops").is_dir()


def test_a_run_tells_that_probabilities_are_of_other_shares(run: hl.Run) -> None:
    (told,) = [one["message"] for one in run.findings if one["statistic"] == "resampled_share"]
    assert "and 50.0% once resampled" in told
    assert "they are no chances" in told


def test_a_row_and_its_copies_do_not_tell_each_other_the_target() -> None:
    from hookline import Target
    from hookline_polars import TabularFeaturizer

    rng = np.random.default_rng(0)
    # Every row has a text of its own, but for copies: encoded by another fold, a copy would give the target away.
    frame = pl.DataFrame({"t": [f"t{i // 2}" for i in range(80)], "y": np.repeat(rng.integers(0, 2, 40), 2)})
    ids = pl.Series(ROW_ID, np.repeat(np.arange(40), 2))
    target = Target("y", "binary", (0, 1))
    featurizer = TabularFeaturizer(categorical="target", smooth=1.0, numeric="none")
    for copies, low, high in ((True, 0.0, 0.7), (False, 0.7, 1.0)):
        told = frame.with_columns(ids if copies else pl.Series(ROW_ID, np.arange(80)))
        train = Dataset(told.lazy(), Roles(target="y"), target=target)
        made = featurizer.transform_train(featurizer.fit(train), train).dense()[:, 0]
        agrees = float(((made > 0.5) == (frame["y"].to_numpy() == 1)).mean())
        assert low <= agrees <= high
