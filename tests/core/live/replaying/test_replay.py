"""A model's log played through a version that did not answer it."""

from __future__ import annotations

import io
import json
import shutil
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest

import hookline as hl
from hookline.live.log.predictions import Predictions
from hookline.live.replaying.agreement import agreements
from hookline.live.replaying.replay import newest_of, replay
from hookline.registry.registry import Registry
from hookline.workspace.workspace import Workspace, open_workspace
from kit.command_line import Told
from kit.logs import END, records_of, write_log
from kit.shops import add_version
from kit.tables import table

ROWS = 120


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with four versions: of `a`, of `b`, one of other columns and another target, and one of numbers."""
    home = tmp_path_factory.mktemp("made") / "home"
    parts: dict[str, Any] = {
        "packager": ["skops"],
        "home": home,
        "trainer": "decision_tree",
        "evaluator": [],
        "audit": "off",
    }
    b = pl.when(pl.col("b") > 0).then(pl.lit("yes")).otherwise(pl.lit("no"))
    sources = [
        (table(200), "label"),
        (table(200).with_columns(label=b), "label"),
        (table(200).rename({"c": "kind"}).with_columns(churned=pl.col("label")).drop("label"), "churned"),
        (table(200).with_columns(price=pl.col("a") * 2).drop("label"), "price"),
    ]
    workspace = open_workspace(home)
    for source, target in sources:
        add_version(workspace, hl.run(source=source, target=target, name="shop", **parts).package())
    workspace.catalog.deployments.record(hl.Deployment.single("shop", 1, "local"), "first")
    rows = [{name: row[name] for name in "abc"} for row in table(ROWS).to_dicts()]
    times = [END - timedelta(minutes=ROWS - place) for place in range(ROWS)]
    write_log(home / "predictions" / "shop", records_of("shop:1", rows, times, home))
    return home


@pytest.fixture
def workspace(made: Path, tmp_path: Path) -> Workspace:
    """A copy of it, whose paths go along."""
    home = tmp_path / "hookline-home"
    shutil.copytree(made, home)
    return open_workspace(home)


def version(workspace: Workspace, number: int) -> Any:
    return workspace.catalog.models.get("shop", number)


def test_what_would_have_been_decided_otherwise_is_counted(workspace: Workspace, registry: Registry) -> None:
    found = replay(workspace, registry, version(workspace, 2), "7d", 1_000)
    rows = table(ROWS)
    other = int(((rows["a"] > 0) != (rows["b"] > 0)).sum())
    assert (found.records, found.own, found.refused, found.whole, found.notes) == (ROWS, 0, 0, True, ())
    assert found.changes is not None
    assert found.changes.changed == pytest.approx(other, abs=6)
    assert len(found.changes.examples) == 5
    assert found.quality is None
    assert found.speed is not None
    assert 0 < found.speed.alone_p50 <= found.speed.alone_p99


def test_the_newest_records_are_played_and_no_more(workspace: Workspace, registry: Registry) -> None:
    found = replay(workspace, registry, version(workspace, 2), "7d", 30)
    assert found.records == 30
    assert (found.end, found.begin) == (END - timedelta(minutes=1), END - timedelta(minutes=30))
    assert replay(workspace, registry, version(workspace, 2), END - timedelta(minutes=10), 1_000).records == 10


def test_what_the_version_answered_itself_and_what_shadows_did_is_left_out(
    workspace: Workspace, registry: Registry
) -> None:
    log = workspace.home / "predictions" / "shop"
    row = {"a": 1.0, "b": 1.0, "c": "u"}
    (own,) = records_of("shop:2", [row], [END], workspace.home, 500)
    (aside,) = records_of("shop:4", [row], [END], workspace.home, 501)
    write_log(log, [own, {**aside, "of": own["id"], "arm": "shadow"}])
    found = replay(workspace, registry, version(workspace, 2), "7d", 1_000)
    assert (found.records, found.own) == (ROWS, 1)


def test_rows_that_were_not_kept_and_those_of_tables_are_not_played(workspace: Workspace, registry: Registry) -> None:
    row = {"a": 1.0, "b": 1.0, "c": "u"}
    unkept, table_row = records_of("shop:1", [row] * 2, [END] * 2, workspace.home, 500)
    write_log(workspace.home / "predictions" / "shop", [{**unkept, "row": {}}, {**table_row, "arm": "batch"}])
    found = replay(workspace, registry, version(workspace, 2), "7d", 1_000)
    assert (found.records, found.own, found.refused) == (ROWS, 0, 0)


def test_many_records_of_its_own_do_not_hide_those_of_others(workspace: Workspace) -> None:
    rows = [{"a": 1.0, "b": 1.0, "c": "u"}] * 50
    times = [END + timedelta(seconds=place) for place in range(50)]
    write_log(workspace.home / "predictions" / "shop", records_of("shop:2", rows, times, workspace.home, 500))
    log = Predictions("shop", workspace.home / "predictions" / "shop")
    found, own = newest_of(log, 20, 2)
    assert (len(found), own) == (20, 50)
    assert {one["version"] for one in found} == {1}


def test_both_are_judged_by_the_labels_that_there_are(workspace: Workspace, registry: Registry) -> None:
    rows = table(ROWS).with_row_index("place").head(60)
    truth = rows.select(id=pl.format("shop-{}", pl.col("place").cast(pl.String).str.zfill(5)), label="label")
    hl.label("shop", truth, home=workspace.home)
    found = replay(workspace, registry, version(workspace, 2), "7d", 1_000)
    assert found.quality is not None
    assert found.quality.rows == 60
    metrics = {name: (then, now) for name, then, now in found.quality.metrics}
    then, now = metrics["accuracy"]
    assert then > 0.9 > 0.7 > now
    assert found.quality.mended is not None
    assert found.quality.spoiled is not None
    assert (found.quality.mended - found.quality.spoiled) / 60 == pytest.approx(now - then)


def test_a_version_that_takes_other_columns_refuses_rows_and_says_which(
    workspace: Workspace, registry: Registry
) -> None:
    found = replay(workspace, registry, version(workspace, 3), "7d", 1_000)
    assert (found.refused, found.changes, found.speed) == (ROWS, None, None)
    assert [(one.column, one.why, one.rows) for one in found.refusals] == [("kind", "is missing", ROWS)]
    assert found.notes == ("v3 predicts churned (binary), and v1 label (binary)",)


def test_a_version_of_another_task_is_not_compared_and_that_is_said(workspace: Workspace, registry: Registry) -> None:
    found = replay(workspace, registry, version(workspace, 4), "7d", 1_000)
    assert (found.refused, found.changes) == (0, None)
    assert found.notes[0] == "v4 predicts price (regression), and v1 label (binary)"
    assert "the recorded answers are none of the target 'price'" in found.notes[1]


def test_a_version_that_answered_and_is_gone_is_named(workspace: Workspace, registry: Registry) -> None:
    shutil.rmtree(version(workspace, 1).path)
    found = replay(workspace, registry, version(workspace, 2), "7d", 1_000)
    (note,) = found.notes
    assert note.startswith("the target of v1, which answered, cannot be compared: ")
    assert note.endswith("pipeline.json is missing")
    assert found.changes is not None
    assert found.changes.rows == ROWS


def test_of_an_empty_log_nothing_is_played(workspace: Workspace, registry: Registry) -> None:
    shutil.rmtree(workspace.home / "predictions")
    found = replay(workspace, registry, version(workspace, 2), "7d", 1_000)
    assert (found.records, found.changes, found.whole) == (0, None, True)


def test_a_shadow_is_held_against_the_answers_that_were_given(workspace: Workspace, registry: Registry) -> None:
    routes = (hl.Route(1, 1.0), hl.Route(2, 1.0, shadow=True, arm="shadow"))
    workspace.catalog.deployments.record(hl.Deployment("shop", 1, routes, "shadow"), "aside")
    policy = workspace.catalog.deployments.current("shop")
    assert policy is not None
    assert policy.since is not None
    rows = [{name: row[name] for name in "abc"} for row in table(ROWS).to_dicts()]
    times = [policy.since + timedelta(milliseconds=place) for place in range(ROWS)]
    given, aside = (records_of(f"shop:{one}", rows, times, workspace.home, one * 1_000) for one in (1, 2))
    told = [{**one, "of": other["id"], "arm": "shadow"} for one, other in zip(aside, given, strict=True)]
    unkept = [{**given[0], "id": "shop-9000", "row": {}}, {**told[0], "id": "shop-9001", "of": "shop-9000"}]
    write_log(workspace.home / "predictions" / "shop", [*given, *told[:-10], *unkept])
    (found,) = agreements(workspace, registry, policy, 1_000)
    same = sum(one["prediction"] == other["prediction"] for one, other in zip(given[:-10], told[:-10], strict=True))
    assert (found.version, found.arm, found.changes.rows) == (2, "shadow", ROWS - 10)
    assert found.share == pytest.approx(same / (ROWS - 10))
    assert {one.column for one in found.changes.slices} <= {"a", "b", "c"}
    assert agreements(workspace, registry, hl.Deployment.single("shop", 1, "local"), 10) == ()


def test_a_plan_is_printed_with_its_replay_and_the_line_to_type(workspace: Workspace, hookline: Told) -> None:
    rows = table(ROWS).with_row_index("place").head(60)
    truth = rows.select(id=pl.format("shop-{}", pl.col("place").cast(pl.String).str.zfill(5)), label="label")
    hl.label("shop", truth)
    code, out, err = hookline("deploy", "plan", "shop:2", "--since", "7d", "deployer.promote=always")
    assert code == 0
    assert out.startswith("v1 answers everything  ->  v2 answers everything\n")
    assert f"{ROWS} answers on record" in out
    for words in (
        "decisions would be others",
        "where most changes are",
        "examples",
        "of 60 records the truth is known",
    ):
        assert words in out
    assert "a row takes" in out
    assert err.endswith("to put it in force: hookline deploy apply shop:2 deployer.promote=always\n")
    code, out, _ = hookline("deploy", "plan", "shop:2", "--json", "--limit", "10")
    told = json.loads(out)
    assert (told["replay"]["records"], told["after"]["version"], told["before"]["version"]) == (10, 2, 1)
    code, out, _ = hookline("deploy", "plan", "shop:3", "--limit", "50")
    assert "50 of 50 rows are refused" in out
    assert "note: v3 wants kind, which v1 does not: rows without are refused" in out
    assert "against it: it predicts churned (binary), and v1 label (binary)" in out


def test_a_version_is_applied_once_somebody_said_yes(
    workspace: Workspace, hookline: Told, monkeypatch: pytest.MonkeyPatch
) -> None:
    line = ("deploy", "apply", "shop:2", "deployer.promote=always")
    code, _, err = hookline(*line)
    assert (code, "hint: hookline deploy apply shop:2 deployer.promote=always --yes" in err) == (2, True)
    said = io.StringIO("n\ny\n")
    monkeypatch.setattr(said, "isatty", lambda: True)
    monkeypatch.setattr(sys, "stdin", said)
    assert hookline(*line)[0] == 2
    code, _, err = hookline(*line, "--reason", "deployer=all")
    assert (code, "put this in force? [y/N]" in err, "(deployed by hand: deployer=all" in err) == (0, True, True)
    code, _, err = hookline(*line)
    assert (code, err) == (0, "shop: v2 answers everything (nothing changes)\n")
    code, _, err = hookline("deploy", "rollback", "shop", "--reason", "it was a try")
    assert (code, err) == (0, "shop: v1 answers everything (rolled back by hand, v2 -> v1: it was a try)\n")
    code, out, _ = hookline("deploy", "promote", "shop:2", "--json")
    assert (code, json.loads(out)["version"]) == (0, 2)
    code, _, err = hookline("deploy", "apply", "shop:3", "--yes", "deployer.promote=unless_worse")
    assert (code, "apply shop:3 --force" in err) == (3, True)
