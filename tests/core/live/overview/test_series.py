"""How a model did over time, read from what its monitors said of windows."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

import hookline as hl
from hookline.live.overview.series import drift_in, plain_series, quality_in
from kit.homes import HOUR, NOW, busy, drifted, judged


def test_each_column_has_its_way_in_the_order_of_time_the_farthest_first(tmp_path: Path) -> None:
    busy(tmp_path)
    found = hl.drift_over_time("shop", home=tmp_path)
    assert [(one.column, len(one.points)) for one in found] == [("income", 12), ("age", 12)]
    income, age = found
    assert [point.effect for point in income.points] == pytest.approx([0.05 * n for n in range(12)])
    assert income.points[0].until == NOW - 48 * HOUR
    assert [point.drifted for point in income.points].index(True) == 3
    assert income.size == pytest.approx(5.5)
    assert (income.reference, income.current) == ("mean 1 of income", "mean 2")
    assert income.chart is not None
    assert income.drawn == NOW - 4 * HOUR
    assert age.chart is None
    assert json.loads(json.dumps(plain_series(found)))[0]["points"][-1]["threshold"] == 0.1


def test_only_so_many_windows_are_read_as_are_asked_for(tmp_path: Path) -> None:
    busy(tmp_path)
    found = hl.drift_over_time("shop", limit=10, home=tmp_path)
    # Of each span there is a window of each of two monitors.
    assert [len(one.points) for one in found] == [5, 5]


def test_what_a_window_says_that_is_no_number_is_left_out() -> None:
    fine = drifted("shop", NOW, {"income": 0.2})
    tables = fine.figures["tables"]
    odd = {
        **tables[0],
        "rows": [("income", "KS", "NaN", None, 0.1, "same", "", ""), ("b", "KS", 0.3, "NaN", 0.1, "", "", "")],
    }
    found = drift_in([replace(fine, figures={**fine.figures, "tables": [odd]}), fine])
    assert [(one.column, [(p.effect, p.low) for p in one.points]) for one in found] == [
        ("b", [(0.3, None)]),
        ("income", [(0.2, 0.1)]),
    ]


def test_windows_without_figures_say_nothing() -> None:
    assert drift_in([judged("shop", NOW, None)]) == []
    assert quality_in([judged("shop", NOW, None)]) == []


def test_a_measured_metric_has_its_interval_and_what_it_was_on_held_out_rows(tmp_path: Path) -> None:
    busy(tmp_path)
    measured, share = hl.quality_over_time("shop", home=tmp_path)
    assert (measured.metric, measured.how, measured.held_out, len(measured.points)) == ("accuracy", "measured", 0.9, 4)
    assert (measured.points[0].low, measured.points[0].high) == pytest.approx((0.75, 0.85))
    assert measured.points[0].seconds == 2 * 3600
    assert (share.metric, share.how) == ("drift_share", "")
