"""The concept drift monitor: a rise of the loss is found soon, told since when, and hardly ever where there is none."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from hookline import Dataset, Prediction, Reference, Report, Roles, Scored, Target
from hookline.errors import StoreError
from hookline.quality.distributions import profile
from hookline_river import ConceptDriftMonitor
from hookline_river.calibrating import rows_until_alarm, threshold_for
from hookline_river.detectors import first_rise
from hookline_river.streams import Usual

BINARY, NUMBER = Target("y", "binary", ("no", "yes")), Target("y", "regression")
ROLES = Roles(target="y")
START = datetime(2026, 1, 1, tzinfo=UTC)


def wrong(shares: dict[int, float], seed: int) -> np.ndarray:
    """Return whether answers are wrong, so many rows of each share."""
    rng = np.random.default_rng(seed)
    return np.concatenate([rng.random(rows) < share for share, rows in ((s, r) for r, s in shares.items())])


def scored(errors: np.ndarray, roles: Roles = ROLES, **columns: Any) -> Scored:
    """Return answers that are wrong where told; numbers are off by so much."""
    rows = pl.DataFrame({"x": np.arange(len(errors), dtype=float)} | columns)
    if errors.dtype != bool:
        return Scored.of(Dataset(rows.lazy(), roles), Prediction(errors), NUMBER, np.zeros(len(errors)))
    truth = np.where(np.arange(len(errors)) % 3 == 0, "yes", "no")
    answers = np.where(errors, np.where(truth == "yes", "no", "yes"), truth)
    return Scored.of(Dataset(rows.lazy(), roles), Prediction(answers), BINARY, truth)


def reference(held_out: Scored, folder: Path) -> Reference:
    """Return what a package remembers of held-out rows."""
    rows = held_out.rows()
    in_run = Reference(profile(rows.frame, ["x"]), rows, target=held_out.target)
    report = ConceptDriftMonitor().check(held_out, in_run)
    assert report.findings == ()
    for name, content in report.files.items():
        (folder / name).write_bytes(content)
    return replace(in_run, dataset=None, files={name: folder / name for name in report.files})


@pytest.fixture(scope="module")
def known(tmp_path_factory: pytest.TempPathFactory) -> Reference:
    return reference(scored(wrong({2_000: 0.2}, 0)), tmp_path_factory.mktemp("package"))


def changes(report: Report) -> dict[str, Any]:
    (table,) = report.tables
    return dict(zip(table.columns, table.rows[0], strict=True))


def test_a_rise_is_told_since_when_whatever_the_order_of_the_rows(known: Reference) -> None:
    errors = wrong({600: 0.2, 400: 0.4}, 1)
    times = [START + timedelta(minutes=place) for place in range(1_000)]
    order = np.random.default_rng(0).permutation(1_000)
    mixed = scored(errors[order], replace(ROLES, time="t"), t=pl.Series(times).gather(order))
    report = ConceptDriftMonitor().check(mixed, known)
    (found,) = report.findings
    assert (found.subject, found.statistic, found.severity) == ("y", "loss", "warning")
    told = changes(report)
    assert abs(told["since row"] - 600) <= 60
    assert told["since"] == str(times[told["since row"]])
    assert told["since"] in found.message
    assert "has risen from 0.21 to" in found.message
    assert 0 < told["found at row"] - 600 < 150


def test_no_change_is_no_finding(known: Reference) -> None:
    for seed in range(3):
        report = ConceptDriftMonitor().check(scored(wrong({1_500: 0.2}, 10 + seed)), known)
        assert report.findings == ()
        assert report["labelled_loss"] == pytest.approx(0.2, abs=0.04)


def test_twice_the_errors_are_found_within_ninety_labels() -> None:
    late = []
    for seed in range(8):
        usual = Usual.of(wrong({2_000: 0.2}, seed).astype(float), 1.0)
        rise = first_rise(wrong({200: 0.2, 300: 0.4}, 50 + seed).astype(float), usual, "page_hinkley", 0.15, 200_000)
        assert rise is not None
        late.append(rise.found - 199)
    assert min(late) > 0
    assert np.median(late) <= 90


@pytest.mark.parametrize("detector", ["adwin", "kswin", "hddm_a", "hddm_w"])
def test_every_detector_finds_a_large_rise_and_none_where_there_is_none(known: Reference, detector: Any) -> None:
    monitor = ConceptDriftMonitor(detector=detector)
    assert monitor.check(scored(wrong({200: 0.2}, 3)), known).findings == ()
    (found,) = monitor.check(scored(wrong({150: 0.2, 151: 0.8}, 4)), known).findings
    assert found.severity == "critical"
    assert f"{detector} found it" in found.message


@pytest.mark.parametrize("kind", ["classes", "numbers"])
def test_the_threshold_lets_so_many_rows_pass_until_a_false_alarm(kind: str) -> None:
    rng = np.random.default_rng(0)
    losses = (rng.random(500) < 0.2).astype(float) if kind == "classes" else np.abs(rng.normal(size=500))
    threshold = threshold_for(losses, 0.1, 1_000)
    assert rows_until_alarm(losses, 0.1, threshold) >= 1_000
    runs = []
    for _ in range(300):
        sums = np.cumsum(rng.choice(losses, 12_000) - losses.mean() - 0.1)
        risen = sums - np.minimum(0, np.minimum.accumulate(sums)) > threshold
        runs.append(int(risen.argmax()) if risen.any() else len(sums))
    assert 800 < np.mean(runs) < 2_000


def test_errors_of_numbers_go_by_their_usual_size(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    known = reference(scored(rng.normal(0, 50, 1_000)), tmp_path)
    assert ConceptDriftMonitor().check(scored(rng.normal(0, 50, 1_000)), known).findings == ()
    (found,) = ConceptDriftMonitor().check(scored(rng.normal(0, 90, 600)), known).findings
    assert "the mean absolute error, in times its usual size, has risen from 1.00 to 1.9" in found.message
    one = np.append(rng.normal(0, 50, 500), 1e12)
    assert ConceptDriftMonitor().check(scored(one), known).findings == ()


def test_rows_of_one_group_that_follow_each_other_count_as_one(known: Reference) -> None:
    roles = replace(ROLES, group="who")
    errors = np.repeat(wrong({100: 0.2}, 5), 30)
    assert len(errors) == 3_000
    grouped = scored(errors, roles, who=np.repeat(np.arange(100), 30).astype(str))
    assert ConceptDriftMonitor().check(grouped, known).findings == ()
    assert ConceptDriftMonitor().check(scored(errors), known).findings != ()


def test_only_labels_that_are_known_count_and_too_few_are_said(known: Reference) -> None:
    errors = wrong({500: 0.7}, 6)
    late = scored(errors)
    told = pl.when(pl.int_range(500) < 20).then("truth")
    few = replace(late, frame=late.frame.with_columns(truth=told), held=None)
    (note,) = ConceptDriftMonitor().check(few, known).findings
    assert note.severity == "info"
    assert "the truth of 20 rows is known" in note.message
    none = replace(late, frame=late.frame.drop("truth"), held=None)
    assert "the truth of 0 rows" in ConceptDriftMonitor().check(none, known).findings[0].message


def test_without_kept_losses_the_first_labels_stand_for_them(known: Reference, tmp_path: Path) -> None:
    bare = replace(known, files={})
    found, note = ConceptDriftMonitor().check(scored(wrong({400: 0.2, 401: 0.6}, 7)), bare).findings
    assert (found.statistic, note.severity) == ("loss", "info")
    assert "the first 200 labels stand for them" in note.message
    (few,) = ConceptDriftMonitor().check(scored(wrong({100: 0.2}, 8)), bare).findings
    assert "wait for 230 labels" in few.message
    (tmp_path / "losses.json").write_text('{"rows": 3}')
    torn = replace(known, files={"losses.json": tmp_path / "losses.json"})
    with pytest.raises(StoreError, match="losses of held-out rows"):
        ConceptDriftMonitor().check(scored(wrong({100: 0.2}, 8)), torn)


def test_a_model_that_has_made_no_error_yet_is_judged_too(tmp_path: Path) -> None:
    known = reference(scored(np.zeros(300, dtype=bool)), tmp_path)
    assert ConceptDriftMonitor().check(scored(wrong({400: 0.005}, 0)), known).findings == ()
    assert ConceptDriftMonitor().check(scored(wrong({100: 0.0, 200: 0.4}, 0)), known).findings != ()
