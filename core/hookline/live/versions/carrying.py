"""A version carried to another machine in one file, and taken in there: only what is whole, and trusted there or not at all."""

from __future__ import annotations

import hashlib
import json
import shutil
import stat
import zipfile
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hookline.errors import DataError, StoreError, UsageError
from hookline.kinds.given.names import require_name
from hookline.packages.door.files import MANIFEST, MOST_FILES
from hookline.packages.door.names import is_file_name, shown
from hookline.packages.door.sealing import is_signed, require_signed, signed_by
from hookline.packages.manifest import MOST_OF_MANIFEST, read_manifest, verify
from hookline.packages.settling import settle
from hookline.packages.writing import place
from hookline.runs.names import find
from hookline.workspace.bounded import Unreadable, parse_json
from hookline.workspace.files import temporary_beside
from hookline.workspace.workspace import Workspace, open_workspace

ORIGIN = "version.json"
"""Beside the package in the file: which version it is, and what was done to it."""
PACKAGE = "package/"
SUFFIX = ".zip"
MOST_OF_ORIGIN = 16 * 1024**2
"""Bytes of what the file says of the version."""
MOMENT = (1980, 1, 1, 0, 0, 0)
"""The time of every part, so that the same version makes the same file."""


@dataclass(frozen=True)
class Imported:
    """A version taken in. origin: what the file says of where it came from; signed: whether by this user's key"""

    model: str
    version: int
    path: Path
    signed: bool
    author: str | None
    """The name of the public key that it is signed by."""
    origin: Mapping[str, Any]
    is_new: bool


def export_version(model: str, output: str | Path, *, home: str | Path | None = None) -> Path:
    """Write a registered version (as for `load`), with its life on record, as one zip file that `import_version` reads.

    output: a file that is not there yet, or a folder to put `NAME-VERSION.zip` into
    Raises UnknownName, UsageError where the file is there or no version is meant, StoreError for a damaged package.
    """
    workspace = open_workspace(home)
    found = find(model, home)
    if found.model is None or found.version is None:
        raise UsageError(f"'{model}' is no registered version", hint="`hookline models list` tells which there are")
    record = workspace.catalog.models.get(found.model, found.version)
    folder = Path(record.path)
    settle(workspace, record)
    files = verify(folder)["files"]
    target = Path(output)
    target = target / f"{record.name}-{record.version}{SUFFIX}" if target.is_dir() else target
    if target.exists():
        raise UsageError(f"{target} is there already", hint="name another file; nothing is overwritten")
    if not target.parent.is_dir():
        raise UsageError(f"there is no folder {target.parent}", hint="make it first, or name another")
    with temporary_beside(target) as temporary:
        with zipfile.ZipFile(temporary, "x", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr(_part(ORIGIN), json.dumps(_origin(workspace, record.name, record.version), default=str))
            for name in (MANIFEST, *sorted(files)):
                with (folder / name).open("rb") as source, archive.open(_part(PACKAGE + name), "w") as sink:
                    shutil.copyfileobj(source, sink)
        temporary.rename(target)
    return target


def import_version(
    file: str | Path, name: str | None = None, *, signed: bool = False, home: str | Path | None = None
) -> Imported:
    """Take in a version that `export` wrote, as the next version of its model, which nothing points to; runs none of its code.

    What it is called, of what size each file is and what digest it has is checked before anything is kept; whether its code
    may run is decided when it is loaded. The same package taken in twice keeps its number.
    name: of the model here (default: as there)
    signed: only what is signed with this user's key, or by one of HOOKLINE_TRUSTED_KEYS, is taken in
    Raises DataError for what is no such file, StoreError for a damaged one, UntrustedPackage, UsageError for what is no name.
    """
    workspace = open_workspace(home)
    workspace.require_writable()
    if name is not None:
        require_name(name, "a model", "churn")
    with workspace.store.scratch() as scratch:
        made = scratch / "package"
        origin = _unpacked(Path(file), made)
        manifest = verify(made)
        if signed:
            require_signed(manifest, str(file))
        model = name or str(manifest["name"])
        digest = hashlib.sha256((made / MANIFEST).read_bytes()).hexdigest()
        with workspace.package_place(model, digest) as path:
            place(made, path)
            return _registered(workspace, model, path, manifest, digest, origin)


def _origin(workspace: Workspace, name: str, version: int) -> dict[str, Any]:
    catalog = workspace.catalog
    record = catalog.models.get(name, version)
    acts = [
        {"act": act.words(), "reason": act.reason, "who": act.who, "when": act.when}
        for act in catalog.acts.of(name, version)
    ]
    policies = [
        {"version": one.version, "deployer": one.deployer, "who": one.who, "reason": one.reason, "when": one.since}
        for one in catalog.deployments.history(name)
        if version in {route.version for route in one.routes}
    ]
    told = {"model": name, "version": version, "run": record.run_id, "created": record.created}
    tags = catalog.acts.tags(name).get(version, {})
    return {**told, "metrics": dict(record.metrics), "tags": tags, "acts": acts, "policies": policies}


def _part(name: str) -> zipfile.ZipInfo:
    part = zipfile.ZipInfo(name, MOMENT)
    part.compress_type, part.external_attr = zipfile.ZIP_DEFLATED, (stat.S_IFREG | 0o644) << 16
    return part


def _unpacked(file: Path, folder: Path) -> Mapping[str, Any]:
    """Unpack the package of a file into a new folder, and return what the file says of the version."""
    if not file.is_file():
        raise DataError(f"there is no file {file}")
    try:
        with zipfile.ZipFile(file) as archive:
            parts = _checked(archive, file)
            origin = _object(archive, parts.get(ORIGIN), file)
            manifest = parts.get(PACKAGE + MANIFEST)
            if manifest is None:
                raise DataError(f"{file} holds no package", hint="`hookline models export` writes such files")
            folder.mkdir(parents=True)
            _copy(archive, manifest, folder / MANIFEST, MOST_OF_MANIFEST, file)
            files = read_manifest(folder)["files"]
            whole, free = sum(facts["bytes"] for facts in files.values()), shutil.disk_usage(folder).free
            if whole > free:
                raise StoreError(f"{file} unpacks to {whole:,} bytes, and {free:,} are free on the disk of the home")
            for name, facts in files.items():
                part = parts.get(PACKAGE + name)
                if part is None:
                    raise StoreError(f"{file} is incomplete: {shown(name)} is missing")
                (folder / name).parent.mkdir(parents=True, exist_ok=True)
                _copy(archive, part, folder / name, facts["bytes"], file)
    except (zipfile.BadZipFile, zlib.error, NotImplementedError, EOFError, ValueError, RuntimeError) as error:
        raise DataError(
            f"{file} is no file of a version: {shown(str(error))}", hint="`hookline models export` writes such files"
        ) from None
    return origin


def _checked(archive: zipfile.ZipFile, file: Path) -> dict[str, zipfile.ZipInfo]:
    """Return the parts of a file by name; raises StoreError for names that lead elsewhere, twice, links, and too many."""
    parts: dict[str, zipfile.ZipInfo] = {}
    for part in archive.infolist():
        mode = part.external_attr >> 16
        if not is_file_name(part.filename) or part.filename in parts:
            raise StoreError(f"{file} names '{shown(part.filename)}' twice, or it is no name of a file in it")
        if mode and stat.S_IFMT(mode) not in (0, stat.S_IFREG):
            raise StoreError(f"{file} holds '{shown(part.filename)}', which is no ordinary file")
        if part.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise StoreError(f"{file} holds '{shown(part.filename)}', packed in a way that is not read")
        if part.flag_bits & 1:
            raise StoreError(f"{file} holds '{shown(part.filename)}' under a password")
        parts[part.filename] = part
        if len(parts) > MOST_FILES:
            raise StoreError(f"{file} holds more than {MOST_FILES:,} files")
    return parts


def _copy(archive: zipfile.ZipFile, part: zipfile.ZipInfo, target: Path, most: int, file: Path) -> None:
    """Unpack one part, and stop where it has more bytes than were said."""
    left = most
    with archive.open(part) as source, target.open("xb") as sink:
        while block := source.read(1024 * 1024):
            left -= len(block)
            if left < 0:
                raise StoreError(f"{file} is damaged: {shown(part.filename)} is larger than it says")
            sink.write(block)


def _object(archive: zipfile.ZipFile, part: zipfile.ZipInfo | None, file: Path) -> Mapping[str, Any]:
    if part is None:
        raise DataError(f"{file} holds no version", hint="`hookline models export` writes such files")
    with archive.open(part) as source:
        content = source.read(MOST_OF_ORIGIN + 1)
    try:
        found = parse_json(content) if len(content) <= MOST_OF_ORIGIN else None
    except Unreadable as error:
        raise StoreError(f"{file} is damaged: {ORIGIN}: {error}") from None
    if not isinstance(found, dict):
        raise StoreError(f"{file} is damaged: {ORIGIN} is no object")
    return found


def _registered(
    workspace: Workspace, model: str, path: Path, manifest: Mapping[str, Any], digest: str, origin: Mapping[str, Any]
) -> Imported:
    """Give a package the next number, and put on record where it came from."""
    catalog = workspace.catalog
    before = {record.version for record in catalog.models.versions(model)} if catalog.models.has(model) else set()
    metrics = {str(one["name"]): one["value"] for one in manifest["metrics"] if isinstance(one["value"], (int, float))}
    version = catalog.models.register(
        model, f"imported-{digest[:12]}", str(path), manifest["packager"], metrics, digest
    )
    if version not in before:
        facts = {name: shown(str(origin.get(name))) for name in ("model", "version", "run")}
        catalog.acts.record(model, version, "imported", facts)
    return Imported(model, version, path, is_signed(manifest), signed_by(manifest), origin, version not in before)
