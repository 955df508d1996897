"""What `gc` frees, and what it never does: kept runs work as before, and registered models always."""

from __future__ import annotations

import json
import os
import time
from datetime import timedelta
from pathlib import Path

import pytest

import hookline as hl
from hookline.workspace.tidying import Litter, Rule, clear, litter
from hookline.workspace.workspace import open_workspace
from kit.command_line import Told
from kit.places import own_home

ALL = Rule(runs=0, age=timedelta(0))
QUICK = ("source=iris", "trainer=decision_tree")


def run(depth: int, *more: str) -> hl.Run:
    return hl.run(*QUICK, f"trainer.max_depth={depth}", *more)


@pytest.fixture
def used() -> list[hl.Run]:
    """An old run, one that a registered model came of, and the newest."""
    return [run(1, "~deployer", "packager=[]"), run(2, "packager=[skops]"), run(3, "~deployer", "packager=[]")]


def test_nothing_is_removed_until_it_is_told_to(used: list[hl.Run], hookline: Told) -> None:
    code, out, err = hookline("gc", "--keep-runs", "0", "--older-than", "0")
    assert code == 0
    assert "folders of old runs" in out
    assert "nothing was removed: add --yes to do it" in err
    assert all(run.path.is_dir() for run in used)
    assert len(open_workspace().store.entries()) > 3


def test_by_default_what_is_young_is_kept(used: list[hl.Run], hookline: Told) -> None:
    code, _, err = hookline("gc", "--yes")
    assert code == 0
    assert "there is nothing to free" in err
    assert all(run.path.is_dir() for run in used)


def test_old_runs_and_what_only_they_need_are_freed_and_the_rest_works(used: list[hl.Run], hookline: Told) -> None:
    old, registered, newest = used
    before = set(open_workspace().store.entries())
    told = hookline("gc", "--keep-runs", "1", "--older-than", "0", "--yes", "--json")[1]
    found = json.loads(told)
    assert {one["name"] for one in found["found"] if one["sort"] == "run"} == {old.id}
    assert not old.path.exists()
    trained = next(stage["fingerprint"] for stage in old.evidence["plan"] if stage["kind"] == "trainer")
    gone = before - set(open_workspace().store.entries())
    assert trained in gone
    needed = {stage["fingerprint"] for run in (registered, newest) for stage in run.evidence["plan"]}
    assert not gone & needed
    again = hl.run(*QUICK, "trainer.max_depth=2", "packager=[skops]")
    assert {stage["status"] for stage in again.evidence["plan"]} - {"cached", "unneeded"} == {"ran"}
    assert [stage["key"] for stage in again.evidence["plan"] if stage["status"] == "ran"] == ["deployer"]
    assert hookline("compare", newest.id, again.id)[0] in (0, 2)
    assert hookline("runs", "list")[0] == 0
    code, _, err = hookline("runs", "show", old.id)
    assert code == 0, err


def test_a_registered_model_outlives_every_rule(used: list[hl.Run], hookline: Told) -> None:
    assert hookline("gc", "--keep-runs", "0", "--older-than", "0", "--yes")[0] == 0
    assert used[1].path.is_dir()
    assert len(hl.load("iris").predict(hl.plan(*QUICK)["source"].acts.load().frame.head(3).collect()).values) == 3
    assert hookline("models", "show", "iris:1")[0] == 0
    code, out, _ = hookline("doctor", "--json")
    assert code == 0
    assert {check["check"] for check in json.loads(out) if check["check"] == "models"} == set()


def test_a_run_under_way_is_kept(used: list[hl.Run]) -> None:
    workspace = open_workspace()
    with workspace.catalog.database.writing() as connection:
        runs = workspace.catalog.database.tables["runs"]
        connection.execute(runs.update().where(runs.c.id == used[0].id).values(status="running"))
    assert {one.name for one in litter(workspace, ALL) if one.sort == "run"} == {used[2].id}


def test_a_run_outside_the_home_is_left_where_somebody_put_it(tmp_path: Path, hookline: Told) -> None:
    folder = tmp_path / "mine"
    assert hookline(*QUICK, "~deployer", "packager=[]", f"hydra.run.dir={folder}")[0] == 0
    workspace = open_workspace()
    clear(workspace, litter(workspace, ALL))
    assert (folder / "evidence.json").is_file()


def test_what_killed_processes_left_is_freed_once_it_is_old(used: list[hl.Run]) -> None:
    home = own_home()
    lock = home / "store" / "locks" / "0123.lock"
    half = home / "models" / "iris" / ".abc.20260101-000000-000000"
    half.mkdir()
    (half / "model.skops").write_bytes(b"half")
    lock.touch()
    workspace = open_workspace()
    assert not {one.path for one in litter(workspace, Rule()) if one.sort in ("lock", "temporary")} & {lock, half}
    for path in (lock, half):
        os.utime(path, (time.time() - 7200,) * 2)
    found = [one for one in litter(workspace, Rule()) if one.path in (lock, half)]
    assert {one.path for one in found} == {lock, half}
    assert clear(workspace, found) == len(b"half")
    assert not lock.exists()
    assert not half.exists()


def test_a_number_that_makes_no_sense_is_told(hookline: Told) -> None:
    assert hookline("gc", "--keep-runs", "-1")[0] == 2


def test_a_lock_that_is_held_for_long_is_no_litter() -> None:
    workspace = open_workspace()
    lock = workspace.store.root / "locks" / f"{'a' * 32}.lock"
    with workspace.store.lock("a" * 64):
        os.utime(lock, (time.time() - 7200,) * 2)
        assert lock not in {one.path for one in litter(workspace, Rule())}
        assert clear(workspace, [Litter("lock", lock.name, lock, 1)]) == 0
        assert lock.exists()


def test_what_a_killed_writer_left_beside_any_file_is_freed() -> None:
    workspace = open_workspace()
    left = [own_home() / place / ".manifest.json.1-0123abcd" for place in ("piped", "models/iris/0123", "runs/1")]
    mine = own_home() / "runs" / "1" / ".manifest.json"
    for path in (*left, mine):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("half")
        os.utime(path, (time.time() - 7200,) * 2)
    assert {one.path for one in litter(workspace, Rule())} == set(left)
