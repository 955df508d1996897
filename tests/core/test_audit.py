"""What the split audit finds before any training, and what it leaves alone."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest

import hookline as hl
from hookline.artifacts import ROW_ID, Dataset, Finding, Report, Roles, Target
from hookline.audit import audit
from hookline.runconfig import SplitOptions
from hookline.split import prepare, read_split


def audited(folder: Path, frame: pl.DataFrame, roles: Roles, target: Target, **options: object) -> Report:
    folder.mkdir(parents=True, exist_ok=True)
    rows = frame.lazy().with_row_index(ROW_ID).with_columns(pl.col(ROW_ID).cast(pl.Int64))
    membership = prepare(Dataset(rows, roles), SplitOptions(**options), 0, folder)  # type: ignore[arg-type]
    return audit(read_split(folder, membership, Dataset(pl.LazyFrame(), roles)), target)


def found(report: Report, statistic: str) -> list[Finding]:
    return [finding for finding in report.findings if finding.statistic == statistic]


@pytest.fixture
def table() -> pl.DataFrame:
    rng = np.random.default_rng(3)
    x = rng.normal(size=800)
    return pl.DataFrame(
        {
            "x": x,
            "z": rng.normal(size=800),
            "color": rng.choice(["red", "green"], 800),
            "y": np.where(x + rng.normal(size=800) > 0, "yes", "no"),
        }
    )


YES = Target("y", "binary", ("no", "yes"))


def test_a_clean_table_is_left_alone(tmp_path: Path, table: pl.DataFrame) -> None:
    report = audited(tmp_path, table, Roles(target="y"), YES)
    assert report.findings == ()
    shares = dict(report.tables[0].rows)
    assert 0.2 < shares["x"] < 0.8
    assert abs(shares["z"]) < 0.2


def test_a_column_that_repeats_the_target_under_other_words_is_critical(tmp_path: Path, table: pl.DataFrame) -> None:
    leaky = table.with_columns(answer=pl.when(pl.col("y") == "yes").then(1.5).otherwise(-4))
    (finding,) = found(audited(tmp_path, leaky, Roles(target="y"), YES), "explained")
    assert (finding.subject, finding.severity) == ("answer", "critical")
    assert "roles.ignore=[answer]" in finding.message


def test_a_monotone_copy_of_a_number_is_critical(tmp_path: Path) -> None:
    y = np.random.default_rng(0).uniform(1, 100, 2000)
    frame = pl.DataFrame({"log_y": np.log(y), "noise": y[::-1], "y": y})
    (finding,) = found(audited(tmp_path, frame, Roles(target="y"), Target("y", "regression")), "explained")
    assert (finding.subject, finding.severity) == ("log_y", "critical")


def test_numbers_that_add_up_to_the_target_are_named(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    a, b, c = rng.normal(size=(3, 1000))
    frame = pl.DataFrame({"a": a, "b": b, "other": c, "y": a + b})
    (finding,) = found(audited(tmp_path, frame, Roles(target="y"), Target("y", "regression")), "determined")
    assert finding.severity == "critical"
    assert "'a'" in finding.message
    assert "'other'" not in finding.message


def test_rows_on_both_sides_are_counted_exactly(tmp_path: Path) -> None:
    frame = pl.DataFrame({"x": [i % 50 for i in range(200)], "w": 1.0, "y": [float(i) for i in range(200)]})
    report = audited(tmp_path, frame, Roles(target="y"), Target("y", "regression"), method="random")
    (finding,) = found(report, "duplicates")
    assert finding.value == 1.0
    (twins,) = [table for table in report.tables if table.name == "duplicates"]
    assert all(test % 50 == train % 50 for test, train in twins.rows)


def test_a_column_that_names_rows_is_told(tmp_path: Path, table: pl.DataFrame) -> None:
    named = table.with_columns(code=pl.format("c{}", pl.int_range(pl.len())))
    (finding,) = found(audited(tmp_path, named, Roles(target="y"), YES), "distinct_share")
    assert finding.subject == "code"
    assert found(audited(tmp_path / "id", named, Roles(target="y", id="code"), YES), "distinct_share") == []


def test_groups_on_both_sides_are_told_unless_split_by_group(tmp_path: Path, table: pl.DataFrame) -> None:
    grouped = table.with_columns(who=pl.int_range(pl.len()) % 40)
    roles = Roles(target="y", group="who")
    mixed = audited(tmp_path / "a", grouped, roles, YES, method="random")
    assert found(mixed, "groups_on_both_sides")[0].value == 40
    assert found(audited(tmp_path / "b", grouped, roles, YES), "groups_on_both_sides") == []


def test_training_on_the_future_is_told_unless_split_by_time(tmp_path: Path, table: pl.DataFrame) -> None:
    timed = table.with_columns(when=pl.int_range(pl.len()) * 1.0)
    roles = Roles(target="y", time="when")
    assert found(audited(tmp_path / "a", timed, roles, YES, method="random"), "trained_on_the_future")
    assert found(audited(tmp_path / "b", timed, roles, YES), "trained_on_the_future") == []


def test_the_audit_stops_a_run_before_training_where_asked(table: pl.DataFrame) -> None:
    leaky = table.with_columns(answer=pl.col("y"))
    with pytest.raises(hl.errors.GateFailed, match="'answer' alone explains 100.0% of 'y'"):
        hl.run(source=leaky, target="y", trainer="decision_tree", audit="fail")
    run = hl.load("last")
    assert isinstance(run, hl.Run)
    assert run.status == "gated"
    statuses = dict(run.stages().select("key", "status").rows())
    assert statuses["audit"] == "ran"
    assert statuses["trainer"] == "not reached"


def test_findings_head_the_report(table: pl.DataFrame) -> None:
    run = hl.run(source=table.with_columns(answer=pl.col("y")), target="y", trainer="decision_tree")
    assert any("'answer' alone explains" in point["text"] for point in run.evidence["verdict"]["points"])
    assert run.findings[0]["subject"] == "answer"


def test_titanics_alive_is_named(shared_data: Path) -> None:
    run = hl.run(source=shared_data / "titanic.csv", target="survived", trainer="decision_tree")
    assert [finding["subject"] for finding in run.findings if finding["severity"] == "critical"] == ["alive"]


def test_the_total_of_a_taxi_ride_is_named(shared_data: Path) -> None:
    roles = {"target": "fare", "time": "pickup"}
    run = hl.run(source=shared_data / "taxis.csv", roles=roles, trainer="hist_gradient_boosting")
    (finding,) = [finding for finding in run.findings if finding["statistic"] == "determined"]
    assert finding["subject"] == "total"
