"""Tags of a version, and its end, each on record."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import time
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Thread

import polars as pl
import pytest

import hookline as hl
from hookline.errors import UnknownName, UsageError
from hookline.workspace.workspace import open_workspace
from kit.command_line import Told


@pytest.mark.usefixtures("home")
def test_tags_are_set_changed_and_removed_with_who_and_why(hookline: Told) -> None:
    assert hl.tag_version("iris:1", {"stage": "trial", "owner": "ann"}) == {"owner": "ann", "stage": "trial"}
    assert hookline("models", "tag", "iris:1", "stage=kept", "--remove", "owner", "--reason", "she left")[0] == 0
    assert open_workspace().catalog.acts.tags("iris") == {1: {"stage": "kept"}}
    _, out, _ = hookline("models", "log", "iris", "--json")
    acts = [one for one in json.loads(out) if "sort" in one]
    assert [(act["sort"], act["reason"]) for act in acts] == [
        ("untagged", "she left"),
        ("tagged", "she left"),
        ("tagged", ""),
    ]
    assert all(act["who"] for act in acts)
    _, out, _ = hookline("models", "list", "iris")
    assert "stage=kept" in out


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["iris:1", "stage"], "is no NAME=VALUE"),
        (["iris:1"], "say which tags"),
        (["iris:1", "a/b=1"], "cannot name a tag"),
        (["iris:1", "a=\x1b[2J"], "is no line"),
        (["iris:1", "--remove", "stage"], "has no tag 'stage'"),
        (["iris:9", "stage=1"], "no version of iris named '9'"),
        (["iris", "stage=1"], "say which version of 'iris' is meant"),
    ],
)
@pytest.mark.usefixtures("home")
def test_what_is_no_tag_is_one_error(words: list[str], message: str, hookline: Told) -> None:
    code, _, err = hookline("models", "tag", *words)
    assert (code, message in err) == (2, True)


def test_a_deleted_version_is_gone_with_its_package_and_its_number_is_not_given_again(
    home: Path, hookline: Told
) -> None:
    folder = Path(open_workspace().catalog.models.get("iris", 1).path)
    gone = hl.delete_version("iris:1", reason="too old")
    assert gone.version == 1
    assert not folder.exists()
    with pytest.raises(UnknownName) as raised:
        hl.load("iris:1")
    assert "it was deleted on" in str(raised.value.hint)
    assert "too old; there is 2" in str(raised.value.hint)
    hl.run("source=iris", "name=iris", "monitor=[]", "trainer=decision_tree")
    assert [record.version for record in open_workspace().catalog.models.versions("iris")] == [3, 2]
    assert hl.load("iris:3").manifest["name"] == "iris"


def test_a_deleted_version_goes_from_the_url_that_machines_share_too(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOOKLINE_MODELS_REMOTE", f"file://{tmp_path / 'there'}")
    models = open_workspace().catalog.models
    assert models.shelf is not None
    kept, gone = (models.get("iris", version) for version in (2, 1))
    for record in (kept, gone):
        models.shelf.put(Path(record.path))
    hl.delete_version("iris:1")
    assert models.shelf.has(Path(kept.path))
    assert not models.shelf.has(Path(gone.path))


def test_a_delete_waits_for_who_registers_the_same_package(home: Path) -> None:
    workspace = open_workspace()
    record = workspace.catalog.models.get("iris", 1)
    deleting = Thread(target=hl.delete_version, args=("iris:1",), kwargs={"home": home})
    with workspace.package_place("iris", record.fingerprint) as path:
        assert path == Path(record.path)
        deleting.start()
        deleting.join(1)
        assert deleting.is_alive()
        assert path.is_dir()
        assert workspace.catalog.models.get("iris", 1) == record
    deleting.join(60)
    assert not path.exists()
    assert [one.version for one in workspace.catalog.models.versions("iris")] == [2]


def test_what_is_in_force_or_has_a_name_stays(home: Path, hookline: Told) -> None:
    with pytest.raises(UsageError, match="iris:2 is in force"):
        hl.delete_version("iris:2")
    hl.promote("iris:1", alias="stable")
    with pytest.raises(UsageError, match="is what iris@stable means"):
        hl.delete_version("iris:1")
    code, _, err = hookline("models", "delete", "iris:1")
    assert (code, "add --yes" in err) == (2, True)
    assert [record.version for record in open_workspace().catalog.models.versions("iris")] == [2, 1]


def test_a_model_whose_versions_are_all_deleted_is_unknown(home: Path, tmp_path: Path) -> None:
    hl.import_version(hl.export_version("iris:1", tmp_path / "x.zip"), "flowers")
    hl.delete_version("flowers:1")
    assert open_workspace().catalog.models.names() == ["iris"]
    with pytest.raises(UnknownName, match="no model or run named 'flowers'"):
        hl.load("flowers")


def aged(home: Path, *folders: Path) -> None:
    """Make the home's versions two hours old, and folders 90 minutes."""
    with closing(sqlite3.connect(home / "catalog.db")) as connection:
        before = (datetime.now(UTC) - timedelta(hours=2)).strftime("%Y-%m-%d %H:%M:%S.%f")
        connection.execute("UPDATE hookline_models SET created = ?", (before,))
        connection.commit()
    moment = time.time() - 5400
    for folder in folders:
        os.utime(folder, (moment, moment))


def packages_told(hookline: Told, *more: str) -> list[str]:
    _, out, _ = hookline("gc", "--json", *more)
    return [one["name"] for one in json.loads(out)["found"] if one["sort"] == "package"]


def test_a_package_that_a_killed_delete_left_is_found_by_gc(home: Path, hookline: Told) -> None:
    path = Path(open_workspace().catalog.models.get("iris", 1).path)
    left = path.with_name("0" * 16)
    shutil.copytree(path, left)
    hl.delete_version("iris:1")
    assert packages_told(hookline) == []
    aged(home, left)
    assert packages_told(hookline, "--yes") == [left.name]
    assert [folder.name for folder in path.parent.iterdir()] == [Path(hl.load("iris").path).name]


def test_gc_leaves_packages_that_another_catalog_may_know(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, hookline: Told
) -> None:
    paths = [Path(record.path) for record in open_workspace().catalog.models.versions("iris")]
    aged(home, *paths)
    monkeypatch.setenv("HOOKLINE_CATALOG", f"sqlite:///{tmp_path / 'other.db'}")
    assert packages_told(hookline, "--yes") == []
    monkeypatch.delenv("HOOKLINE_CATALOG")
    (home / "catalog.db").rename(home / "away.db")
    assert packages_told(hookline, "--yes") == []
    assert all(path.is_dir() for path in paths)


def test_a_version_that_another_learned_on_from_is_not_deleted_before_it(home: Path) -> None:
    rows = pl.DataFrame({name: [1.0, 2.0, 3.0, 4.0] for name in "abcd"} | {"y": ["x", "z", "x", "z"]})
    hl.run(source=rows, target="y", name="small", trainer="sgd_classifier", packager=["skops"], deployer="local")
    hl.update("small:1", rows)
    hl.promote("small:2")
    with pytest.raises(UsageError, match="small:2 learned on from small:1"):
        hl.delete_version("small:1")
    hl.promote("small:1")
    hl.delete_version("small:2")
    assert hl.load("small:1").manifest["name"] == "small"
