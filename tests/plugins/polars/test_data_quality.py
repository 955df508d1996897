"""The data quality monitor: what is broken is told by name, and rows of the same source are not."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from hookline import Dataset, Reference, Report, Roles, Target
from hookline.errors import StoreError
from hookline.quality.distributions import profile
from hookline_polars import DataQualityMonitor

ROLES = Roles(target="y", time="t")
START = datetime(2026, 1, 1)


def rows(count: int, seed: int, **over: object) -> pl.DataFrame:
    rng = np.random.default_rng(seed)
    moments = np.cumsum(rng.exponential(60, count))
    columns = {
        "t": [START + timedelta(seconds=float(moment)) for moment in moments],
        "x": rng.normal(size=count),
        "n": rng.integers(0, 50, count),
        "s": rng.choice(["a", "b", "c"], count),
        "y": rng.random(count),
    }
    return pl.DataFrame(columns | over)


def known_of(before: pl.DataFrame, folder: Path) -> Reference:
    """Return what a package remembers of training rows."""
    dataset = Dataset(before.lazy(), ROLES)
    learned = profile(before.lazy(), dataset.feature_columns())
    in_run = Reference(learned, dataset, time="t", target=Target("y", "regression"))
    report = DataQualityMonitor().check(Dataset(rows(500, 9).lazy(), ROLES), in_run)
    assert report.findings == ()
    for name, content in report.files.items():
        (folder / name).write_bytes(content)
    return replace(in_run, dataset=None, files={name: folder / name for name in report.files})


@pytest.fixture(scope="module")
def known(tmp_path_factory: pytest.TempPathFactory) -> Reference:
    return known_of(rows(3_000, 0), tmp_path_factory.mktemp("package"))


def checked(now: pl.DataFrame, known: Reference) -> Report:
    return DataQualityMonitor().check(Dataset(now.lazy(), ROLES), known)


def test_rows_of_the_same_source_are_not_broken_also_where_they_are_many(known: Reference) -> None:
    for count, seed in ((200, 1), (3_000, 2), (20_000, 3)):
        assert checked(rows(count, seed), known).findings == ()


def test_what_is_broken_is_told_by_name(known: Reference) -> None:
    count = 1_000
    place = pl.int_range(count)
    now = rows(count, 4).with_columns(
        x=pl.when(place % 10 == 0).then(-999.0).otherwise("x"),
        n=pl.lit(7),
        s=pl.when(place % 20 == 0).then(pl.lit("zz")).otherwise("s"),
    )
    told = {finding.subject: finding for finding in checked(now, known).findings}
    assert {name: finding.statistic for name, finding in told.items()} == {
        "x": "outside share",
        "n": "values",
        "s": "new share",
    }
    assert told["x"].message.startswith("'x' is beyond all values of training in 10.")
    assert "one value in all 1,000 rows, and had 50 in training" in told["n"].message
    assert "'zz' (5.0%)" in told["s"].message


def test_columns_that_are_absent_empty_or_of_another_type_are_told(known: Reference) -> None:
    now = rows(500, 5).with_columns(n=pl.col("n").cast(pl.String), x=pl.lit(None, dtype=pl.Float64)).drop("s")
    told = {finding.subject: (finding.statistic, finding.severity) for finding in checked(now, known).findings}
    assert told == {"s": ("columns", "critical"), "n": ("type", "critical"), "x": ("missing share", "critical")}


def test_copied_rows_are_told(known: Reference) -> None:
    once = rows(300, 6)
    (found,) = checked(pl.concat([once, once.head(100)]), known).findings
    assert (found.subject, found.statistic, found.value) == ("rows", "copies", pytest.approx(0.25))
    assert found.message == "25.0% of rows are copies of another, and were 0.0%."


def test_a_gap_in_time_is_told_and_slower_rows_are_none(known: Reference) -> None:
    late = pl.when(pl.int_range(1_000) >= 500).then(pl.col("t") + pl.duration(hours=5)).otherwise("t")
    now = rows(1_000, 7).with_columns(t=late)
    (found,) = checked(now, known).findings
    assert (found.subject, found.statistic) == ("t", "gap")
    assert found.message.startswith("there are no rows for 5:0")
    assert f"from {now['t'][499]:%Y-%m-%d %H:%M} on" in found.message
    slow = rows(200, 8).with_columns(t=pl.col("t").min() + (pl.col("t") - pl.col("t").min()) * 20)
    assert checked(slow, known).findings == ()


def test_without_kept_figures_copies_and_gaps_are_left_out_and_a_torn_file_is_refused(
    known: Reference, tmp_path: Path
) -> None:
    once = rows(300, 6)
    assert checked(pl.concat([once, once]), replace(known, files={})).findings == ()
    (tmp_path / "rows.json").write_text("[")
    with pytest.raises(StoreError, match="does not tell of the training rows"):
        checked(once, replace(known, files={"rows.json": tmp_path / "rows.json"}))


def test_too_few_rows_are_not_judged(known: Reference) -> None:
    (note,) = checked(rows(20, 1), known).findings
    assert (note.subject, note.severity) == ("rows", "info")
