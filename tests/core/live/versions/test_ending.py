"""Tags of a version, and its end, each on record."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

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


def test_a_package_that_a_killed_delete_left_is_found_by_gc(home: Path, hookline: Told) -> None:
    path = Path(open_workspace().catalog.models.get("iris", 1).path)
    shutil.copytree(path, path.with_name("0" * 16))
    hl.delete_version("iris:1")
    _, out, _ = hookline("gc", "--json")
    assert [one["sort"] for one in json.loads(out)["found"] if one["sort"] == "package"] == []
    for file in [path.with_name("0" * 16), *path.with_name("0" * 16).rglob("*")]:
        import os

        os.utime(file, (0, 0))
    _, out, _ = hookline("gc", "--json", "--yes")
    assert [one["name"] for one in json.loads(out)["found"] if one["sort"] == "package"] == ["0" * 16]
    assert [folder.name for folder in path.parent.iterdir()] == [Path(hl.load("iris").path).name]
