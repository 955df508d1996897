"""The synthetic source: made to order, the same for a seed, with drift where it was asked for."""

from __future__ import annotations

import dataclasses
from typing import Any

import polars as pl
import pytest
from scipy import stats

from hookline_polars import SyntheticSource
from kit.tables import rows_of


def test_a_table_has_the_columns_that_were_asked_for() -> None:
    frame = rows_of(SyntheticSource(rows=100, numeric=3, cardinalities=(2, 4)))
    assert frame.shape == (100, 8)
    assert frame.columns == [
        "id",
        "timestamp",
        "number_0",
        "number_1",
        "number_2",
        "category_0",
        "category_1",
        "target",
    ]
    assert frame["category_1"].n_unique() <= 4


def test_a_seed_gives_the_same_rows_and_another_gives_others() -> None:
    source = SyntheticSource(rows=500)
    assert rows_of(source).equals(rows_of(SyntheticSource(rows=500)))
    assert not rows_of(source).equals(rows_of(SyntheticSource(rows=500, seed=1)))


def test_a_row_is_the_same_in_a_longer_table() -> None:
    short, long = rows_of(SyntheticSource(rows=50)), rows_of(SyntheticSource(rows=100_050, numeric=12))
    assert short.equals(long.head(50))
    assert long["id"].to_list() == list(range(100_050))


def test_the_fingerprint_changes_with_any_field() -> None:
    source = SyntheticSource(rows=50)
    changed = {
        "rows": 51,
        "numeric": 3,
        "cardinalities": (3,),
        "missing": 0.2,
        "noise": 0.5,
        "seed": 7,
        "drift_from": 9,
    }
    prints = {dataclasses.replace(source, **{name: value}).fingerprint() for name, value in changed.items()}
    assert len(prints | {source.fingerprint()}) == len(changed) + 1


def test_numbers_miss_the_share_that_was_asked_for() -> None:
    frame = rows_of(SyntheticSource(rows=20_000, missing=0.2))
    assert frame["number_5"].null_count() / 20_000 == pytest.approx(0.2, abs=0.02)
    assert rows_of(SyntheticSource(rows=1_000, missing=0)).null_count().sum_horizontal().item() == 0


@pytest.mark.parametrize(
    ("task", "labels"), [("binary", ["no", "yes"]), ("multiclass", ["a", "b", "c"]), ("regression", None)]
)
def test_the_target_is_of_the_task(task: Any, labels: list[str] | None) -> None:
    target = rows_of(SyntheticSource(rows=2_000, task=task))["target"]
    assert target.dtype == pl.Float64 if labels is None else target.unique().sort().to_list() == labels


def test_the_target_depends_on_the_features() -> None:
    frame = rows_of(SyntheticSource(rows=5_000, task="regression", noise=0.0, missing=0.0, numeric=1, cardinalities=()))
    assert abs(stats.pearsonr(frame["number_0"], frame["target"]).statistic) == pytest.approx(1.0)


def test_the_source_knows_its_roles() -> None:
    roles = SyntheticSource().roles()
    assert (roles.target, roles.id) == ("target", "id")


def test_rows_before_the_drift_are_untouched() -> None:
    plain, drifted = rows_of(SyntheticSource(rows=2_000)), rows_of(SyntheticSource(rows=2_000, drift_from=1_000))
    assert drifted.head(1_000).equals(plain.head(1_000))


def test_drift_moves_the_first_third_of_the_numbers_from_its_row_on() -> None:
    plain, drifted = (
        rows_of(SyntheticSource(rows=2_000, drift_from=start, drift_shift=1.5)) for start in (None, 1_000)
    )
    moved = (drifted.tail(1_000)["number_0"] - plain.tail(1_000)["number_0"]).drop_nulls()
    assert moved.min() == pytest.approx(1.5)
    assert moved.max() == pytest.approx(1.5)
    assert drifted["number_11"].equals(plain["number_11"])
    assert drifted.tail(1_000)["category_1"].mode().item() != plain.tail(1_000)["category_1"].mode().item()


def test_a_concept_drift_turns_the_dependence_round() -> None:
    source = SyntheticSource(
        rows=2_000, task="regression", noise=0.0, missing=0.0, numeric=1, cardinalities=(), drift_from=1_000,
        drift_shift=0.0, drift_concept=True,
    )  # fmt: skip
    frame = rows_of(source)
    before, after = (
        stats.pearsonr(part["number_0"], part["target"]).statistic for part in (frame[:1_000], frame[1_000:])
    )
    assert before == pytest.approx(-after)


def test_lazy_reading_gives_what_eager_reading_gives() -> None:
    source, condition = SyntheticSource(rows=3_000), pl.col("category_0") == "c1"
    lazy = source.load().frame.filter(condition).select("id", "number_1").head(40).collect()
    assert lazy.equals(rows_of(source).filter(condition).select("id", "number_1").head(40))
