"""Old versions go by a rule, and none that is needed for anything."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

import hookline as hl
from hookline.kinds.deployments import Deployment, Route
from hookline.live.versions.spare import drop, spare_versions
from hookline.workspace.catalog.retrainings import Retraining
from hookline.workspace.workspace import Workspace, open_workspace
from kit.command_line import Told
from kit.packages import reseal
from kit.versions import MODEL, put, put_in_shadow, registered

NONE = timedelta(0)


@pytest.fixture
def six(home: Path) -> Workspace:
    """A home whose model has six versions, of which the first is in charge."""
    return registered(Path(open_workspace(home).catalog.models.get("iris", 1).path), home, 6)


def told(workspace: Workspace, keep: int = 1) -> dict[str, str | None]:
    return {one.name: one.needed for one in spare_versions(workspace, keep, NONE) if one.record.name == MODEL}


def test_those_beyond_the_newest_go_but_the_one_in_force(six: Workspace) -> None:
    assert told(six, keep=2) == {
        "churn:4": None,
        "churn:3": None,
        "churn:2": None,
        "churn:1": "it is in force",
    }
    gone = drop(six, spare_versions(six, 2, NONE), "gc")
    assert [one.name for one in gone] == ["churn:4", "churn:3", "churn:2"]
    assert [record.version for record in six.catalog.models.versions(MODEL)] == [6, 5, 1]
    assert {act.version for act in six.catalog.acts.of(MODEL) if act.sort == "deleted"} == {2, 3, 4}
    assert len(list((six.home / "models" / MODEL).iterdir())) == 3


def test_what_is_younger_than_the_rule_says_stays(six: Workspace) -> None:
    assert spare_versions(six, 1, timedelta(hours=1)) == []


def test_a_version_is_kept_for_the_rollout_the_way_back_an_alias_and_a_retraining(six: Workspace) -> None:
    put(six, 2)
    put_in_shadow(six, 2, 3)
    six.catalog.models.set_alias(MODEL, "stable", 4)
    six.catalog.retrainings.open(Retraining(MODEL, "batch", 2, {"what": "hand"}, {}, status="trial", version=5))
    assert told(six) == {
        "churn:5": "a retraining under way is about it",
        "churn:4": "@stable points to it",
        "churn:3": "it is in force",
        "churn:2": "it is in force",
        "churn:1": None,
    }
    assert [one.name for one in drop(six, spare_versions(six, 1, NONE), "gc")] == ["churn:1"]


def test_a_roll_back_goes_on_going_back_to_what_was_in_force(six: Workspace) -> None:
    put(six, 2)
    assert told(six)["churn:1"] == "a roll-back goes back to it"
    drop(six, spare_versions(six, 1, NONE), "gc")
    assert hl.rollback(MODEL).version == 1


def learned_on(workspace: Workspace, version: int, parent: int) -> None:
    """Have a version say that it learned on from another."""
    old, new = (workspace.catalog.models.get(MODEL, one) for one in (parent, version))
    said = {"version": parent, "fingerprint": old.fingerprint, "rows": 3, "digest": "0" * 64, "data": "rows"}
    reseal(Path(new.path), {"updated_from": said})


def test_what_another_learned_on_from_goes_with_it_and_not_before(six: Workspace) -> None:
    learned_on(six, 3, 2)
    learned_on(six, 6, 4)
    assert told(six) == {
        "churn:5": None,
        "churn:4": "v6 learned on from it",
        "churn:3": None,
        "churn:2": None,
        "churn:1": "it is in force",
    }
    drop(six, spare_versions(six, 1, NONE), "gc")
    assert [record.version for record in six.catalog.models.versions(MODEL)] == [6, 4, 1]


def test_one_that_comes_in_force_after_it_was_found_stays(six: Workspace) -> None:
    found = spare_versions(six, 1, NONE)
    six.catalog.deployments.record(Deployment(MODEL, 1, (Route(1, 0.9), Route(3, 0.1, arm="canary")), "canary"), "try")
    assert "churn:3" not in [one.name for one in drop(six, found, "gc")]
    assert six.catalog.models.get(MODEL, 3).version == 3


def test_what_is_shared_goes_there_too_and_who_learned_is_read_there(
    six: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    learned_on(six, 6, 3)
    monkeypatch.setenv("HOOKLINE_MODELS_REMOTE", f"file://{tmp_path / 'there'}")
    team = open_workspace(six.home)
    records = {one.version: one for one in team.catalog.models.versions(MODEL)}
    shelf = team.catalog.models.shelf
    assert shelf is not None
    for record in records.values():
        shelf.put(Path(record.path))
    shutil.rmtree(team.home / "models" / MODEL)
    found = spare_versions(team, 1, NONE)
    assert {one.name for one in found if one.needed is None and one.size > 1000} == {"churn:5", "churn:4", "churn:2"}
    drop(team, found, "gc")
    assert [version for version in records if shelf.has(Path(records[version].path))] == [6, 3, 1]
    assert not list(team.home.glob("models/churn/*"))


def test_nothing_goes_while_it_cannot_be_read_what_learned_on_from_what(
    six: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, hookline: Told
) -> None:
    there = tmp_path / "there"
    there.write_text("not a folder")
    shutil.rmtree(six.catalog.models.get(MODEL, 6).path)
    monkeypatch.setenv("HOOKLINE_MODELS_REMOTE", f"file://{there}")
    code, _, err = hookline("gc", "--keep-versions", "1", "--older-than", "0", "--yes")
    assert (code, "cannot be read" in err) == (1, True), err
    monkeypatch.delenv("HOOKLINE_MODELS_REMOTE")
    assert len(six.catalog.models.versions(MODEL)) == 6


def test_the_command_says_first_what_it_would_do_and_frees_what_only_old_versions_needed(
    home: Path, hookline: Told
) -> None:
    asked = ("gc", "--keep-runs", "0", "--keep-versions", "1", "--older-than", "0")
    hl.promote("iris:2")
    for depth in (1, 2):
        hl.run("source=iris", "name=iris", "monitor=[]", "trainer=decision_tree", f"trainer.max_depth={depth}")
    hl.promote("iris:4")
    run = open_workspace().catalog.models.get("iris", 3).run_id
    code, out, err = hookline(*asked)
    assert code == 0
    assert "versions that the rule gives up" in out
    assert "to be deleted: iris:3, iris:1" in err
    assert "iris:2 is old and stays: a roll-back goes back to it" in err
    assert "nothing was removed: add --yes" in err
    assert len(open_workspace().catalog.models.versions("iris")) == 4
    planned = json.loads(hookline(*asked, "--json")[1])
    done = json.loads(hookline(*asked, "--yes", "--json")[1])
    assert {(one["sort"], one["name"]) for one in planned["found"]} == {
        (one["sort"], one["name"]) for one in done["found"]
    }
    assert ("run", run) in {(one["sort"], one["name"]) for one in done["found"]}
    assert done["bytes"] == planned["bytes"] > 0
    assert [record.version for record in open_workspace().catalog.models.versions("iris")] == [4, 2]
    for version in (4, 2):
        assert hl.verify_package(f"iris:{version}").ok
    assert "gc --keep-versions 1" in hookline("models", "log", "iris")[1]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--keep-versions", "0"], "--keep-versions must be 1 or more"),
        (["--keep-versions", "2", "--older-than", "soon"], "--older-than: 'soon' is no length of time"),
        (["--older-than", "-1"], "--older-than"),
        (["--older-than", "999999d"], "longer than 36500 days"),
    ],
)
def test_a_rule_that_makes_no_sense_is_one_error(words: list[str], message: str, hookline: Told) -> None:
    code, _, err = hookline("gc", *words)
    assert (code, message in err) == (2, True), err


def test_a_copy_of_what_another_machine_deleted_is_freed_here(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, hookline: Told
) -> None:
    monkeypatch.setenv("HOOKLINE_MODELS_REMOTE", f"file://{tmp_path / 'there'}")
    monkeypatch.setenv("HOOKLINE_CATALOG", f"sqlite:///{tmp_path / 'team.db'}")
    with (
        closing(sqlite3.connect(home / "catalog.db")) as own,
        closing(sqlite3.connect(tmp_path / "team.db")) as its,
    ):
        own.backup(its)
    team = open_workspace(home)
    kept, gone = (Path(team.catalog.models.get("iris", version).path) for version in (2, 1))
    copy = tmp_path / "second" / "models" / "iris" / gone.name
    for path in (kept, gone):
        shutil.copytree(path, copy.with_name(path.name))
    hl.delete_version("iris:1")
    monkeypatch.setenv("HOOKLINE_HOME", str(tmp_path / "second"))
    before = (datetime.now(UTC) - timedelta(hours=2)).timestamp()
    for path in (kept, gone):
        os.utime(copy.with_name(path.name), (before, before))
    found = json.loads(hookline("gc", "--yes", "--json")[1])["found"]
    assert [one["name"] for one in found if one["sort"] == "package"] == [gone.name]
    assert [path.name for path in copy.parent.iterdir()] == [kept.name]
