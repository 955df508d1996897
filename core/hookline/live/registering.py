"""A finished run's package made a version of its model, which nothing points to yet."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

from hookline.errors import UsageError
from hookline.packages.manifest import is_whole, verify
from hookline.runs.names import load_run_named
from hookline.runs.result import Run
from hookline.workspace.workspace import Workspace, open_workspace

from .mirroring.pushing import keep_in_step


@dataclass(frozen=True)
class Registered:
    """A version that stands for a run's package."""

    model: str
    version: int
    path: Path
    """Where its copy is kept."""
    is_new: bool
    """Whether the package had no number before; the copy of one that had is made again where it was lost or damaged."""


def register(run: str | Path | Run, package: str | None = None, *, home: str | Path | None = None) -> Registered:
    """Register the package of a finished run, such as the best of a sweep, as the next version of its model.

    run: `last`, an id, its first letters, or a run's folder; package: its key in the config (default: the first there)
    Raises UsageError where the run did not finish or has no such package, StoreError where the package is damaged.
    """
    found = run if isinstance(run, Run) else load_run_named(run, home=home)
    if found.status != "finished":
        raise UsageError(
            f"run {found.id} is {found.status}, and only a finished one is registered",
            hint=f"hookline runs show {found.id}",
        )
    workspace, folder = open_workspace(home), found.package(package)
    manifest, fingerprint = verify(folder), _fingerprint(found, folder.name)
    name, models = str(manifest["name"]), workspace.catalog.models
    before = {record.version for record in models.versions(name)} if models.has(name) else set()
    with workspace.package_place(name, fingerprint) as path:
        _keep(workspace, folder, path)
        version = models.register(name, found.id, str(path), manifest["packager"], found.metrics, fingerprint)
    keep_in_step(name, home)
    return Registered(name, version, path, version not in before)


def _fingerprint(run: Run, key: str) -> str:
    stages = run.evidence["plan"]
    packagers = (stage for stage in stages if stage["kind"] == "packager" and stage["key"].partition(".")[2] == key)
    return str(next(packagers)["fingerprint"])


def _keep(workspace: Workspace, package: Path, path: Path) -> None:
    """Copy a package to where its model is kept, where no whole copy is there."""
    if is_whole(path):
        return
    with workspace.store.clear_errors(), workspace.store.scratch() as scratch:
        shutil.copytree(package, scratch / "package")
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.exists():
            path.rename(scratch / "damaged")
        (scratch / "package").rename(path)
