"""Profiles in whylogs' own format: exact where they can be, within the sketches' error elsewhere, and read by whylogs."""

from __future__ import annotations

import json
import math
import os
import warnings
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

import hookline as hl
from hookline import Dataset, Profile, Reference, Report
from hookline.errors import StoreError
from hookline.kinds.reports import ColumnProfile
from hookline_whylogs import ProfileMonitor
from kit.processes import run_hookline, run_python

with warnings.catch_warnings():
    # What whylogs itself does at import is the plugin's to bear, not these tests'.
    warnings.simplefilter("ignore")
    pytest.importorskip("whylogs_sketching", reason="whylogs has no wheels for this Python")

KLL_ERROR = 0.02
"""Of a rank, at whylogs' k = 256; its own bound at 99 % confidence is 1.3 % (Karnin, Lang and Liberty 2016)."""


def summary(values: pl.Series) -> dict[str, Any]:
    from hookline_whylogs.sketches import profile_view

    view = profile_view(values.rename("x").to_frame().lazy(), ["x"])
    found: dict[str, Any] = view.get_column("x").to_summary_dict()
    return found


def frequent(values: pl.Series) -> dict[str, int]:
    return {item.value: item.est for item in summary(values)["frequent_items/frequent_strings"]}


def reference_of(names: list[str]) -> Reference:
    columns = tuple(ColumnProfile(name, "Float64", "number", 1, 0, 1) for name in names)
    return Reference(Profile(1, columns))


def checked(current: pl.DataFrame, then: pl.DataFrame) -> Report:
    reference = reference_of(then.columns)
    return ProfileMonitor().check(Dataset(current.lazy()), Reference(reference.profile, Dataset(then.lazy())))


def table(rows: int = 120) -> pl.DataFrame:
    rng = np.random.default_rng(0)
    frame = pl.DataFrame({"a": rng.normal(size=rows), "b": rng.integers(0, 5, rows), "c": rng.choice(["u", "v"], rows)})
    return frame.with_columns(label=pl.when(pl.col("a") > 0).then(pl.lit("yes")).otherwise(pl.lit("no")))


def test_counts_of_fractions_are_exact() -> None:
    found = summary(pl.Series([1.5, 2.5, None, float("nan"), float("inf"), 2.5]))
    assert (found["counts/n"], found["counts/null"]) == (6, 2)
    assert (found["counts/nan"], found["counts/inf"]) == (1, 1)
    assert (found["distribution/n"], found["distribution/min"], found["distribution/max"]) == (3, 1.5, 2.5)


def test_counts_of_texts_are_exact() -> None:
    values = pl.Series(["a", "b", None, "a", "c", "a"])
    found = summary(values)
    assert (found["counts/n"], found["counts/null"], found["types/string"]) == (6, 1, 5)
    assert round(found["cardinality/est"]) == 3
    assert frequent(values) == {"a": 3, "b": 1, "c": 1}


def test_counts_of_booleans_are_exact() -> None:
    values = pl.Series([True, False, None, True])
    found = summary(values)
    assert (found["counts/true"], found["types/boolean"], found["counts/null"]) == (2, 3, 1)
    assert frequent(values) == {"True": 2, "False": 1}


def test_mean_and_deviation_are_those_of_numpy() -> None:
    values = np.random.default_rng(0).gamma(2, 50, 5_000)
    found = summary(pl.Series(values))
    assert found["distribution/mean"] == pytest.approx(values.mean())
    assert found["distribution/stddev"] == pytest.approx(values.std(ddof=1))


@pytest.mark.parametrize("rank", [0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99])
def test_quantiles_are_within_the_error_of_the_sketch(rank: float) -> None:
    values = np.sort(np.random.default_rng(1).lognormal(size=50_000))
    found = summary(pl.Series(values))
    estimate = found["distribution/median" if rank == 0.5 else f"distribution/q_{round(100 * rank):02d}"]
    assert np.searchsorted(values, estimate) / len(values) == pytest.approx(rank, abs=KLL_ERROR)


@pytest.mark.parametrize("dtype", [pl.Int8, pl.UInt16, pl.Int64, pl.Float32, pl.Decimal(10, 2)])
def test_every_number_type_is_counted(dtype: Any) -> None:
    found = summary(pl.Series([1, 2, 2, None]).cast(dtype))
    assert (found["distribution/n"], found["distribution/max"], round(found["cardinality/est"])) == (3, 2.0, 2)


def test_a_whole_number_beyond_64_bits_with_a_sign_is_counted() -> None:
    found = summary(pl.Series([2**63 + 5, 1, 2], dtype=pl.UInt64))
    assert (found["distribution/n"], found["distribution/max"]) == (3, float(2**63 + 5))


@pytest.mark.parametrize("dtype", [pl.Int32, pl.Float64])
def test_many_distinct_numbers_are_estimated(dtype: Any) -> None:
    values = pl.Series(np.arange(30_000)).cast(dtype)
    assert summary(values)["cardinality/est"] == pytest.approx(30_000, rel=0.05)


def test_moments_are_profiled_as_seconds() -> None:
    start = datetime(2024, 1, 1)
    found = summary(pl.Series([start, start + timedelta(days=1), None]))
    assert found["distribution/min"] == start.replace(tzinfo=UTC).timestamp()
    assert found["distribution/max"] - found["distribution/min"] == 86_400


def test_a_column_of_nothing_is_all_missing() -> None:
    found = summary(pl.Series([None, None], dtype=pl.Float64))
    assert (found["counts/n"], found["counts/null"], found["distribution/n"]) == (2, 2, 0)


def test_whylogs_own_profile_of_the_rows_agrees() -> None:
    import pandas as pd

    from hookline_whylogs.compat import whylogs
    from hookline_whylogs.sketches import profile_view

    frame = table(500)
    own = profile_view(frame.lazy(), frame.columns)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        theirs = whylogs().log(pd.DataFrame(frame.to_dict(as_series=False))).view()
    both = own.merge(theirs)
    for name in frame.columns:
        mine, stock = own.get_column(name).to_summary_dict(), theirs.get_column(name).to_summary_dict()
        for fact in ("counts/n", "counts/null", "types/integral", "types/fractional", "types/string"):
            assert mine[fact] == stock[fact], (name, fact)
        # Of the same values, hashed in the same way: both together hold no more of them than each alone.
        assert both.get_column(name).to_summary_dict()["cardinality/est"] == pytest.approx(
            frame[name].n_unique(), rel=0.02
        )
        assert mine["distribution/mean"] == pytest.approx(stock["distribution/mean"])
        assert mine["distribution/stddev"] == pytest.approx(stock["distribution/stddev"])


def test_whylogs_reads_a_profile_and_merges_it_with_another(tmp_path: Path) -> None:
    from hookline_whylogs.compat import whylogs

    days = [table(100), table(70)]
    for number, day in enumerate(days):
        (tmp_path / f"{number}.bin").write_bytes(checked(day, day).files["current.bin"])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        first, second = (whylogs().DatasetProfileView.read(str(tmp_path / f"{number}.bin")) for number in (0, 1))
        both = first.merge(second).get_column("a").to_summary_dict()
    every = pl.concat(days)["a"].to_numpy()
    assert both["counts/n"] == 170
    assert both["distribution/mean"] == pytest.approx(every.mean())
    assert both["distribution/stddev"] == pytest.approx(every.std(ddof=1))
    assert both["distribution/max"] == every.max()


def test_the_table_sets_current_rows_beside_training() -> None:
    report = checked(pl.DataFrame({"a": [1.0, None]}), pl.DataFrame({"a": [1.0, 2.0, 3.0]}))
    (sketches,) = report.tables
    row = dict(zip(sketches.columns, sketches.rows[0], strict=True))
    assert (row["rows_training"], row["rows_current"]) == (3, 2)
    assert (row["missing_training"], row["missing_current"]) == (0, 1)
    assert (row["distinct_training"], row["q0.5_training"]) == (3, 2.0)


def test_a_nan_is_as_missing_now_as_it_was_in_training() -> None:
    report = checked(pl.DataFrame({"a": [1.0, math.nan]}), pl.DataFrame({"a": [1.0, None]}))
    row = dict(zip(report.tables[0].columns, report.tables[0].rows[0], strict=True))
    assert row["missing_current"] == row["missing_training"] == 1


def test_a_column_that_is_gone_is_left_out() -> None:
    report = checked(pl.DataFrame({"a": [1.0]}), pl.DataFrame({"a": [1.0], "b": [2.0]}))
    assert report["profiled_columns"] == 1


def test_a_reference_that_is_not_there_says_how_to_make_one() -> None:
    with pytest.raises(StoreError, match="holds no reference.bin") as caught:
        ProfileMonitor().check(Dataset(table().lazy()), reference_of(["a"]))
    assert caught.value.hint is not None
    assert "monitor=[profile]" in caught.value.hint


@pytest.mark.parametrize("content", [b"", b"not a profile", b"WHY1\x00\x00"], ids=["empty", "text", "cut off"])
def test_a_damaged_reference_is_a_store_error(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "reference.bin"
    path.write_bytes(content)
    reference = Reference(reference_of(["a"]).profile, None, {"reference.bin": path})
    with pytest.raises(StoreError, match="is not a whylogs profile"):
        ProfileMonitor().check(Dataset(table().lazy()), reference)


def test_a_truncated_reference_is_a_store_error(tmp_path: Path) -> None:
    path = tmp_path / "reference.bin"
    content = checked(table(), table()).files["reference.bin"]
    path.write_bytes(content[: len(content) // 2])
    with pytest.raises(StoreError, match="is not a whylogs profile"):
        ProfileMonitor().check(
            Dataset(table().lazy()), Reference(reference_of(["a"]).profile, None, {"reference.bin": path})
        )


def test_a_package_remembers_the_profile_of_its_training_rows(tmp_path: Path) -> None:
    run = hl.run(
        source=table(), target="label", trainer="logistic_regression", packager=["pickle"], monitor=["profile"]
    )
    table(40).drop("label").write_csv(tmp_path / "now.csv")
    command = ["monitor", "run", str(run.package()), str(tmp_path / "now.csv"), "--monitor", "profile", "--json"]
    done = run_hookline(*command, "--output", tmp_path / "out", timeout=60)
    assert done.returncode == 0, done.stderr
    (sketches,) = json.loads(done.stdout)["profile"]["tables"]
    row = dict(zip(sketches["columns"], sketches["rows"][0], strict=True))
    assert row["column"] == "a"
    assert row["rows_current"] == 40
    assert row["rows_training"] == run.evidence["split"]["train"]
    assert (tmp_path / "out" / "profile" / "current.bin").stat().st_size > 100


def test_using_it_starts_no_thread_and_leaves_the_environment_alone() -> None:
    program = """
import os, socket, threading
def refuse(*_): raise AssertionError("the network was asked for")
socket.socket.connect = socket.getaddrinfo = refuse
import polars as pl, sklearn  # which set variables of their own when they are imported
before = dict(os.environ)
import warnings; warnings.simplefilter("error")
from hookline_whylogs.sketches import profile_view
profile_view(pl.LazyFrame({"a": [1.0, 2.0], "b": ["x", "y"]}), ["a", "b"]).serialize()
assert dict(os.environ) == before, set(os.environ) ^ set(before)
assert [thread.name for thread in threading.enumerate()] == ["MainThread"]
"""
    environment = {name: value for name, value in os.environ.items() if name != "WHYLOGS_NO_ANALYTICS"}
    done = run_python(program, env=environment, timeout=60, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
