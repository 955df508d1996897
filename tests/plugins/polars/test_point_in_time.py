"""Rows joined as of a moment: what was known then, and nothing of what came later."""

from __future__ import annotations

import datetime as dt
import logging
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

import hookline as hl
from hookline.errors import ConfigError, DataError
from hookline.plans.keywords import FrameSource
from hookline.registry.registry import Registry
from hookline_polars import JoinSource
from hookline_polars.sources.point_in_time import Window
from kit.tables import rows_of

DAY = dt.datetime(2026, 1, 1)


def hours(*values: int | None) -> list[dt.datetime | None]:
    return [None if value is None else DAY + dt.timedelta(hours=value) for value in values]


ASKED = pl.DataFrame({"shop": ["a", "a", "b", "c", "a"], "at": hours(10, 2, 10, 10, None)})
KNOWN = pl.DataFrame(
    {"shop": ["a", "a", "a", "b", None], "at": hours(9, 10, 11, 3, 1), "price": [1.0, 2.0, 3.0, 4.0, 5.0]}
)


def joined(left: pl.DataFrame = ASKED, right: pl.DataFrame = KNOWN, **fields: Any) -> JoinSource:
    return JoinSource(
        left=FrameSource.of(left), right=FrameSource.of(right), **({"on": ("shop",), "time": "at"} | fields)
    )


def test_a_row_gets_the_last_that_was_known_at_its_moment() -> None:
    read = rows_of(joined())
    assert read["price"].to_list() == [2.0, None, 4.0, None, None]
    assert read.select(ASKED.columns).equals(ASKED)
    assert read["at_right"].to_list() == hours(10, None, 3, None, None)


def test_a_lag_keeps_back_what_was_not_known_yet() -> None:
    assert rows_of(joined(lag="30m"))["price"].to_list() == [1.0, None, 4.0, None, None]


def test_a_tolerance_leaves_out_what_is_too_old() -> None:
    read = rows_of(joined(tolerance="2h", matched="there"))
    assert read["price"].to_list() == [2.0, None, None, None, None]
    assert read["there"].to_list() == [True, False, False, False, False]


def test_inner_keeps_rows_that_something_was_known_of() -> None:
    assert rows_of(joined(how="inner"))["price"].to_list() == [2.0, 4.0]


def test_windows_are_figures_of_what_came_before() -> None:
    windows = {
        "rows": Window("price", "count", "24h"),
        "sum": Window("price", "sum", "24h"),
        "latest": Window("price", "max", "1h"),
    }
    read = rows_of(joined(windows=windows))
    assert read.columns == [*ASKED.columns, "rows", "sum", "latest"]
    assert read["rows"].to_list() == [2, 0, 1, 0, None]
    assert read["sum"].to_list() == [3.0, None, 4.0, None, None]
    assert read["latest"].to_list() == [2.0, None, None, None, None]


def test_how_many_rows_match_nothing_is_told_once(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING, "hookline.polars.join"):
        frame = joined().load().frame
        assert not caplog.messages
        frame.select("shop").collect()
        frame.collect()
    assert [line for line in caplog.messages if "3 of 5 rows (60.0%) belong to no right row" in line] == caplog.messages
    assert len(caplog.messages) == 1


moments = st.lists(st.tuples(st.sampled_from("ab"), st.integers(0, 30), st.integers(-5, 5)), max_size=25)


@given(asked=moments.filter(bool), known=moments.filter(bool), lag=st.integers(0, 4), over=st.integers(1, 10))
def test_what_comes_later_changes_nothing(asked: list[Any], known: list[Any], lag: int, over: int) -> None:
    schema = {"k": pl.String, "at": pl.Int64, "v": pl.Int64}
    left, right = (pl.DataFrame(rows, schema=schema, orient="row") for rows in (asked, known))
    left = left.select("k", "at")
    figures: dict[str, Any] = {name: Window("v", name, f"{over}i") for name in ("sum", "count", "min", "max")}  # type: ignore[arg-type]
    last = joined(left, right, on=("k",), lag=f"{lag}i")
    past = joined(left, right, on=("k",), lag=f"{lag}i", windows=figures)
    for place, (key, moment, _) in enumerate(asked):
        there = [row for row in known if row[0] == key and row[1] + lag <= moment]
        newest = max((row[1] for row in there), default=None)
        assert rows_of(last)["v"][place] == next((row[2] for row in reversed(there) if row[1] == newest), None)
        within = [row[2] for row in there if row[1] + lag > moment - over]
        found = rows_of(past).row(place, named=True)
        assert (found["sum"], found["count"]) == (sum(within) if within else None, len(within))
        assert (found["min"], found["max"]) == (min(within, default=None), max(within, default=None))


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"on": []}, "on, or time, or both"),
        ({"lag": "1h"}, "lag needs time"),
        ({"time": "at", "lag": "soon"}, "lag must be a span"),
        ({"time": "at", "windows": {"n": {"of": "v", "figure": "count", "over": "x"}}}, "over must be a span"),
        ({"time": "at", "windows": {"n": {"of": "v", "figure": "count", "over": "0d"}}}, "longer than nothing"),
        ({"time": "at", "windows": {"n": {"of": "v", "figure": "median", "over": "1d"}}}, "figure"),
    ],
    ids=["keys", "spare", "lag", "over", "nothing", "figure"],
)
def test_fields_that_do_not_go_together_are_told(registry: Registry, fields: dict[str, Any], told: str) -> None:
    sides = {side: {"component": "file", "path": f"{side}.csv"} for side in ("left", "right")}
    with pytest.raises(ConfigError, match=told):
        registry.build("source", "join", {**sides, "on": ["k"], **fields}, "source")


def test_moments_that_do_not_compare_are_told() -> None:
    with pytest.raises(DataError, match="which do not compare"):
        joined(right=KNOWN.with_columns(at=pl.int_range(pl.len(), dtype=pl.Int64))).load()
    with pytest.raises(DataError, match="'at' of source.right is String, and no moment"):
        joined(right=KNOWN.with_columns(at=pl.lit("x"))).load()
    with pytest.raises(DataError, match="'at' of source.right is Time, and no moment"):
        joined(right=KNOWN.with_columns(at=pl.col("at").dt.time())).load()
    with pytest.raises(DataError, match=r"source\.right has no column 'when'"):
        joined(right_time="when").load()


WHOLE = [frame.with_columns(pl.col("at").dt.hour().cast(pl.Int64)) for frame in (ASKED, KNOWN)]


@pytest.mark.parametrize(
    ("sides", "fields", "told"),
    [
        ([ASKED, KNOWN], {"lag": "5i"}, "source.lag is 5i, and 'at' holds times"),
        ([ASKED, KNOWN], {"tolerance": "5i"}, "source.tolerance is 5i"),
        (WHOLE, {"lag": "12h"}, "source.lag is 12h, and 'at' holds whole numbers"),
        (WHOLE, {"windows": {"n": Window("price", "count", "1d")}}, r"source\.windows\.n\.over is 1d"),
    ],
    ids=["lag", "tolerance", "whole", "window"],
)
def test_a_span_of_another_sort_than_the_moments_is_told(
    sides: list[pl.DataFrame], fields: dict[str, Any], told: str
) -> None:
    with pytest.raises(DataError, match=told) as caught:
        joined(*sides, **fields).load()
    assert "write 5i of whole numbers, 12h of times" in str(caught.value)


def test_a_figure_that_values_have_none_of_is_told() -> None:
    known = KNOWN.with_columns(kind=pl.lit("x"), paid=pl.col("price") > 1)
    for figure in ("sum", "mean", "min", "max", "std"):
        with pytest.raises(DataError, match=f"'kind' of source.right is String, of which there is no {figure}"):
            joined(right=known, windows={"n": Window("kind", figure, "1d")}).load()  # type: ignore[arg-type]
    with pytest.raises(DataError, match="'at' of source.right is Datetime.*, of which there is no sum"):
        joined(right=known, windows={"n": Window("at", "sum", "1d")}).load()
    windows = {
        "kinds": Window("kind", "count", "1d"),
        "share": Window("paid", "mean", "1d"),
        "last": Window("at", "max", "1d"),
    }
    read = rows_of(joined(right=known, windows=windows))
    assert read.select("kinds", "share", "last").row(0) == (2, 0.5, hours(10)[0])


def test_a_run_learns_from_windows_that_a_file_says(tmp_path: Path, hookline: Any) -> None:
    times = [DAY + dt.timedelta(hours=n) for n in range(200)]
    pl.DataFrame({"shop": ["a", "b"] * 100, "at": times, "y": [n % 5 > 2 for n in range(200)]}).write_csv(
        tmp_path / "l.csv"
    )
    pl.DataFrame({"shop": ["a", "b"] * 100, "at": times, "v": range(200)}).write_csv(tmp_path / "r.csv")
    (tmp_path / "experiment").mkdir()
    (tmp_path / "experiment" / "spent.yaml").write_text(
        f"""# @package _global_
source:
  component: join
  left: {{component: file, path: {tmp_path}/l.csv}}
  right: {{component: file, path: {tmp_path}/r.csv}}
  on: [shop]
  time: at
  windows:
    spent: {{of: v, figure: sum, over: 1d}}
roles: {{target: y}}
trainer: {{component: decision_tree}}
packager: {{}}
"""
    )
    code, _, said = hookline("run", "--config-dir", str(tmp_path), "experiment=spent", "name=spent")
    assert code == 0, said
    assert "spent" in hl.load("spent").schema.names
