"""How seldom unchanged columns are told, and how often a shift is found; `benchmarks/quality/drift.py` prints the whole table."""

from __future__ import annotations

import runpy
from pathlib import Path

import pytest

BENCHMARK = runpy.run_path(str(Path(__file__).parents[3] / "benchmarks" / "quality" / "drift.py"))


def test_unchanged_columns_are_told_in_at_most_one_of_a_hundred_draws() -> None:
    rows = [*BENCHMARK["false_alarms"]({500: 3, 2_000: 3})]
    looked = [row["draws"] * row["columns"] for row in rows]
    told = sum(row["false"] * columns for row, columns in zip(rows, looked, strict=True))
    assert len(rows) == 4
    assert told <= 0.01 * sum(looked)


def test_a_fifth_of_a_standard_deviation_is_always_found_and_a_twentieth_never() -> None:
    rows = [*BENCHMARK["power"](2, (0.05, 0.2), shapes=("normal", "flat", "two peaks"))]
    assert {(row["shift_in_sd"], row["found"]) for row in rows} == {(0.05, 0.0), (0.2, 1.0)}


@pytest.mark.long
def test_the_whole_table_keeps_what_it_promises() -> None:
    assert all(row["false"] <= 0.01 for row in BENCHMARK["false_alarms"]({500: 100, 5_000: 30, 100_000: 3}))
    assert all(row["found"] >= 0.8 for row in BENCHMARK["power"](150, (0.1,)))
    (first, *_) = BENCHMARK["streams"](60)
    assert first["false_in_10000"] <= 0.1
    assert first["labels_until_found"] <= 90
    for row in BENCHMARK["estimates"](10):
        if row["moved_sd"] <= 1 and not row["switched_off"]:
            assert row["off_accuracy"] <= 0.03
    for row in BENCHMARK["together"](20):
        assert row.get("false", 0.0) <= 0.05
