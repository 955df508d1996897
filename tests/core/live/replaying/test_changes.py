"""Two answers to each row, compared; and where they differ most."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import numpy as np
import polars as pl
import pytest

from hookline.kinds.artifacts import Column, Target
from hookline.live.replaying.changes import Pair, changes_of, is_same
from hookline.live.replaying.slices import slices_of

LABELS = Target("churned", "binary", ("no", "yes"))
NUMBERS = Target("price", "regression")
TIME = datetime(2026, 11, 28, tzinfo=UTC)


def pair(place: int, then: Any, now: Any, shares: tuple[float, float] | None = None, **row: Any) -> Pair:
    both = (None, None) if shares is None else tuple([1 - share, share] for share in shares)
    return Pair(f"p{place}", TIME, row, then, now, *both)


def test_a_decision_is_other_where_the_label_is() -> None:
    pairs = [pair(0, "no", "yes", (0.4, 0.7)), pair(1, "yes", "yes", (0.9, 0.6)), pair(2, "no", "no", (0.1, 0.1))]
    found = changes_of(pairs, None, (), LABELS)
    assert (found.rows, found.changed, found.share) == (3, 1, 1 / 3)
    assert found.shift == pytest.approx((0.3 + 0.3 + 0.0) / 3)
    assert found.answers == (("no", 2, 1), ("yes", 1, 2))
    (example,) = found.examples
    assert (example.then, example.now, example.then_probability, example.now_probability) == ("no", "yes", 0.6, 0.7)


def test_examples_are_those_whose_answers_are_furthest_apart() -> None:
    pairs = [pair(i, "no", "yes", (0.4, 0.5 + i / 20)) for i in range(10)]
    assert [one.id for one in changes_of(pairs, None, (), LABELS).examples] == ["p9", "p8", "p7", "p6", "p5"]


def test_of_numbers_an_answer_is_other_once_it_is_a_tenth_of_the_spread_off() -> None:
    then = np.linspace(0, 10, 101)
    moved = np.where(np.arange(101) < 20, then + 1.0, then + 0.01)
    pairs = [pair(i, float(a), float(b)) for i, (a, b) in enumerate(zip(then, moved, strict=True))]
    found = changes_of(pairs, None, (), NUMBERS)
    assert found.threshold == pytest.approx(then.std() / 10)
    assert found.changed == 20
    assert found.answers[0] == ("mean", pytest.approx(then.mean()), pytest.approx(moved.mean()))
    assert found.answers[2] == ("50% quantile", pytest.approx(np.median(then)), pytest.approx(np.median(moved)))


def test_without_probabilities_only_the_labels_are_compared() -> None:
    found = changes_of([pair(0, "no", "yes"), pair(1, "no", "no")], None, (), LABELS)
    assert (found.changed, found.shift) == (1, None)
    assert found.examples[0].then_probability is None


def test_nothing_is_other_of_no_rows() -> None:
    found = changes_of([], None, (), LABELS)
    assert (found.rows, found.changed, found.share, found.examples) == (0, 0, 0.0, ())


@pytest.mark.parametrize(("then", "now"), [(1, 1.0), (1, "1"), (True, "true"), ("a", "a")])
def test_labels_that_went_through_a_table_are_the_same(then: Any, now: Any) -> None:
    assert is_same(then, now)
    assert not is_same(then, "other")


def columns(frame: pl.DataFrame) -> tuple[Column, ...]:
    kinds = {pl.Float64: "number", pl.String: "string", pl.Boolean: "boolean", pl.Datetime: "datetime"}
    return tuple(Column(name, repr(dtype), kinds[dtype.base_type()]) for name, dtype in frame.schema.items())  # type: ignore[arg-type,index]


def test_the_slice_where_the_changes_are_comes_first() -> None:
    rng = np.random.default_rng(1)
    size = 2_000
    frame = pl.DataFrame(
        {
            "plan": rng.choice(["basic", "gold", "silver"], size),
            "bill": rng.normal(50, 10, size),
            "active": rng.random(size) > 0.5,
        }
    )
    gold = (frame["plan"] == "gold").to_numpy()
    changed = np.where(gold, rng.random(size) < 0.4, rng.random(size) < 0.02)
    first, *others = slices_of(frame, changed, columns(frame))
    assert (first.column, first.value, first.surely) == ("plan", "gold", True)
    assert (first.rows, first.changed) == (int(gold.sum()), int((changed & gold).sum()))
    assert not any(one.surely for one in others)


def test_bins_of_a_number_and_missing_values_are_slices_too() -> None:
    rng = np.random.default_rng(2)
    bills = rng.normal(50, 10, 1_000)
    bills[:100] = np.nan
    frame = pl.DataFrame({"bill": bills}).with_columns(pl.col("bill").fill_nan(None))
    high = np.nan_to_num(bills, nan=0.0) > 60
    found = slices_of(frame, high | (np.arange(1_000) < 100), columns(frame))
    assert {one.value for one in found if one.share == 1} >= {"missing"}
    top = max((one for one in found if one.value != "missing"), key=lambda one: one.share)
    low, _, end = top.value.partition(" to ")
    inside = (bills > float(low) - 1e-3) & (bills <= float(end) + 1e-3)
    assert top.rows == pytest.approx(int(inside.sum()), abs=1)


def test_few_values_of_a_number_are_slices_by_themselves_and_times_are_told_as_times() -> None:
    visits = np.repeat([1.0, 2.0, 3.0], 100)
    joined = pl.datetime_range(datetime(2024, 1, 1), datetime(2024, 10, 26), "1d", eager=True)
    frame = pl.DataFrame({"visits": visits, "joined": joined})
    found = slices_of(frame, visits == 2, columns(frame))
    assert ("visits", "2", 100, 100) in [(one.column, one.value, one.rows, one.changed) for one in found]
    assert any(one.value.startswith("2024-0") for one in found if one.column == "joined")


def test_chance_alone_makes_no_slice_sure() -> None:
    sure = 0
    for seed in range(15):
        rng = np.random.default_rng(seed)
        frame = pl.DataFrame({name: rng.normal(size=1_000) for name in "abcd"} | {"c": rng.choice(list("uvw"), 1_000)})
        sure += any(one.surely for one in slices_of(frame, rng.random(1_000) < 0.1, columns(frame)))
    assert sure <= 2


def test_a_slice_of_few_rows_is_none() -> None:
    frame = pl.DataFrame({"plan": ["rare"] * 5 + ["basic"] * 300})
    assert [one.value for one in slices_of(frame, np.arange(305) < 5, columns(frame))] == []
