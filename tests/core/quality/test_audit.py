"""What the split audit finds before any training, and what it leaves alone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

import hookline as hl
from hookline.data.parts import SplitOptions
from hookline.data.split import SplitFacts, prepare, read_split
from hookline.kinds.artifacts import Dataset, Roles, Target
from hookline.kinds.reports import Finding, Report
from hookline.quality.audit import audit, find_disguises
from hookline.registry.registry import load_registry
from kit.tables import with_row_ids


def audited(
    folder: Path, frame: pl.DataFrame, roles: Roles, target: Target, allow: tuple[str, ...] = (), **options: Any
) -> Report:
    seed = options.pop("seed", 0)
    folder.mkdir(parents=True, exist_ok=True)
    rows = with_row_ids(frame)
    method, counts = prepare(Dataset(rows, roles), SplitOptions(**options), seed, folder)
    split = read_split(folder, SplitFacts("data", method, counts), roles)
    labels = [part.frame.select(target.name).collect()[target.name] for part in (split.train, split.test)]
    return audit(split, target, labels, allow)


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
    (finding,) = audited(tmp_path, leaky, Roles(target="y"), YES).findings
    assert (finding.subject, finding.statistic, finding.severity) == ("answer", "same", "critical")
    assert "roles.ignore=[answer]" in finding.message
    assert "in 800 of 800 rows" in finding.message


def test_a_gap_may_be_one_of_the_words(tmp_path: Path, table: pl.DataFrame) -> None:
    leaky = table.with_columns(boat=pl.when(pl.col("y") == "yes").then(pl.lit("some")))
    assert audited(tmp_path, leaky, Roles(target="y"), YES).findings[0].statistic == "same"


@pytest.mark.parametrize("share", [0.0005, 0.02])
def test_a_column_that_nearly_repeats_the_target_is_critical_up_to_a_thousandth(tmp_path: Path, share: float) -> None:
    rng = np.random.default_rng(1)
    y = rng.choice(["no", "yes"], 20_000)
    copy = np.where(rng.random(20_000) < share, "no", y)
    frame = pl.DataFrame({"copy": copy, "y": y})
    (finding,) = [f for f in audited(tmp_path, frame, Roles(target="y"), YES).findings if f.subject == "copy"]
    assert finding.statistic == ("same" if share < 0.001 else "explained")


@pytest.mark.parametrize(
    ("values", "classes"),
    [
        ([False, True], (False, True)),
        ([0.0, 1.0], (0, 1)),
        ([3, 7], (3, 7)),
        ([0.5, 1.5], (0.5, 1.5)),
        ([1e-5, 2e20], (1e-5, 2e20)),
    ],
    ids=str,
)
def test_labels_of_every_type_are_compared(tmp_path: Path, values: list[Any], classes: tuple[Any, ...]) -> None:
    y = pl.Series(values * 100)
    frame = pl.DataFrame({"copy": y, "y": y})
    (finding,) = found(audited(tmp_path, frame, Roles(target="y"), Target("y", "binary", classes)), "same")
    assert finding.subject == "copy"


@pytest.mark.parametrize(
    "scale", [np.log, np.negative, lambda y: y * 100 + 3, lambda y: y**9], ids=("log", "negative", "line", "power")
)
def test_a_number_on_another_scale_is_critical(tmp_path: Path, scale: Any) -> None:
    y = np.random.default_rng(0).lognormal(1, 2, 2000)
    frame = pl.DataFrame({"other": scale(y), "noise": np.sin(np.arange(2000) ** 2), "y": y})
    (finding,) = found(audited(tmp_path, frame, Roles(target="y"), Target("y", "regression")), "same")
    assert (finding.subject, finding.severity) == ("other", "critical")


def test_a_column_of_more_values_than_classes_that_decides_the_class_is_critical(
    tmp_path: Path, table: pl.DataFrame
) -> None:
    code = pl.when(pl.col("y") == "yes").then(pl.int_range(pl.len()) % 7).otherwise(-(pl.int_range(pl.len()) % 5) - 1)
    (finding,) = audited(tmp_path, table.with_columns(code=code), Roles(target="y"), YES).findings
    assert (finding.subject, finding.statistic, finding.severity) == ("code", "explained", "critical")
    assert "'code' alone explains 100.0% of 'y'" in finding.message


def test_two_columns_that_together_decide_the_class_are_named(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    left, right = rng.integers(0, 4, (2, 3000))
    frame = pl.DataFrame({"left": left, "z": rng.normal(size=3000), "right": right, "y": (left + right) % 2})
    (finding,) = audited(tmp_path, frame, Roles(target="y"), Target("y", "binary", (0, 1))).findings
    assert (finding.statistic, finding.severity) == ("together", "critical")
    assert "'left' and 'right' together decide 100.0% of 'y'" in finding.message


def test_a_handful_of_rows_proves_nothing(tmp_path: Path) -> None:
    frame = pl.DataFrame({"x": [1.0, None, 1.0, None], "y": ["no", "yes", "no", "yes"]})
    report = audited(tmp_path, frame, Roles(target="y"), YES, test=0.5)
    assert {finding.statistic for finding in report.findings} <= {"duplicates"}


def test_easy_small_tables_are_no_leak(tmp_path: Path) -> None:
    for name in ("iris", "wine", "breast_cancer"):
        run = hl.run(source=name, trainer="decision_tree", evaluator=[], packager=[], monitor=[])
        assert [f for f in run.findings if f["severity"] == "critical"] == [], name


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
    assert "0 of them with the same 'y'" in finding.message
    assert "dedupe" not in finding.message
    (twins,) = [table for table in report.tables if table.name == "duplicates"]
    assert all(test % 50 == train % 50 for test, train in twins.rows)
    assert len(finding.rows) == 10
    assert all(a % 50 == b % 50 for a, b in zip(finding.rows[::2], finding.rows[1::2], strict=True))


def test_twins_with_the_same_target_are_counted_apart(tmp_path: Path) -> None:
    part = ["train"] * 4 + ["test"] * 4
    frame = pl.DataFrame({"x": [1, 1, 2, 3, 1, 2, 3, 4], "y": [0, 1, 1, 0, 1, 0, 0, 0], "part": part})
    target = Target("y", "binary", (0, 1))
    report = audited(tmp_path, frame, Roles(target="y"), target, method="column", column="part")
    (finding,) = found(report, "duplicates")
    assert "3 held-out rows (75.0%) have a twin among the training rows, 2 of them with the same 'y'" in finding.message
    assert finding.rows == (4, 1, 6, 3, 5, 2)


def test_a_column_that_names_rows_is_told(tmp_path: Path, table: pl.DataFrame) -> None:
    named = table.with_columns(code=pl.format("c{}", pl.int_range(pl.len())))
    (finding,) = found(audited(tmp_path, named, Roles(target="y"), YES), "distinct_share")
    assert finding.subject == "code"
    assert finding.rows == ()
    assert found(audited(tmp_path / "id", named, Roles(target="y", id="code"), YES), "distinct_share") == []


def test_the_rows_that_share_a_nearly_unique_value_are_told(tmp_path: Path, table: pl.DataFrame) -> None:
    named = table.with_columns(code=pl.max_horizontal(pl.int_range(pl.len()), 3))
    (finding,) = found(audited(tmp_path, named, Roles(target="y"), YES, test=0.01), "distinct_share")
    assert set(finding.rows) <= {0, 1, 2, 3}
    assert len(finding.rows) >= 2


def test_an_id_on_both_sides_is_told(tmp_path: Path, table: pl.DataFrame) -> None:
    visits = table.with_columns(who=pl.int_range(pl.len()) // 2)
    (finding,) = found(audited(tmp_path, visits, Roles(target="y", id="who"), YES), "ids_on_both_sides")
    assert finding.subject == "who"
    assert len(finding.rows) == 10
    apart = Roles(target="y", id="who", group="who")
    assert found(audited(tmp_path / "group", visits, apart, YES), "ids_on_both_sides") == []


def test_groups_on_both_sides_are_told_unless_split_by_group(tmp_path: Path, table: pl.DataFrame) -> None:
    grouped = table.with_columns(who=pl.int_range(pl.len()) % 40)
    roles = Roles(target="y", group="who")
    mixed = audited(tmp_path / "a", grouped, roles, YES, method="random")
    (finding,) = found(mixed, "groups_on_both_sides")
    assert finding.value == 40
    assert len(finding.rows) == 10
    assert found(audited(tmp_path / "b", grouped, roles, YES), "groups_on_both_sides") == []


def test_training_on_the_future_is_told_unless_split_by_time(tmp_path: Path, table: pl.DataFrame) -> None:
    timed = table.with_columns(when=pl.int_range(pl.len()) * 1.0)
    roles = Roles(target="y", time="when")
    (finding,) = found(audited(tmp_path / "a", timed, roles, YES, method="random"), "trained_on_the_future")
    assert len(set(finding.rows)) == 10
    assert found(audited(tmp_path / "b", timed, roles, YES), "trained_on_the_future") == []


def columns_of_all_kinds(rng: np.random.Generator, rows: int) -> pl.DataFrame:
    shares = [0.6, 0.2, 0.1, 0.05, 0.02, 0.01, 0.01, 0.01]
    columns: dict[str, Any] = {f"x{i}": rng.normal(size=rows) for i in range(8)}
    columns |= {f"skew{i}": rng.lognormal(0, 2, rows).round(1) for i in range(4)}
    columns |= {f"word{i}": rng.choice(list("abcdefgh"), rows, p=shares) for i in range(4)}
    columns |= {f"many{i}": rng.integers(0, 200, rows).astype(str) for i in range(2)}
    columns |= {f"gap{i}": np.where(rng.random(rows) < 0.2, np.nan, rng.normal(size=rows)) for i in range(2)}
    return pl.DataFrame(columns | {"y": rng.choice(["no", "yes"], rows)}, nan_to_null=True)


@pytest.mark.parametrize("rows", [100, 3000])
def test_random_splits_make_no_parts_that_differ(tmp_path: Path, rows: int) -> None:
    frame = columns_of_all_kinds(np.random.default_rng(0), rows)
    for seed in range(20):
        report = audited(tmp_path / str(seed), frame, Roles(target="y"), YES, method="random", seed=seed)
        assert found(report, "shift") == [], seed


@pytest.mark.parametrize(("table", "target"), [("titanic", "survived"), ("penguins", "species"), ("diamonds", "price")])
def test_random_splits_of_real_tables_make_no_parts_that_differ(
    shared_data: Path, tmp_path: Path, table: str, target: str
) -> None:
    frame = pl.read_csv(shared_data / f"{table}.csv", infer_schema_length=None).drop_nulls(target)
    labels = tuple(sorted(frame[target].unique()))
    what = Target(target, "regression") if len(labels) > 20 else Target(target, "multiclass", labels)
    for seed in range(20 if frame.height < 1000 else 5):
        report = audited(tmp_path / str(seed), frame, Roles(target=target), what, method="random", seed=seed)
        assert found(report, "shift") == [], seed


def test_parts_that_a_column_made_differ_are_told(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    part = np.where(np.arange(3000) < 2000, "train", "test")
    late = part == "test"
    frame = pl.DataFrame(
        {
            "moved": rng.normal(size=3000) + 0.5 * late,
            "still": rng.normal(size=3000),
            "word": np.where(late & (rng.random(3000) < 0.4), "new", "old"),
            "gaps": np.where(late & (rng.random(3000) < 0.3), np.nan, 1.0),
            "y": rng.choice(["no", "yes"], 3000),
            "part": part,
        },
        nan_to_null=True,
    )
    report = audited(tmp_path, frame, Roles(target="y"), YES, method="column", column="part")
    assert {(f.subject, f.severity) for f in found(report, "shift")} == {
        ("moved", "warning"),
        ("word", "warning"),
        ("gaps", "warning"),
    }
    (effects,) = [table for table in report.tables if table.name == "shift"]
    assert {row[0] for row in effects.rows} == {"moved", "still", "word", "gaps", "y"}


def test_what_time_moved_is_a_note_and_time_itself_no_finding(tmp_path: Path) -> None:
    when = np.arange(2000.0)
    noise = np.random.default_rng(0).normal(size=(2, 2000))
    frame = pl.DataFrame({"when": when, "level": when / 1000 + noise[0], "y": noise[1]})
    report = audited(tmp_path, frame, Roles(target="y", time="when"), Target("y", "regression"))
    assert [(f.subject, f.severity) for f in found(report, "shift")] == [("level", "info")]


def test_every_finding_names_rows_that_show_it(tmp_path: Path, table: pl.DataFrame) -> None:
    leaky = table.with_columns(answer=pl.col("y"))
    (finding,) = audited(tmp_path, leaky, Roles(target="y"), YES).findings
    assert len(set(finding.rows)) == 10
    assert all(isinstance(row, int) and 0 <= row < 800 for row in finding.rows)


def test_a_share_is_told_right_of_rows_beyond_those_looked_at(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    size = 400_000
    x = rng.integers(0, 10, size)
    y = np.where(rng.random(size) < 0.9, x >= 5, rng.random(size) < 0.5)
    frame = pl.DataFrame({"x": x, "y": y})
    report = audited(tmp_path, frame, Roles(target="y"), Target("y", "binary", (False, True)))
    assert dict(report.tables[0].rows)["x"] == pytest.approx(0.9, abs=0.01)


def test_what_was_looked_at_is_a_note(tmp_path: Path, table: pl.DataFrame) -> None:
    leaky = table.with_columns(answer=pl.col("y"), again=pl.col("y"))
    report = audited(tmp_path, leaky, Roles(target="y"), YES, allow=("answer", "explained:again", "gone"))
    assert {(f.subject, f.severity) for f in report.findings} == {
        ("answer", "info"),
        ("again", "critical"),
        ("explained:again", "warning"),
        ("gone", "warning"),
    }
    assert report.findings[0].subject == "again"


def test_a_run_goes_on_where_its_critical_findings_are_allowed(table: pl.DataFrame) -> None:
    leaky = table.with_columns(answer=pl.col("y"))
    run = hl.run(source=leaky, target="y", trainer="decision_tree", audit="fail", audit_allow=["same:answer"])
    assert run.status == "finished"


def test_labels_are_compared_as_transforms_leave_them(table: pl.DataFrame) -> None:
    part = pl.when(pl.int_range(pl.len()) < 500).then(pl.lit("train")).otherwise(pl.lit("test"))
    odd = table.with_columns(part=part, answer=pl.col("y")).with_columns(
        y=pl.when(pl.col("part") == "test").then(pl.format("{}.", "y")).otherwise("y")
    )
    run = hl.run(
        source=odd,
        target="y",
        trainer="decision_tree",
        split={"method": "column", "column": "part"},
        transform=[{"component": "normalize_text", "columns": ["y"], "strip_end": "."}],
    )
    assert [f["subject"] for f in run.findings if f["statistic"] == "same"] == ["answer"]
    assert [f["subject"] for f in run.findings if f["statistic"] == "shift"] == []


def test_the_audit_stops_a_run_before_training_where_asked(table: pl.DataFrame) -> None:
    leaky = table.with_columns(answer=pl.col("y"))
    with pytest.raises(hl.errors.GateFailed, match="'answer' is 'y' under other names") as caught:
        hl.run(source=leaky, target="y", trainer="decision_tree", packager="skops", audit="fail")
    assert "audit_allow=[answer]" in str(caught.value.hint)
    run = hl.load("last")
    assert isinstance(run, hl.Run)
    assert run.status == "gated"
    statuses = dict(run.stages().select("key", "status").rows())
    assert statuses["audit"] == "ran"
    assert statuses["trainer"] == "not reached"
    assert not (run.path / "packages").exists()
    (trainer,) = [stage for stage in run.evidence["plan"] if stage["kind"] == "trainer"]
    assert not list(run.path.parents[1].glob(f"store/*/{trainer['fingerprint']}"))


def test_findings_head_the_report(table: pl.DataFrame) -> None:
    run = hl.run(source=table.with_columns(answer=pl.col("y")), target="y", trainer="decision_tree")
    assert any("'answer' is 'y' under other names" in point["text"] for point in run.evidence["verdict"]["points"])
    assert run.findings[0]["subject"] == "answer"
    assert len(run.findings[0]["rows"]) == 10
    assert f"rows {', '.join(map(str, run.findings[0]['rows']))}" in run.report.read_text("utf-8")


def test_features_that_are_numbers_as_texts_are_told_with_what_to_type() -> None:
    train = pl.LazyFrame({"bill": [f"{i},5" for i in range(200)], "at": ["03/04/2026"] * 200, "plan": ["a"] * 200})
    remedies = load_registry().remedies
    told = {finding.subject: finding for finding in find_disguises(train, ["bill", "at", "plan"], remedies)}
    assert set(told) == {"bill", "at"}
    assert "set 'source.decimal=\",\"' or transform=[parse_numbers]" in told["bill"].message
    assert "set source.date_order=day_first or source.date_order=month_first" in told["at"].message
