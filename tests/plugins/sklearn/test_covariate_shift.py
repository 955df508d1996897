"""The covariate shift monitor: what moves together is found, what does not is not, with many rows, few, and rows of groups."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest
from sklearn.metrics import roc_auc_score

from hookline import Dataset, Reference, Report, Roles
from hookline.errors import StoreError
from hookline.quality.distributions import profile
from hookline_polars import DataDriftMonitor
from hookline_sklearn import CovariateShiftMonitor
from hookline_sklearn.monitors.apart import _area, told_apart
from hookline_sklearn.monitors.kernel import discrepancy
from hookline_sklearn.monitors.samples import paired

ROLES = Roles(target="y")


def rows(count: int, seed: int, related: float = 0.0, **over: np.ndarray) -> pl.DataFrame:
    """Two numbers that are `related`, each by itself always the same, beside others."""
    rng = np.random.default_rng(seed)
    first, noise = rng.normal(size=count), rng.normal(size=count)
    columns = {
        "a": first,
        "b": related * first + (1 - related**2) ** 0.5 * noise,
        "c": rng.normal(size=count),
        "s": rng.choice(["u", "v", "w"], count),
        "y": rng.random(count),
    }
    return pl.DataFrame(columns | over)


def reference_of(before: pl.DataFrame, roles: Roles = ROLES) -> Reference:
    return Reference(profile(before.lazy(), before.columns), Dataset(before.lazy(), roles), time=roles.time)


def checked(before: pl.DataFrame, now: pl.DataFrame, roles: Roles = ROLES, **fields: int) -> Report:
    return CovariateShiftMonitor(**fields).check(Dataset(now.lazy(), roles), reference_of(before, roles))


def test_what_moves_together_only_is_found_where_no_column_has_moved() -> None:
    before, now = rows(1_500, 0), rows(1_500, 1, related=0.9)
    assert DataDriftMonitor().check(Dataset(now.lazy(), ROLES), reference_of(before)).findings == ()
    report = checked(before, now)
    (found,) = report.findings
    assert (found.subject, found.statistic, found.severity) == ("rows", "AUC", "critical")
    assert "mostly by 'a' and 'b'" in found.message or "mostly by 'b' and 'a'" in found.message
    assert "no column has moved that far alone" in found.message
    (table,) = report.tables
    assert {row[0] for row in table.rows[:2]} == {"a", "b"}
    (auc,) = report.metrics
    assert auc.low is not None
    assert 0.6 < auc.low < auc.value


def test_rows_of_the_same_source_raise_no_alarm() -> None:
    for seed in range(2):
        report = checked(rows(500, seed), rows(400, seed + 50))
        assert report.findings == ()
        assert report["covariate_auc"] == pytest.approx(0.5, abs=0.08)


def test_the_package_keeps_a_bounded_sample_that_does_instead_of_the_training_rows(tmp_path: Path) -> None:
    before, now = rows(5_000, 0), rows(700, 1, related=0.9)
    in_run = checked(before, rows(700, 2), max_rows=600)
    (tmp_path / "rows.arrow").write_bytes(in_run.files["rows.arrow"])
    kept = pl.read_ipc((tmp_path / "rows.arrow").read_bytes())
    assert kept.shape == (600, 4)
    known = Reference(profile(before.lazy(), before.columns), files={"rows.arrow": tmp_path / "rows.arrow"})
    later = CovariateShiftMonitor(max_rows=600).check(Dataset(now.lazy(), ROLES), known)
    assert later.findings == checked(before, now, max_rows=600).findings != ()
    assert later.files == {}


def test_a_package_without_rows_says_how_to_make_one_with_them(tmp_path: Path) -> None:
    before = rows(100, 0)
    known = Reference(profile(before.lazy(), before.columns))
    with pytest.raises(StoreError, match="keeps no training rows"):
        CovariateShiftMonitor().check(Dataset(before.lazy()), known)
    (tmp_path / "rows.arrow").write_bytes(b"no rows")
    torn = Reference(known.profile, files={"rows.arrow": tmp_path / "rows.arrow"})
    with pytest.raises(StoreError, match=r"rows\.arrow"):
        CovariateShiftMonitor().check(Dataset(before.lazy()), torn)


def test_few_rows_are_judged_by_the_kernel_test() -> None:
    quiet = [checked(rows(150, seed), rows(100, seed + 50)).findings for seed in range(6)]
    assert quiet == [()] * 6
    report = checked(rows(190, 0), rows(190, 1, related=0.97))
    (found,) = report.findings
    assert found.statistic == "MMD²"
    assert "no column has moved that far alone" in found.message
    moved = rows(100, 1).with_columns(pl.col("c") + 2)
    (found,) = checked(rows(150, 0), moved).findings
    assert "'c' moved also alone" in found.message


def test_the_discrepancy_is_that_of_gretton_and_others_written_out() -> None:
    pair = paired(rows(12, 0).select("a"), rows(9, 1).select("a"))
    ranks = pl.Series(pair.X[:, 0]).rank().to_numpy() / 21 * 12**0.5 / 2
    squares = (ranks[:, None] - ranks[None, :]) ** 2
    kernel = np.exp(-squares / np.median(squares[np.triu_indices(21, 1)]))
    one, two = kernel[:12, :12], kernel[12:, 12:]
    golden = (one.sum() - 12) / (12 * 11) + (two.sum() - 9) / (9 * 8) - 2 * kernel[:12, 12:].mean()
    assert discrepancy(pair, 0)[0] == pytest.approx(golden, abs=1e-12)


def test_the_area_is_scikit_learns_and_its_error_what_it_varies_by() -> None:
    rng = np.random.default_rng(0)
    areas, errors = [], []
    for _ in range(100):
        scores = np.concatenate([rng.normal(size=60), rng.normal(0.5, 1, 80)])
        sides = [np.arange(60, 140), np.arange(60)]
        area, (now, before) = _area(scores, sides)
        assert area == pytest.approx(roc_auc_score(np.arange(140) >= 60, scores), abs=1e-12)
        areas.append(area)
        errors.append((now.var() / 80 + before.var() / 60) ** 0.5)
    assert np.mean(errors) == pytest.approx(np.std(areas), rel=0.2)


def grouped(groups: int, seed: int, by: float = 0.0) -> pl.DataFrame:
    """Rows of which twenty are of one subject and nearly the same."""
    rng = np.random.default_rng(seed)
    who = np.repeat(np.arange(groups), 20)
    return pl.DataFrame(
        {
            "who": [f"{seed}-{one}" for one in who],
            **{name: rng.normal(by, 1, groups)[who] + 0.1 * rng.normal(size=len(who)) for name in "abc"},
            "y": np.zeros(len(who)),
        }
    )


def test_rows_of_one_subject_count_as_one() -> None:
    told, untold = Roles(target="y", group="who"), Roles(target="y", ignore=("who",))
    assert [checked(grouped(15, s), grouped(15, s + 50), told).findings for s in range(1)] == [()]
    assert checked(grouped(15, 0), grouped(15, 50), untold).findings != ()
    (found,) = checked(grouped(40, 0), grouped(40, 50, 2.0), told).findings
    assert found.statistic == "AUC"


def test_fewer_groups_than_folds_are_not_judged() -> None:
    pair = paired(*(grouped(groups, groups).rename({"who": "__group__"}) for groups in (15, 4)))
    assert told_apart(pair, 0) is None


def test_columns_that_cannot_be_compared_are_left_out_and_told() -> None:
    before = rows(300, 0).with_columns(name=pl.int_range(300).cast(pl.String), when=pl.int_range(300), gone=1.0)
    now = rows(300, 1).with_columns(
        name=pl.int_range(300).cast(pl.String), when=pl.int_range(9_000, 9_300), c=pl.lit("x")
    )
    roles = Roles(target="y", time="when")
    report = checked(before, now, roles)
    assert {finding.subject: finding.severity for finding in report.findings} == {
        "gone": "info",
        "c": "info",
        "name": "info",
    }
    messages = {finding.subject: finding.message for finding in report.findings}
    assert messages["gone"] == "'gone' is not among the current columns."
    assert messages["c"] == "'c' was a number in training, and is a string now."
    assert "only their lengths" in messages["name"]


def test_too_few_rows_are_not_judged() -> None:
    (note,) = checked(rows(300, 0), rows(20, 1)).findings
    assert note.severity == "info"
    assert "30 rows are needed" in note.message


def test_each_row_is_scored_by_a_model_that_did_not_see_it() -> None:
    pair = paired(rows(400, 0).drop("y"), rows(400, 1).drop("y"))
    apart = told_apart(pair, 0)
    assert apart is not None
    held = np.concatenate([test for _, test in apart.fitted])
    assert sorted(held.tolist()) == list(range(800))
    assert abs(roc_auc_score(pair.now, apart.scores) - 0.5) < 0.07
