"""Rows that are kept: given back though the source is gone, repeated on, drawn against others, and let go by a rule."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest

import hookline as hl
from hookline.cli import main
from hookline.errors import DataError, UsageError
from hookline.registry.registry import load_registry
from hookline.runs.past.repeating import differing_metrics, plan_repeat
from hookline.runs.past.rows import checkout
from hookline.runs.past.tracking import tracked
from hookline.workspace.tidying import Rule, litter
from hookline.workspace.workspace import open_workspace


def table(rows: int = 60, shift: float = 0.0) -> pl.DataFrame:
    return pl.DataFrame(
        {"id": range(rows), "x": [i % 7 + shift for i in range(rows)], "y": [("no", "yes")[i % 2] for i in range(rows)]}
    )


def run_of(file: Path, home: Path, **options: Any) -> hl.Run:
    # What repeats is dropped before the split, so that the store's parts are not all rows.
    config: dict[str, Any] = {"target": "y", "roles": {"id": "id"}, "transform": "dedupe", "trainer": "decision_tree"}
    return hl.run(source=str(file), packager=[], monitor=[], audit="off", home=home, name="t", **config, **options)


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "home"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "t.csv"
    frame = table()
    pl.concat([frame, frame.head(3)]).write_csv(path)
    return path


def test_rows_that_were_kept_come_back_once_the_source_is_gone(file: Path, home: Path) -> None:
    run = run_of(file, home, keep_data=True)
    was = pl.read_csv(file)
    file.unlink()
    found = checkout(run.id, file.with_name("back.parquet"), home=home)
    assert found.found == "the store, which kept them"
    assert pl.read_parquet(found.path).equals(was)


def test_rows_that_were_not_kept_are_told_to_be_gone_with_the_option(file: Path, home: Path) -> None:
    run = run_of(file, home)
    table(30).write_csv(file)
    with pytest.raises(DataError, match="gives other rows by now") as caught:
        checkout(run.id, file.with_name("back.parquet"), home=home)
    assert "keep_data=true" in str(caught.value.hint)


def test_one_content_is_kept_once(file: Path, home: Path) -> None:
    run_of(file, home, keep_data=True)
    store = open_workspace(home).store
    before = {entry for entry in store.entries() if store.note(entry).get("rows_of")}
    other = file.with_name("other.csv")
    other.write_bytes(file.read_bytes())
    run_of(other, home, keep_data=True, seed=3)
    assert len(before) == 1
    assert {entry for entry in store.entries() if store.note(entry).get("rows_of")} == before


def test_a_run_repeats_on_its_source_or_on_what_was_kept(file: Path, home: Path) -> None:
    run = run_of(file, home, keep_data=True)
    registry, workspace = load_registry(), open_workspace(home)
    assert plan_repeat(registry, workspace, run.id).where == "source 'file', which has not changed"
    content = file.read_bytes()
    file.write_bytes(content + b"\n")
    assert plan_repeat(registry, workspace, run.id).where == "source 'file', which gives the same rows"
    table(40).write_csv(file)
    planned = plan_repeat(registry, workspace, run.id)
    assert planned.where == "the store, which kept them"
    file.unlink()
    assert plan_repeat(registry, workspace, run.id).where == "the store, which kept them"
    again = hl.run(planned.config, home=home)
    before, now = (workspace.catalog.runs.get(one.id).metrics for one in (run, again))
    assert before
    assert now
    assert differing_metrics(before, now) == []
    assert again.evidence["data"]["version"] == run.evidence["data"]["version"]


def test_what_was_ignored_joined_and_named_after_the_source_is_repeated_from_the_store(file: Path, home: Path) -> None:
    pl.DataFrame({"x": [one * 1.0 for one in range(7)], "w": [one * 1.5 for one in range(7)]}).write_csv(
        file.with_name("r.csv")
    )
    frame = table().with_columns(seen=pl.col("id"))
    frame.write_csv(file)
    join = {"component": "join", "right": {"component": "file", "path": str(file.with_name("r.csv"))}, "on": ["x"]}
    config: dict[str, Any] = {"roles": {"target": "y", "id": "id", "ignore": ["seen"]}, "trainer": "decision_tree"}
    parts: dict[str, Any] = {"packager": [], "monitor": [], "audit": "off", "features": {"s": {"joins": {"j": join}}}}
    run = hl.run(source=str(file), home=home, keep_data=True, **config, **parts)
    frame.head(40).write_csv(file)
    again = hl.run(plan_repeat(load_registry(), open_workspace(home), run.id).config, home=home)
    assert [feature["name"] for feature in again.evidence["features"]] == ["x", "w"]
    assert again.evidence["title"] == run.evidence["title"] == "t"
    assert again.evidence["data"]["version"] == run.evidence["data"]["version"]
    assert again.metrics == run.metrics


def test_a_run_whose_rows_are_gone_is_not_repeated_and_what_differs_is_told(file: Path, home: Path) -> None:
    run = run_of(file, home)
    frame = pl.read_csv(file)
    registry, workspace = load_registry(), open_workspace(home)
    for changed, message in (
        (frame.with_columns(x=pl.col("x") + 1), "columns with other values: x"),
        (frame.drop("x"), "columns that are gone: x"),
        (frame.head(20), "gives 20 rows, and gave 63"),
    ):
        changed.write_csv(file)
        with pytest.raises(DataError, match="cannot be repeated") as caught:
            plan_repeat(registry, workspace, run.id)
        assert message in str(caught.value)
    file.unlink()
    with pytest.raises(DataError, match="there is no file"):
        plan_repeat(registry, workspace, run.id)


def test_a_run_that_saw_no_rows_is_not_repeated(file: Path, home: Path) -> None:
    table(1).write_csv(file)
    with pytest.raises(DataError, match="too few to train"):
        run_of(file, home)
    with pytest.raises(UsageError, match="saw no version of data"):
        plan_repeat(load_registry(), open_workspace(home), "last")


def test_rows_are_let_go_by_a_rule(file: Path, home: Path) -> None:
    for rows in (60, 50, 40):
        table(rows).write_csv(file)
        run_of(file, home, keep_data=True)
    workspace = open_workspace(home)

    def let_go(versions: int | None, age: timedelta = timedelta()) -> int:
        found = litter(workspace, Rule(versions=versions, age=age))
        return sum(one.sort == "entry" and "rows_of" in workspace.store.note(one.name) for one in found)

    assert [let_go(versions) for versions in (None, 3, 1, 0)] == [0, 0, 2, 3]
    assert let_go(0, age=timedelta(hours=1)) == 0
    with workspace.catalog.database.writing() as connection:
        runs = workspace.catalog.database.tables["runs"]
        newest = workspace.catalog.runs.newest(1)[0].id
        connection.execute(runs.update().where(runs.c.id == newest).values(status="running"))
    # What it saw, and what was put there since it began.
    assert let_go(0) == 2


def test_a_diff_is_drawn_with_rows_and_distributions(
    file: Path, home: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOOKLINE_HOME", str(home))
    table().write_csv(file)
    first = run_of(file, home, keep_data=True)
    table(shift=5.0).write_csv(file)
    second = run_of(file, home)
    page = file.with_name("diff.html")
    assert main(["data", "diff", first.id, second.id, "--by", "id", "--html", str(page)]) == 0
    out = capsys.readouterr().out
    assert "by id: 0 rows added, 0 removed, 60 changed" in out
    assert "'x' has moved: KS" in out
    html = page.read_text("utf-8")
    assert 'class="overlaid"' in html
    assert "60 changed" in html


def test_the_command_repeats_a_run(
    file: Path, home: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOOKLINE_HOME", str(home))
    run = run_of(file, home)
    assert main(["runs", "repeat", run.id]) == 0
    assert f"every metric is that of run {run.id}" in capsys.readouterr().err
    assert main(["data", "versions", "--json"]) == 0
    (version,) = json.loads(capsys.readouterr().out)
    assert version["kept"] is False


def test_versions_that_others_keep_are_recorded_with_the_rows(file: Path, home: Path) -> None:
    file.with_name("t.csv.dvc").write_text(
        "outs:\n- md5: 0cc175b9c0f1b6a831c399e269772661\n  size: 3\n  path: t.csv\n", "utf-8"
    )
    run_of(file, home)
    (version,) = open_workspace(home).catalog.datasets.versions()
    assert version.origin["tracked"] == {"dvc": {"md5": "0cc175b9c0f1b6a831c399e269772661"}}


def test_a_table_of_delta_lake_tells_its_version(tmp_path: Path) -> None:
    pytest.importorskip("deltalake")
    for _ in range(3):
        table().write_delta(tmp_path / "d", mode="overwrite")
    assert tracked({"path": str(tmp_path / "d"), "version": None}) == {"delta": 2}
    assert tracked({"path": str(tmp_path / "d"), "version": 1}) == {"delta": 1}


@pytest.mark.parametrize("content", ["", "outs: 3", "outs: [{path: other.csv, md5: a}]", "{", "outs:\n- path: t.csv\n"])
def test_a_file_of_dvc_that_says_nothing_of_the_rows_is_passed_over(file: Path, content: str) -> None:
    file.with_name("t.csv.dvc").write_text(content, "utf-8")
    assert tracked({"path": str(file)}) == {}
