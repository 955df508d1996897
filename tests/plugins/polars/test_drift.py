"""The drift monitor: effect sizes as scipy computes them, no false alarms, and drift that is there found."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from hookline import Dataset, Reference, Report, Roles, Target
from hookline.quality.distributions import profile, rebin
from hookline.quality.effects import (
    categorical_effect,
    categorical_effect_of_top,
    missing_effect,
    numeric_effect,
    numeric_effect_of_bins,
)
from hookline_polars import DataDriftMonitor, SyntheticSource

FINITE = st.lists(st.floats(-1e6, 1e6) | st.integers(-3, 3).map(float), min_size=2, max_size=60)


def compared(before: pl.DataFrame, now: pl.DataFrame, *, rows: bool = True, **options: Any) -> Report:
    reference = Reference(
        profile(before.lazy(), before.columns), Dataset(before.lazy(), Roles(target="y")) if rows else None
    )
    return DataDriftMonitor(**options).check(Dataset(now.lazy()), reference)


def frame(rows: int, seed: int, **over: Any) -> pl.DataFrame:
    rng = np.random.default_rng(seed)
    columns = {"x": rng.normal(size=rows), "s": rng.choice(["a", "b", "c"], rows), "y": rng.random(rows)}
    return pl.DataFrame(columns | over)


@pytest.mark.parametrize("rows", [True, False], ids=["with the rows", "with the profile only"])
def test_the_target_may_be_absent_wherever_it_stands_and_no_other_column(rows: bool) -> None:
    before = frame(200, 0).select("y", "x", "s")
    held = Dataset(before.lazy(), Roles(target="y")) if rows else None
    reference = Reference(profile(before.lazy(), before.columns), held, target=Target("y", "regression"))
    found = [
        [finding.subject for finding in DataDriftMonitor().check(Dataset(now.lazy()), reference).findings]
        for now in (frame(200, 0).select("x", "s"), frame(200, 0).select("x"))
    ]
    assert found == [[], ["s"]]


@pytest.mark.parametrize("rows", [True, False], ids=["with the rows", "with the profile only"])
def test_a_time_that_moves_on_is_no_drift(rows: bool) -> None:
    before, now = (pl.DataFrame({"t": range(start, start + 500), "x": [1.0, 2.0] * 250}) for start in (0, 500))
    held = Dataset(before.lazy(), Roles(time="t")) if rows else None
    learned = profile(before.lazy(), before.columns)
    for time, drifted in ((None, ["t"]), ("t", [])):
        report = DataDriftMonitor().check(Dataset(now.lazy()), Reference(learned, held, time=time))
        assert [finding.subject for finding in report.findings] == drifted


@settings(max_examples=60, deadline=None)
@given(FINITE, FINITE)
def test_the_distance_of_numbers_equals_scipys(before: list[float], now: list[float]) -> None:
    golden = stats.ks_2samp(before, now, method="asymp").statistic
    assert numeric_effect("x", np.array(before), np.array(now)).value == pytest.approx(golden, abs=1e-9)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.integers(0, 40), min_size=2, max_size=6), st.lists(st.integers(0, 40), min_size=2, max_size=6))
def test_the_effect_on_categories_equals_scipys(before: list[int], now: list[int]) -> None:
    size = max(len(before), len(now))
    table = np.array([counts + [0] * (size - len(counts)) for counts in (before, now)])
    table = table[:, table.sum(axis=0) > 0]
    if table.shape[1] < 2 or (table.sum(axis=1) == 0).any():
        return
    samples = [pl.LazyFrame({"s": np.repeat([f"v{i}" for i in range(table.shape[1])], row)}) for row in table]
    effect = categorical_effect("s", *(dict(profile(sample, ["s"])["s"].top) for sample in samples))
    golden = stats.contingency.association(table, method="cramer", correction=False)
    assert effect.value == pytest.approx(golden, abs=1e-9)
    assert 0 <= effect.low <= effect.value


def test_the_binned_distance_is_close_to_the_exact_one_and_never_above() -> None:
    rng = np.random.default_rng(0)
    before, now = pl.LazyFrame({"x": rng.normal(size=5_000)}), pl.LazyFrame({"x": rng.normal(0.3, 1, 5_000)})
    reference = profile(before, ["x"])
    binned = numeric_effect_of_bins(reference["x"], rebin(now, reference)["x"]).value
    exact = stats.ks_2samp(before.collect()["x"], now.collect()["x"]).statistic
    assert exact - 1 / 256 < binned <= exact + 1e-12


def test_the_bound_of_a_missing_share_is_walds() -> None:
    before, now = (
        profile(pl.LazyFrame({"x": [None] * missing + [1.0] * (1_000 - missing)}), ["x"])["x"] for missing in (100, 160)
    )
    effect = missing_effect(before, now)
    spread = (0.1 * 0.9 / 1_000 + 0.16 * 0.84 / 1_000) ** 0.5
    assert effect.value == pytest.approx(0.06)
    assert effect.low == pytest.approx(0.06 - stats.norm.ppf(0.95) * spread, abs=1e-4)


@pytest.mark.parametrize("rows", [1_000, 100_000])
@pytest.mark.parametrize("seed", [0, 1])
def test_the_same_distribution_raises_no_alarm(rows: int, seed: int) -> None:
    before, now = (
        SyntheticSource(rows=rows, seed=s, cardinalities=(5, 100, 1_000)).load().frame.drop("id", "timestamp").collect()
        for s in (seed, seed + 10)
    )
    before, now = before.rename({"target": "y"}), now.rename({"target": "y"})
    report = compared(before.drop("y"), now.drop("y"))
    assert report.findings == ()
    assert report["drift_share"] == 0


@pytest.mark.parametrize("seed", range(10))
def test_few_rows_raise_no_false_alarm(seed: int) -> None:
    assert compared(frame(1_000, seed), frame(40, seed + 100)).findings == ()


def test_planted_drift_is_found_and_nothing_else() -> None:
    source = (
        SyntheticSource(rows=8_000, numeric=6, cardinalities=(5,), drift_from=4_000)
        .load()
        .frame.drop("id", "timestamp", "target")
    )
    rows = source.collect()
    report = compared(rows[:4_000], rows[4_000:])
    assert {finding.subject for finding in report.findings} == {"number_0", "number_1", "category_0"}
    assert report["drifted_columns"] == 3
    assert report["drift_share"] == pytest.approx(3 / 7)
    assert {chart.name for chart in report.charts} == {"drift_number_0", "drift_number_1", "drift_category_0"}


@pytest.mark.parametrize("with_rows", [True, False])
def test_drift_is_found_with_and_without_the_training_rows(with_rows: bool) -> None:
    rng = np.random.default_rng(5)
    moved = frame(2_000, 5, x=rng.normal(1.5, 1, 2_000))
    findings = compared(frame(2_000, 1), moved, rows=with_rows).findings
    assert [(finding.subject, finding.statistic, finding.severity) for finding in findings] == [("x", "KS", "critical")]
    assert "'x' has moved" in findings[0].message


def test_a_small_but_certain_difference_is_below_the_threshold() -> None:
    moved = frame(100_000, 5)
    moved = moved.with_columns(pl.col("x") + 0.05)
    before = frame(100_000, 1)
    assert stats.ks_2samp(before["x"], moved["x"]).pvalue < 1e-12
    assert compared(before, moved).findings == ()
    assert [f.subject for f in compared(before, moved, numeric_threshold=0.01).findings] == ["x"]


def test_values_that_go_missing_are_a_finding() -> None:
    now = frame(1_000, 2).with_columns(x=pl.when(pl.int_range(1_000) % 4 > 0).then("x"))
    (finding,) = compared(frame(1_000, 1), now).findings
    assert (finding.subject, finding.statistic) == ("x", "missing share")
    assert finding.value == pytest.approx(0.25)


@pytest.mark.parametrize("with_rows", [True, False])
def test_a_column_that_is_missing_altogether_is_told_by_its_missing_share(with_rows: bool) -> None:
    now = frame(1_000, 2, x=pl.Series([None] * 1_000, dtype=pl.Float64))
    (finding,) = compared(frame(1_000, 1), now, rows=with_rows).findings
    assert (finding.subject, finding.statistic, finding.value) == ("x", "missing share", 1.0)


def test_an_absent_column_is_a_critical_finding_and_an_absent_target_none() -> None:
    findings = compared(frame(1_000, 1), frame(1_000, 2).drop("s", "y")).findings
    assert [(finding.subject, finding.severity) for finding in findings] == [("s", "critical")]


def test_a_column_of_another_type_is_a_critical_finding() -> None:
    now = frame(1_000, 2).with_columns(pl.col("x").cast(pl.String))
    findings = compared(frame(1_000, 1), now).findings
    assert [(finding.subject, finding.statistic, finding.severity) for finding in findings] == [
        ("x", "type", "critical")
    ]


def test_datetimes_drift_too() -> None:
    times = pl.datetime_range(pl.datetime(2026, 1, 1), pl.datetime(2026, 1, 2), "1m", closed="left", eager=True)
    before, now = (pl.DataFrame({"t": times.dt.offset_by(by), "y": range(1_440)}) for by in ("0m", "12h"))
    (finding,) = compared(before, now).findings
    assert (finding.subject, finding.value) == ("t", pytest.approx(0.5))


def test_too_few_rows_are_not_judged() -> None:
    report = compared(frame(1_000, 1), frame(29, 2, x=[99.0] * 29))
    assert [(finding.subject, finding.severity) for finding in report.findings] == [("rows", "info")]
    assert "30 are needed" in report.findings[0].message


# columns of more values than a profile lists


def drawn(shares: np.ndarray, rows: int, seed: int) -> pl.DataFrame:
    codes = np.random.default_rng(seed).choice(len(shares), rows, p=shares / shares.sum())
    return pl.DataFrame({"s": pl.Series([f"v{i}" for i in range(len(shares))]).gather(codes), "y": np.zeros(rows)})


FLAT, FALLING = np.ones(5_000), 1 / np.arange(1.0, 3_001)


@pytest.mark.parametrize("with_rows", [True, False])
@pytest.mark.parametrize(
    ("shares", "before", "now"),
    [(FLAT, 70_000, 30_000), (FLAT[:3_000], 9_000, 3_000), (FALLING, 9_000, 3_000), (np.ones(10**6), 20_000, 9_000)],
    ids=["flat", "few rows a value", "falling", "names"],
)
def test_thousands_of_values_raise_no_false_alarm(shares: np.ndarray, before: int, now: int, with_rows: bool) -> None:
    assert compared(drawn(shares, before, 0), drawn(shares, now, 1), rows=with_rows).findings == ()


@pytest.mark.parametrize("with_rows", [True, False])
def test_thousands_of_values_that_change_their_mix_are_found(with_rows: bool) -> None:
    (finding,) = compared(drawn(FALLING, 9_000, 0), drawn(FALLING[::-1], 3_000, 1), rows=with_rows).findings
    assert (finding.subject, finding.statistic, finding.severity) == ("s", "Cramer's V", "critical")


@pytest.mark.parametrize("with_rows", [True, False])
@pytest.mark.parametrize("shares", [FLAT[:40], FALLING], ids=["few", "many"])
def test_many_rows_of_values_that_training_never_saw_are_found(shares: np.ndarray, with_rows: bool) -> None:
    fresh = pl.when(pl.int_range(pl.len()) % 10 < 3).then("new" + pl.int_range(pl.len()).cast(pl.String))
    now = drawn(shares, 3_000, 1).with_columns(s=fresh.otherwise("s"))
    (finding,) = compared(drawn(shares, 9_000, 0), now, rows=with_rows).findings
    assert (finding.subject, finding.statistic) == ("s", "Cramer's V")


def test_the_effect_on_thousands_of_values_counts_every_one_as_scipy_does() -> None:
    before, now = drawn(FALLING, 9_000, 0), drawn(FALLING[::-1], 3_000, 1)
    table = before["s"].value_counts(name="a").join(now["s"].value_counts(name="b"), on="s", how="full")
    golden = stats.contingency.association(table.select("a", "b").fill_null(0).to_numpy(), method="cramer")
    (finding,) = compared(before, now).findings
    assert finding.value == pytest.approx(golden, abs=1e-9)


def test_training_values_of_equal_counts_that_were_cut_off_say_nothing() -> None:
    before, now = (pl.LazyFrame({"s": [f"v{i}" for i in range(2_000)] * times}) for times in (3, 1))
    counts = dict.fromkeys(now.collect()["s"].to_list(), 1)
    assert categorical_effect_of_top(profile(before, ["s"])["s"], counts).value == 0


# values beyond those of training, and values that hide between them


@pytest.mark.parametrize("with_rows", [True, False])
@pytest.mark.parametrize(
    ("before", "now", "golden"),
    [
        ([5.0] * 400, [6.0] * 400, 1.0),
        ([5.0] * 400, [4.0] * 400, 1.0),
        ([0, 1] * 200, [0, 100] * 200, 0.5),
        ([0, 1] * 200, [0.0, 0.5] * 200, 0.5),
        ([0, 1] * 200, [-1, 1] * 200, 0.5),
        ([0] * 200 + [1] + [2] * 200, [1] * 400, 0.5),
        (list(range(400)), [-999] * 360 + list(range(0, 400, 10)), 0.9),
        (list(range(400)), [10**6] * 360 + list(range(0, 400, 10)), 0.9),
        ([*range(1, 201), *[500.0] * 200], [*range(1, 201), *[499.5] * 200], 0.5),
        (list(range(400)), [float("inf")] * 200 + list(range(0, 400, 2)), 0.5),
        ([0, 1] * 200 + [float("inf")] * 100, [0, 0.5] * 200 + [float("inf")] * 100, 0.4),
    ],
    ids=[
        "above",
        "below",
        "flag",
        "between",
        "lower flag",
        "rare middle",
        "mark",
        "large",
        "heavy",
        "infinite",
        "infinite before",
    ],
)
def test_the_distance_is_told_wherever_the_values_go(
    before: list[float], now: list[float], golden: float, with_rows: bool
) -> None:
    then, current = (pl.DataFrame({"x": pl.Series(values, dtype=pl.Float64)}) for values in (before, now))
    exact = stats.ks_2samp(before, now).statistic
    assert exact == pytest.approx(golden, abs=0.006)
    (finding,) = compared(then.with_columns(y=0.0), current.with_columns(y=0.0), rows=with_rows).findings
    assert (finding.subject, finding.statistic, finding.severity) == ("x", "KS", "critical")
    assert exact - 0.01 <= finding.value <= exact + 1e-12


VALUES = st.lists(st.sampled_from([-1e9, -1.0, 0.0, 0.5, 1.0, 2.0, 7.25, 1e9]) | st.floats(-3, 3), min_size=1)


@settings(max_examples=150, deadline=None)
@given(VALUES, VALUES, st.integers(1, 6))
def test_the_distance_from_a_profile_is_never_above_the_exact_one_nor_much_below(
    before: list[float], now: list[float], times: int
) -> None:
    then, current = np.tile(np.array(before), 40), np.array(now * times)
    reference = profile(pl.LazyFrame({"x": then}), ["x"])
    binned = numeric_effect_of_bins(reference["x"], rebin(pl.LazyFrame({"x": current}), reference)["x"]).value
    exact = stats.ks_2samp(then, current, method="asymp").statistic
    assert exact - 0.01 <= binned <= exact + 1e-9


@pytest.mark.parametrize("size", [300, 5_000, 40_000])
@pytest.mark.parametrize("heavy", [0.0, 0.002, 0.3])
def test_the_distance_from_a_profile_keeps_its_bound_where_values_are_many(size: int, heavy: float) -> None:
    rng = np.random.default_rng(size)
    then = np.where(rng.random(size) < heavy, 0.1, rng.normal(size=size))
    then = np.concatenate([then, np.repeat(rng.normal(size=size // 40), 3)])
    for now in (then + 0.01, np.where(then == 0.1, 0.0999, then), then * 3, rng.normal(size=size).round(2), -then):
        reference = profile(pl.LazyFrame({"x": then}), ["x"])
        binned = numeric_effect_of_bins(reference["x"], rebin(pl.LazyFrame({"x": now}), reference)["x"]).value
        exact = stats.ks_2samp(then, now, method="asymp").statistic
        assert exact - 0.01 <= binned <= exact + 1e-9


@pytest.mark.parametrize("with_rows", [True, False])
@pytest.mark.parametrize("dtype", [pl.Float64, pl.String, pl.Null], ids=str)
def test_a_number_without_any_value_has_not_become_a_text(dtype: pl.DataType, with_rows: bool) -> None:
    now = frame(400, 2).with_columns(x=pl.Series([None] * 400, dtype=dtype))
    (finding,) = compared(frame(400, 1), now, rows=with_rows).findings
    assert (finding.subject, finding.statistic, finding.severity) == ("x", "missing share", "critical")
    assert finding.message == "'x' is empty now, and was 0.0% missing in training."


def test_a_column_that_was_empty_in_training_and_has_values_is_told() -> None:
    before = frame(400, 1).with_columns(x=pl.Series([None] * 400, dtype=pl.String))
    (finding,) = compared(before, frame(400, 2)).findings
    assert finding.message == "'x' is 0.0% missing now, and was empty in training."


def with_new(share: float, rows: int = 1_000) -> pl.DataFrame:
    return frame(rows, 2).with_columns(s=pl.when(pl.int_range(rows) < share * rows).then(pl.lit("team")).otherwise("s"))


@pytest.mark.parametrize("with_rows", [True, False])
def test_a_new_category_is_told_by_name(with_rows: bool) -> None:
    (finding,) = compared(frame(1_000, 1), with_new(0.3), rows=with_rows).findings
    assert (finding.subject, finding.statistic, finding.severity) == ("s", "Cramer's V", "warning")
    assert finding.message.endswith("; 30.0% of rows hold values that training never saw: 'team' (30.0%).")


def test_a_new_category_in_few_rows_is_a_note_and_in_a_table() -> None:
    report = compared(frame(1_000, 1), with_new(0.02))
    (finding,) = report.findings
    assert (finding.subject, finding.statistic, finding.severity) == ("s", "new share", "info")
    assert "'team' (2.0%)" in finding.message
    (new,) = [table for table in report.tables if table.name == "New values"]
    assert new.rows == (("s", "team", 20, pytest.approx(0.02)),)


def test_new_categories_that_hardly_move_the_others_are_a_warning_from_the_threshold_on() -> None:
    before, now = frame(20_000, 1), with_new(0.03, 20_000)
    assert [f.severity for f in compared(before, now, new_threshold=0.02, categorical_threshold=0.5).findings] == [
        "warning"
    ]
    assert [f.severity for f in compared(before, now, new_threshold=0.04, categorical_threshold=0.5).findings] == [
        "info"
    ]


@pytest.mark.parametrize("seed", range(20))
@pytest.mark.parametrize("shares", [FLAT[:400], 1 / np.arange(1.0, 101), FLAT], ids=["skus", "falling", "texts"])
def test_values_that_training_happened_not_to_hold_are_no_news(shares: np.ndarray, seed: int) -> None:
    before, now = drawn(shares, 1_000, seed), drawn(shares, 500, seed + 100)
    for rows in (True, False):
        assert compared(before, now, rows=rows).findings == ()


@pytest.mark.parametrize("with_rows", [True, False])
@pytest.mark.parametrize("rows", [900, 9_000])
def test_one_value_in_many_rows_of_a_column_of_names_is_found_by_name(rows: int, with_rows: bool) -> None:
    names = np.ones(10**6)
    stuck = pl.when(pl.int_range(pl.len()) % 10 < 3).then(pl.lit("unknown")).otherwise("s")
    (finding,) = compared(drawn(names, rows, 0), drawn(names, rows, 1).with_columns(s=stuck), rows=with_rows).findings
    assert (finding.subject, finding.statistic) == ("s", "Cramer's V")
    assert "'unknown' (30.0%)" in finding.message


def test_what_is_drawn_shows_what_lies_beyond_and_what_is_new() -> None:
    before, now = frame(1_000, 1), with_new(0.4).with_columns(x=pl.lit(-999.0))
    bars = {
        chart.name: {(v["sample"], v["value"]): v["share"] for v in chart.spec["data"]["values"]}
        for chart in compared(before, now).charts
    }
    assert bars["drift_s"]["current", "team"] == pytest.approx(0.4)
    below = [(key, share) for key, share in bars["drift_x"].items() if key[1].startswith("below")]
    assert dict(below) == {("training", below[0][0][1]): 0.0, ("current", below[0][0][1]): 1.0}
    assert sum(share for (sample, _), share in bars["drift_x"].items() if sample == "training") == pytest.approx(
        1, abs=1e-3
    )


def remarks(rows: int, seed: int, words: int) -> pl.DataFrame:
    rng = np.random.default_rng(seed)
    said = [
        " ".join(rng.choice(list("abcdefgh"), rng.integers(1, words + 1))) + f" {rng.random()}"[:9] for _ in range(rows)
    ]
    return pl.DataFrame({"s": said, "y": np.zeros(rows)})


@pytest.mark.parametrize("with_rows", [True, False])
def test_texts_that_never_repeat_are_compared_by_their_lengths(with_rows: bool) -> None:
    assert compared(remarks(2_000, 0, 8), remarks(1_000, 1, 8), rows=with_rows).findings == ()
    (finding,) = compared(remarks(2_000, 0, 8), remarks(1_000, 1, 16), rows=with_rows).findings
    assert (finding.subject, finding.statistic) == ("s", "KS of lengths")
    assert "letters in training" in finding.message
    codes = [pl.DataFrame({"s": [f"{mark}{i}" for i in range(1_000, 2_000)], "y": 0.0}) for mark in ("A-", "new-")]
    report = compared(*codes, rows=with_rows)
    (longer,), (drawn,) = report.findings, report.charts
    assert {(v["sample"], v["value"]): v["share"] for v in drawn.spec["data"]["values"]} == {
        ("training", "6"): 1.0,
        ("current", "6"): 0.0,
        ("training", "others"): 0.0,
        ("current", "others"): 1.0,
    }
    assert (longer.statistic, longer.value, longer.severity) == ("KS of lengths", 1.0, "critical")
