"""Which rows a version has learned, also where what it came of lies on another machine."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

import hookline as hl
from hookline.live.learning.challengers.lessons import parent_of
from hookline.workspace.workspace import open_workspace
from kit.packages import reseal
from kit.versions import MODEL, registered


def test_what_a_version_came_of_is_brought_where_machines_share_packages(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = hl.run(source="iris", trainer="decision_tree", packager=["skops"], evaluator=[], monitor=[]).package("skops")
    monkeypatch.setenv("HOOKLINE_MODELS_REMOTE", f"file://{tmp_path / 'there'}")
    workspace = registered(made, tmp_path / "home", 2)
    old, new = (workspace.catalog.models.get(MODEL, version) for version in (1, 2))
    said = {"version": 1, "fingerprint": old.fingerprint, "rows": 3, "digest": "0" * 64, "data": "rows"}
    reseal(Path(new.path), {"updated_from": said})
    shutil.rmtree(old.path)
    found = parent_of(open_workspace(workspace.home), new)
    assert found is not None
    assert (found.version, (Path(found.path) / "manifest.json").is_file()) == (1, True)
