"""A version whose run was killed gets its evidence at the next command, or says that it has none."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

import hookline as hl
from hookline.errors import StoreError, UntrustedPackage
from hookline.packages.manifest import add_files, verify
from hookline.packages.settling import EVIDENCE, settle_runs
from hookline.workspace.processes.owners import Owner
from hookline.workspace.signing import read_key
from hookline.workspace.workspace import Workspace, open_workspace
from kit.command_line import Told
from kit.packages import reseal

QUICK = ("source=iris", "trainer=decision_tree", "packager=[skops]")


@pytest.fixture
def killed(at_home: Path) -> Iterator[hl.Run]:
    """A run that was killed once it had registered its version, before it put its evidence inside."""
    run, workspace = hl.run(*QUICK), open_workspace()
    folder = version(workspace)
    shutil.rmtree(folder / "evidence", ignore_errors=True)
    reseal(folder, key=read_key())
    record = workspace.catalog.models.get("iris")
    set_run(workspace, record.run_id, replace(Owner.here(), pid=2**22 + 1))
    yield replace(run, id=record.run_id, path=Path(workspace.catalog.runs.get(record.run_id).path))
    shutil.rmtree(at_home)


def set_run(workspace: Workspace, run_id: str, owner: Owner) -> None:
    """Let a run be under way by somebody."""
    runs = workspace.catalog.database.tables["runs"]
    with workspace.catalog.database.writing() as connection:
        held = runs.update().where(runs.c.id == run_id)
        connection.execute(held.values(status="running", owner=str(owner), finished=None))


def version(workspace: Workspace) -> Path:
    """Return the folder of the only version."""
    return Path(workspace.catalog.models.get("iris").path)


def test_what_the_run_wrote_is_put_inside_when_the_version_is_next_named(killed: hl.Run, hookline: Told) -> None:
    folder = version(open_workspace())
    # As far as it had come: a file was copied, and not yet listed.
    (folder / "evidence").mkdir()
    (folder / EVIDENCE).write_text("half")
    code, _, err = hookline("models", "show", "iris")
    assert code == 0, err
    assert "evidence" not in err
    verify(folder)
    assert json.loads((folder / EVIDENCE).read_text())["run"]["id"] == killed.id


def test_the_next_run_settles_it_and_marks_the_one_that_is_gone(killed: hl.Run) -> None:
    workspace = open_workspace()
    settle_runs(workspace)
    assert json.loads((version(workspace) / EVIDENCE).read_text())["run"]["id"] == killed.id
    runs = workspace.catalog.database.tables["runs"]
    assert {row["status"] for row in workspace.catalog.database.rows(runs.select())} == {"interrupted"}


def test_a_damaged_version_of_another_run_is_told_of_and_stops_no_run(
    killed: hl.Run, caplog: pytest.LogCaptureFixture
) -> None:
    workspace = open_workspace()
    (version(workspace) / "manifest.json").write_text('{"format": 1, "fi')
    settle_runs(workspace)
    assert "the evidence of iris:1 was not put inside: " in caplog.text
    assert str(version(workspace)) in caplog.text
    assert workspace.catalog.runs.get(killed.id).status == "interrupted"


def test_where_it_left_none_that_is_said_and_the_next_run_that_makes_it_adds_its_own(
    killed: hl.Run, hookline: Told
) -> None:
    workspace = open_workspace()
    (killed.path / "evidence.json").unlink()
    (killed.path / "report.html").unlink()
    code, _, err = hookline("models", "show", "iris")
    assert code == 0, err
    assert f"it has no evidence: run {killed.id} is interrupted and left none" in err
    again = hl.run(*QUICK)
    assert json.loads((version(workspace) / EVIDENCE).read_text())["run"]["id"] == again.id
    assert "no evidence" not in hookline("models", "show", "iris")[2]


def test_a_run_that_is_still_at_it_is_left_alone(killed: hl.Run, hookline: Told) -> None:
    workspace = open_workspace()
    set_run(workspace, killed.id, Owner.here())
    code, _, err = hookline("models", "show", "iris")
    assert code == 0, err
    assert "evidence" not in err
    assert not (version(workspace) / "evidence").exists()


def test_a_version_that_is_not_signed_with_the_users_key_gets_no_evidence_and_no_signature(
    killed: hl.Run, hookline: Told
) -> None:
    workspace = open_workspace()
    folder = version(workspace)
    reseal(folder, {"format": 3, "metrics": []})
    before = (folder / "manifest.json").read_bytes()
    code, _, err = hookline("models", "show", "iris")
    assert code == 0, err
    assert "it has no evidence and gets none, for it is not signed with your key" in err
    hl.load("iris")
    hl.run(*QUICK)
    assert (folder / "manifest.json").read_bytes() == before
    with pytest.raises(UntrustedPackage, match="not signed with your key"):
        hl.load("iris", trust=hl.Trust(signed=True))


def test_no_file_is_added_to_what_nobody_vouched_for(killed: hl.Run) -> None:
    folder = version(open_workspace())
    manifest = folder / "manifest.json"
    reseal(folder)
    former = {name: value for name, value in json.loads(manifest.read_text()).items() if name != "seal"}
    for said in (manifest.read_text(), json.dumps(former | {"format": 2}), json.dumps(former | {"format": 1})):
        manifest.write_text(said)
        with pytest.raises(UntrustedPackage, match="not signed with your key"):
            add_files(folder, {EVIDENCE: killed.path / "evidence.json"})
        assert manifest.read_text() == said
        assert not (folder / EVIDENCE).exists()


def test_a_version_whose_files_were_changed_is_told_and_not_sealed_again(killed: hl.Run) -> None:
    workspace = open_workspace()
    folder = version(workspace)
    before = (folder / "manifest.json").read_bytes()
    (folder / "model.skops").write_bytes(b"another")
    with pytest.raises(StoreError, match="damaged: model.skops"):
        hl.load("iris")
    settle_runs(workspace)
    assert (folder / "manifest.json").read_bytes() == before
