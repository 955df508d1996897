"""The figures of drift: distances as scipy has them, how sure those of bins are, scripts of texts, and what the model goes by."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from scipy.spatial import distance

from hookline import Dataset, Reference, Report, Roles
from hookline.packages.telling.features import importances_by_column
from hookline.quality.discoveries import discoveries
from hookline.quality.distances import jensen_shannon, of_numbers, psi, wasserstein
from hookline.quality.distributions import profile, rebin
from hookline_polars import DataDriftMonitor

FINITE = st.lists(st.floats(-1e6, 1e6) | st.integers(-3, 3).map(float), min_size=2, max_size=60)
COUNTS = st.lists(st.integers(0, 40), min_size=2, max_size=8)


def held_against(before: pl.DataFrame, now: pl.DataFrame, *, rows: bool = False, **known: object) -> Report:
    dataset = Dataset(before.lazy(), Roles()) if rows else None
    reference = replace(Reference(profile(before.lazy(), before.columns), dataset), **known)
    return DataDriftMonitor().check(Dataset(now.lazy()), reference)


def normal(rows: int, seed: int, by: float = 0.0) -> pl.DataFrame:
    rng = np.random.default_rng(seed)
    return pl.DataFrame({f"x{i}": rng.normal(by if i == 0 else 0.0, 1, rows) for i in range(5)} | {"y": np.zeros(rows)})


def distances(report: Report) -> dict[str, dict[str, float]]:
    (table,) = [table for table in report.tables if table.name == "Distances"]
    return {row[0]: dict(zip(table.columns, row, strict=True)) for row in table.rows}


@settings(max_examples=60, deadline=None)
@given(FINITE, FINITE)
def test_the_area_between_two_samples_is_scipys(before: list[float], now: list[float]) -> None:
    golden = stats.wasserstein_distance(before, now)
    assert wasserstein(np.array(before), np.array(now)) == pytest.approx(golden, rel=1e-9, abs=1e-9)


@settings(max_examples=60, deadline=None)
@given(COUNTS, COUNTS)
def test_jensen_shannon_is_scipys_and_psi_a_second_implementations(before: list[int], now: list[int]) -> None:
    size = min(len(before), len(now))
    first, second = np.array(before[:size], dtype=float), np.array(now[:size], dtype=float)
    if not first.sum() or not second.sum():
        return
    assert jensen_shannon(first, second) == pytest.approx(distance.jensenshannon(first, second, base=2), abs=1e-7)
    told = 0.0
    for was, current in zip(first, second, strict=True):
        expected, actual = max(was, 0.5) / first.sum(), max(current, 0.5) / second.sum()
        told += (actual - expected) * float(np.log(actual) - np.log(expected))
    assert psi(first, second) == pytest.approx(told, abs=1e-9)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.floats(0, 1), min_size=1, max_size=30), st.sampled_from([0.01, 0.05, 0.3]))
def test_what_counts_as_a_discovery_is_what_scipy_says(chances: list[float], share: float) -> None:
    adjusted = stats.false_discovery_control(chances)
    for found, golden in zip(discoveries(chances, share), adjusted, strict=True):
        # Rounding alone decides where the two are the same.
        assert found == (golden <= share) or golden == pytest.approx(share)


def _uneven(rows: int, seed: int) -> np.ndarray:
    return np.random.default_rng(seed).lognormal(0, 1, rows)


@pytest.mark.parametrize("rows", [60, 3_000])
@pytest.mark.parametrize("kind", ["normal", "uneven", "few values"])
def test_the_distance_of_bins_is_off_by_no_more_than_it_says(kind: str, rows: int) -> None:
    made = {
        "normal": lambda seed: np.random.default_rng(seed).normal(0.2 * seed, 1, rows),
        "uneven": lambda seed: _uneven(rows, seed),
        "few values": lambda seed: np.random.default_rng(seed).integers(0, 6 + seed, rows).astype(float),
    }[kind]
    for seed in range(1, 4):
        before, now = pl.LazyFrame({"x": made(0)}), pl.LazyFrame({"x": made(seed)})
        known = profile(before, ["x"])
        found = of_numbers(known["x"], rebin(now, known)["x"])
        assert found is not None
        assert found.wasserstein is not None
        exact = stats.wasserstein_distance(before.collect()["x"], now.collect()["x"]) / found.scale
        assert found.wasserstein == pytest.approx(exact, abs=found.within + 1e-9)
        assert found.within < 0.5


def test_the_figures_are_of_whole_values_where_the_rows_are_at_hand() -> None:
    before, now = normal(2_000, 0), normal(1_000, 1, 0.5)
    exact, binned = (distances(held_against(before, now, rows=rows))["x0"] for rows in (True, False))
    scale = np.diff(np.quantile(before["x0"], [0.25, 0.75]))[0]
    golden = stats.wasserstein_distance(before["x0"], now["x0"]) / scale
    assert exact["Wasserstein / IQR"] == pytest.approx(golden, rel=0.03)
    assert exact["within"] == 0 < binned["within"]
    assert exact["PSI"] == binned["PSI"]
    edges = np.quantile(before["x0"], np.arange(1, 10) / 10)
    counts = [np.bincount(np.searchsorted(edges, one["x0"]), minlength=10).astype(float) for one in (before, now)]
    assert exact["PSI"] == pytest.approx(psi(*counts), abs=0.02)
    assert exact["Jensen-Shannon"] == pytest.approx(distance.jensenshannon(*counts, base=2), abs=0.01)


def test_a_tenth_of_a_standard_deviation_is_found_in_ten_thousand_rows_and_is_told_once() -> None:
    found = []
    for seed in range(16):
        report = held_against(normal(10_000, seed + 1_000), normal(10_000, seed + 5_000, 0.1))
        found.append([finding.subject for finding in report.findings])
    assert {name for names in found for name in names} == {"x0"}
    assert sum(map(len, found)) >= 10
    (far,) = held_against(normal(10_000, 0), normal(10_000, 100, 0.5)).findings
    assert far.statistic == "KS"


def test_an_unchanged_column_is_hardly_ever_told_however_few_the_rows() -> None:
    told = [f for seed in range(20) for f in held_against(normal(500, seed), normal(500, seed + 100)).findings]
    assert len(told) <= 1


def test_texts_of_another_script_are_told_also_from_the_package(tmp_path: Path) -> None:
    letters = {"latin": "abcdefgh", "cyrillic": "абвгдежз"}

    def texts(script: str, seed: int) -> pl.DataFrame:
        rng = np.random.default_rng(seed)
        return pl.DataFrame({"s": ["".join(rng.choice(list(letters[script]), 12)) for _ in range(400)], "y": 0.0})

    in_run = held_against(texts("latin", 0), texts("latin", 1), rows=True)
    assert in_run.findings == ()
    (tmp_path / "scripts.json").write_bytes(in_run.files["scripts.json"])
    files = {"scripts.json": tmp_path / "scripts.json"}
    (found,) = held_against(texts("latin", 0), texts("cyrillic", 1), files=files).findings
    assert (found.subject, found.statistic, found.severity) == ("s", "Cramer's V of scripts", "critical")
    assert "Latin 100% in training, Cyrillic 100% now" in found.message
    assert held_against(texts("latin", 0), texts("latin", 2), files=files).findings == ()


def test_what_moved_is_weighed_by_what_the_model_goes_by() -> None:
    manifest = {
        "importances": {"x0": 3.0, "x1 x x2": -1.0},
        "features": [{"name": "x0", "inputs": ["x0"]}, {"name": "x1 x x2", "inputs": ["x1", "x2"]}],
    }
    shares = importances_by_column(manifest)
    assert shares == {"x0": 0.75, "x1": 0.125, "x2": 0.125}
    assert importances_by_column({"features": []}) == {}
    report = held_against(normal(2_000, 0), normal(2_000, 1, 1.0), importances=shares)
    assert report["drifted_importance"] == 0.75
    assert report.findings[0].message.endswith("; it is 75% of what the model goes by.")
    assert distances(report)["x1"]["importance"] == 0.125


@pytest.mark.parametrize("kind", ["normal", "flat", "two peaks"])
def test_a_shift_is_in_standard_deviations_whatever_the_shape_of_a_column(kind: str) -> None:
    rng = np.random.default_rng(0)
    values = rng.random(40_000) if kind == "flat" else rng.normal(0, 1, 40_000)
    values += 4 * rng.integers(0, 2, 40_000) if kind == "two peaks" else 0
    assert _shift(values, values + 0.2 * values.std()) == pytest.approx(0.2, rel=0.1)


@pytest.mark.parametrize("share", [0.26, 0.25, 0.1])
def test_of_a_column_that_is_mostly_zero_some_more_rows_that_are_not_are_a_small_shift(share: float) -> None:
    rng = np.random.default_rng(0)
    before, now = (rng.normal(2, 1, 40_000) * (rng.random(40_000) < some) for some in (share, share + 0.02))
    assert 0.02 < _shift(before, now) < 0.08


def _shift(before: np.ndarray, now: np.ndarray) -> float:
    known = profile(pl.LazyFrame({"x": before}), ["x"])
    found = of_numbers(known["x"], rebin(pl.LazyFrame({"x": now}), known)["x"])
    assert found is not None
    assert found.shift is not None
    return found.shift


def test_a_column_that_never_varies_has_no_shift() -> None:
    known = profile(pl.LazyFrame({"x": np.full(500, 3.0)}), ["x"])
    found = of_numbers(known["x"], rebin(pl.LazyFrame({"x": np.full(500, 4.0)}), known)["x"])
    assert found is not None
    assert (found.shift, found.wasserstein) == (None, None)
