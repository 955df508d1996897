"""What a run that was killed left undone for the version that it registered: the evidence is put inside, or missed aloud."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path

from hookline.errors import HooklineError, StoreError, UnknownName
from hookline.telling.secrets import logger
from hookline.workspace.catalog.models import ModelRecord
from hookline.workspace.catalog.runs import RunRecord
from hookline.workspace.disk import can_write
from hookline.workspace.workspace import Workspace

from .door.sealing import is_signed
from .manifest import add_files, read_manifest, verify

log = logger("hookline.packages")

EVIDENCE = "evidence/evidence.json"
"""Where a package keeps what its run learned."""


def add_evidence(workspace: Workspace, folder: Path, files: Mapping[str, Path]) -> None:
    """Add evidence to a registered package, and to its copy where machines share packages; one that fails there is told of."""
    add_files(folder, files)
    shelf = workspace.catalog.models.shelf
    if shelf is not None:
        try:
            shelf.put(folder)
        except StoreError as error:
            # The version itself is there, and answers.
            log.warning("other machines do not get the evidence of %s: %s", folder, error.message)


def evidence_files(folder: Path) -> Mapping[str, Path]:
    """Return the files of a run's folder that travel inside its packages, by their names there."""
    names = ("evidence.json", "report.html")
    return {f"evidence/{name}": folder / name for name in names if (folder / name).is_file()}


def settle(workspace: Workspace, record: ModelRecord) -> str | None:
    """Put the evidence of a run that has ended into the version that it registered; says why there is none, or returns None.

    Only a whole version that is signed with this user's key gets it, since what gets it is signed again.
    Raises what reading its manifest raises, and StoreError where one that was to get it is damaged.
    """
    folder = Path(record.path)
    manifest = read_manifest(folder)
    listed = manifest.get("files")
    run = None if not isinstance(listed, dict) or EVIDENCE in listed else _maker(workspace, record)
    if run is None or run.status == "running":
        return None
    files = evidence_files(Path(run.path))
    if not files and _renewed(workspace, folder):
        return None
    if not files:
        return (
            f"it has no evidence: run {run.id} is {run.status} and left none; the next run that makes it adds its own"
        )
    if not can_write(folder):
        return f"it has no evidence: run {run.id} was stopped before it added any, which a command that may write does"
    if not is_signed(manifest):
        return f"it has no evidence and gets none, for it is not signed with your key: delete {folder} and run it again"
    # Of two commands at once the second does it again.
    with workspace.store.lock(hashlib.sha256(f"evidence {folder.name}".encode()).hexdigest()):
        verify(folder)
        add_evidence(workspace, folder, files)
    return None


def _renewed(workspace: Workspace, folder: Path) -> bool:
    """Take the evidence that came to a package after it was brought from where machines share them; tells whether it did."""
    shelf = workspace.catalog.models.shelf
    if shelf is None or not can_write(folder):
        return False
    shelf.renew(folder)
    return EVIDENCE in read_manifest(folder)["files"]


def settle_runs(workspace: Workspace) -> None:
    """Do so for every run whose process is gone, and mark it as interrupted; a version that is damaged is told of."""
    lost = workspace.catalog.runs.lost()
    if not lost:
        return
    workspace.catalog.runs.mark_interrupted()
    for record in workspace.catalog.models.every_version():
        if record.run_id not in lost or not Path(record.path).is_dir():
            continue
        try:
            settle(workspace, record)
        except (HooklineError, OSError) as error:
            # Whoever names this version hears of it as an error; the run that is about to begin is another's.
            log.warning("the evidence of %s:%s was not put inside: %s", record.name, record.version, error)


def _maker(workspace: Workspace, record: ModelRecord) -> RunRecord | None:
    """Return the run that registered a version; None where the catalog knows it no more."""
    try:
        return workspace.catalog.runs.get(record.run_id)
    except UnknownName:
        return None
