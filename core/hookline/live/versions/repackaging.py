"""Another format of a version, made after its run: the same fitted pipeline, proven to answer alike."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hookline.errors import UnknownName, UsageError
from hookline.kinds.deployments import Trust
from hookline.kinds.kinds import Packager
from hookline.kinds.plain import plain
from hookline.packages.certificate.certificate import Certificate
from hookline.packages.door.files import MANIFEST
from hookline.packages.manifest import verify
from hookline.packages.writing import place, write_another
from hookline.registry.registry import Registry, load_registry
from hookline.runs.names import Found, find
from hookline.workspace.files import temporary_for
from hookline.workspace.workspace import Workspace, open_workspace

from ..mirroring.pushing import keep_in_step
from .fitted import Fitted, require_rows


@dataclass(frozen=True)
class Repackaged:
    """A package of another format. version: its number where it was registered, else None"""

    model: str
    path: Path
    format: str
    certificate: Certificate
    version: int | None = None


def package(
    model: str | Path,
    to: str,
    fields: Mapping[str, Any] | None = None,
    *,
    output: str | Path | None = None,
    rows: Any = None,
    trust: Trust | None = None,
    home: str | Path | None = None,
) -> Repackaged:
    """Write a model's fitted pipeline in another format, with a certificate of its own.

    The pipeline is taken from the package where that holds the model itself, else from what the store keeps of its run.
    model: `name`, `name:3`, `name@alias`, a package folder, or a run; to: a packager's name; fields: of the packager
    output: a folder that is not there yet; None registers the package as the model's next version, which nothing points to
    rows: a file or a frame of raw rows to compare on, where the rows that the run held out are gone
    Raises UnknownName, UsageError where the model itself is lost, ExportError where the format cannot say it or answers
    otherwise, and UntrustedPackage.
    """
    registry, workspace = load_registry(), open_workspace(home)
    if output is not None and Path(output).exists():
        raise UsageError(f"{output} is there already", hint="name another folder; nothing is overwritten")
    found = find(model, home)
    if output is None and (found.model is None or found.version is None):
        raise UsageError(
            "only a registered model gets another version", hint="-o FOLDER writes the package of a run or folder"
        )
    folder = found.package()
    manifest = verify(folder)
    packager = _packager(registry, to, fields or {}, manifest)
    run = _run_of(workspace, found, manifest)
    fitted = Fitted.of(registry, workspace, folder, manifest, run, trust, rows)
    require_rows(fitted.rows)
    workspace.require_writable()
    with workspace.store.scratch() as scratch:
        made = scratch / "package"
        made.mkdir()
        source = {"packager": manifest["packager"], "digest": _digest(folder)}
        facts = {**_kept(manifest), "repackaged_from": source}
        certificate = write_another(registry, packager, fitted.pipeline, made, fitted.rows, fitted.edges, folder, facts)
        if output is not None:
            _put(made, Path(output))
            return Repackaged(str(manifest["name"]), Path(output), to, certificate)
        repackaged = _registered(workspace, found, manifest, packager, made, certificate)
    keep_in_step(repackaged.model, home)
    return repackaged


def _packager(registry: Registry, to: str, fields: Mapping[str, Any], manifest: Mapping[str, Any]) -> Packager:
    packager = registry.build("packager", to, fields, "packager")
    assert isinstance(packager, Packager)
    type(packager).check_backend()
    if manifest["packager"] == packager.name and (manifest.get("packager_config") or {}) == plain(packager):
        raise UsageError(
            f"the package is of packager '{to}' already",
            hint=f"others: {', '.join(name for name in registry.names('packager') if name != to)}",
        )
    return packager


def _run_of(workspace: Workspace, found: Found, manifest: Mapping[str, Any]) -> Path | None:
    """Return the folder of the run that made a package; None where this home does not know it, or the model was refitted."""
    if manifest.get("refitted_from"):
        # What the run fitted is another model, and what it held out are rows that this one has learned.
        return None
    if found.is_run:
        return found.folder
    if found.model is None or found.version is None:
        return found.folder.parent.parent if found.folder.parent.name == "packages" else None
    record = workspace.catalog.models.get(found.model, found.version)
    try:
        return Path(workspace.catalog.runs.get(record.run_id).path)
    except UnknownName:
        return None


def _kept(manifest: Mapping[str, Any]) -> dict[str, Any]:
    """Return what stays true of a model in whichever format: name, trainer, metrics, data and how its rows are read."""
    names = (
        "name",
        "trainer",
        "monitors",
        "monitor_fields",
        "explainers",
        "metrics",
        "before",
        "updated_from",
        "refitted_from",
        "data",
        "reading",
    )
    return {name: manifest[name] for name in names if name in manifest}


def _put(made: Path, output: Path) -> None:
    """Copy a package to where somebody wants it, which may be on another disk, in one step."""
    output.parent.mkdir(parents=True, exist_ok=True)
    half = temporary_for(output)
    try:
        shutil.copytree(made, half)
        half.rename(output)
    except BaseException:
        shutil.rmtree(half, ignore_errors=True)
        raise


def _digest(folder: Path) -> str:
    return hashlib.blake2b((folder / MANIFEST).read_bytes(), digest_size=32).hexdigest()


def _registered(
    workspace: Workspace,
    found: Found,
    manifest: Mapping[str, Any],
    packager: Packager,
    made: Path,
    certificate: Certificate,
) -> Repackaged:
    """Put a package in its place and give it a number; the same one made twice keeps the number that it has."""
    assert found.model is not None
    assert found.version is not None
    record = workspace.catalog.models.get(found.model, found.version)
    parts = ["repackaged", record.fingerprint, packager.name, plain(packager)]
    fingerprint = hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()
    with workspace.package_place(record.name, fingerprint) as path:
        place(made, path)
        version = workspace.catalog.models.register(
            record.name, record.run_id, str(path), packager.name, record.metrics, fingerprint
        )
    acts = workspace.catalog.acts
    if not any(act.sort == "repackaged" for act in acts.of(record.name, version)):
        acts.record(record.name, version, "repackaged", {"of": record.version, "as": packager.name})
    return Repackaged(record.name, path, packager.name, certificate, version)
