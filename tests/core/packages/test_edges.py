"""Generated rows hold what their columns can hold, and can be told as JSON."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import polars as pl
import pytest

import hookline as hl
from hookline.packages.certificate.edges import make_edges, plain_row

SIZE = 120


def table(dtype: Any) -> pl.DataFrame:
    moments = pl.datetime_range(datetime(2020, 1, 1), datetime(2020, 2, 1), "1h", time_zone="UTC", eager=True)
    zone = getattr(dtype, "time_zone", None)
    since = moments.dt.convert_time_zone(zone) if zone else moments.dt.replace_time_zone(None)
    return pl.DataFrame({"since": since.head(SIZE).cast(dtype), "y": ["a", "a", "b", "b"] * (SIZE // 4)})


@pytest.mark.parametrize(
    ("dtype", "years"),
    [
        (pl.Datetime("ns"), {1969, 2000}),
        (pl.Datetime("ns", "UTC"), {1969, 2000}),
        (pl.Datetime("ns", "Asia/Tokyo"), {1970, 2000}),
        (pl.Datetime("us", "America/New_York"), {1969, 2000, 9999}),
        (pl.Datetime("ms"), {1, 1969, 2000, 9999}),
        (pl.Date(), {1, 1969, 2000, 9999}),
    ],
)
def test_a_column_of_any_unit_and_zone_is_packaged_on_moments_that_it_can_hold(
    dtype: Any, years: set[int], tmp_path: Path
) -> None:
    frame = table(dtype)
    run = hl.run(source=frame, target="y", trainer="decision_tree", packager=["skops"], evaluator=[], home=tmp_path)
    assert all(one["ok"] for one in run.evidence["certificates"])
    edges = make_edges(run.predictor, frame, 0)
    extreme = edges.frame.filter(pl.Series([sort == "extreme" for sort in edges.sorts]))["since"]
    assert extreme.dtype == dtype
    assert {moment.year for moment in extreme.to_list()} == years


def test_a_row_is_told_as_json() -> None:
    row = {"when": datetime(2020, 1, 1, tzinfo=UTC), "x": float("nan"), "n": 1, "t": "nan"}
    told = plain_row(row)
    assert told == {"when": "2020-01-01T00:00:00+00:00", "x": None, "n": 1, "t": "nan"}
    assert json.loads(json.dumps(told, allow_nan=False)) == told


@pytest.mark.parametrize("packager", ["onnx", "skops"])
def test_numbers_of_any_type_are_packaged_and_served_on_numbers_beyond_them(packager: str, tmp_path: Path) -> None:
    frame = pl.DataFrame(
        {
            "price": pl.Series([f"{i % 17}.25" for i in range(SIZE)]).cast(pl.Decimal(8, 2)),
            "tiny": pl.Series([i % 7 for i in range(SIZE)], dtype=pl.Int8),
            "huge": pl.Series([10**20 + i % 5 * 10**19 for i in range(SIZE)], dtype=pl.Int128),
            "flag": pl.Series([i % 3 > 0 for i in range(SIZE)]),
            "y": ["a" if i % 17 * 2 + i % 7 > 20 else "b" for i in range(SIZE)],
        }
    )
    run = hl.run(
        source=frame,
        target="y",
        trainer="decision_tree",
        packager=[packager],
        deployer="local",
        name="m",
        evaluator=[],
        home=tmp_path,
    )
    assert [one["ok"] for one in run.evidence["certificates"]] == [True, True]
    near = pl.DataFrame({"price": [3.256, 1e30], "tiny": [5.5, 1e9], "huge": [1e20, 2e38], "flag": [True, None]})
    assert run.predict(near).values.tolist() == hl.load(run.package(packager)).predict(near).values.tolist()
