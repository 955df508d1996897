"""What a package says of itself, sealed with the digests of its files."""

from __future__ import annotations

import hashlib
import json
import re
import shutil
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path, PurePosixPath
from typing import Any

from hookline.errors import DataError, StoreError
from hookline.kinds.kinds import Packager
from hookline.kinds.plain import plain
from hookline.version import __version__
from hookline.workspace.files import write_whole

FORMAT = 2
"""Version of the package layout; a package of a later one is refused."""
READABLE = (1, 2)
"""Versions of the layout that are read: the first had one featurizer, and nothing of the answers."""
MANIFEST = "manifest.json"
MODEL_NAME = re.compile(r"\w[\w.-]*")
"""Names a folder, and stands before `:` and `@` on the command line."""
PROFILE = "profile.json"
"""The distributions of the training rows."""
ANSWERS = "answers.json"
"""The distribution of the model's answers on held-out rows."""


def seal(folder: Path, packager: Packager, facts: Mapping[str, Any]) -> None:
    """Write the manifest: the facts, and the size and digest of every file; the last thing written, in one step."""
    manifest = {
        "format": FORMAT,
        "hookline": __version__,
        "packager": packager.name,
        "packager_config": plain(packager),
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        **facts,
        "files": {name: _facts_of(folder / name) for name in _files(folder)},
    }
    write_whole(folder / MANIFEST, json.dumps(manifest, indent=1, default=str))


def add_files(folder: Path, files: Mapping[str, Path]) -> None:
    """Add files to a sealed package, and seal it again."""
    manifest = read_manifest(folder)
    for name, path in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, folder / name)
        manifest["files"][name] = _facts_of(folder / name)
    write_whole(folder / MANIFEST, json.dumps(manifest, indent=1))


def read_manifest(folder: Path) -> dict[str, Any]:
    """Read a package's manifest; raises DataError where there is none, StoreError where it is of a later version."""
    if not folder.is_dir():
        raise DataError(f"there is no folder {folder}", hint="`hookline models list` tells which versions there are")
    if not (folder / MANIFEST).is_file():
        raise DataError(f"{folder} is not a package: it has no {MANIFEST}")
    manifest = read_json(folder / MANIFEST)
    version = manifest.get("format")
    if version not in READABLE:
        raise StoreError(
            f"{folder} has package format {version!r}, and this hookline ({__version__}) reads {FORMAT}",
            hint=f"it was written by hookline {manifest.get('hookline', '?')}; install that version or a later one",
        )
    # Folders are called by it, such as that of the prediction log.
    name = manifest.get("name", "model")
    if not isinstance(name, str) or not MODEL_NAME.fullmatch(name):
        raise StoreError(f"{folder / MANIFEST}: {name!r} is not the name of a model", hint="run it again under another")
    return manifest


def verify(folder: Path) -> dict[str, Any]:
    """Return the manifest after checking every file against it; raises StoreError naming what is damaged, missing or foreign."""
    manifest = read_manifest(folder)
    listed = manifest.get("files")
    if not isinstance(listed, dict) or not isinstance(manifest.get("packager"), str):
        raise StoreError(f"{folder / MANIFEST} is not the manifest of a package")
    links = sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_symlink())
    if links:
        raise StoreError(f"package {folder} holds links, which may lead out of it: {', '.join(links[:5])}")
    for name, facts in listed.items():
        if PurePosixPath(name).is_absolute() or ".." in PurePosixPath(name).parts or "\\" in name:
            raise StoreError(f"{folder / MANIFEST} names '{name}', which is outside the package")
        path = folder / name
        if not path.is_file():
            raise StoreError(f"package {folder} is incomplete: {name} is missing")
        if _facts_of(path) != facts:
            raise StoreError(
                f"package {folder} is damaged: {name} is not what the manifest says",
                hint="copy or build the package again",
            )
    # Evidence is added once a run has ended, and listed last; nothing of it is ever run.
    foreign = sorted(name for name in set(_files(folder)) - set(listed) if not name.startswith("evidence/"))
    if foreign:
        raise StoreError(f"package {folder} holds files that its manifest does not list: {', '.join(foreign[:5])}")
    return manifest


def is_whole(folder: Path) -> bool:
    """Tell whether a package is there, as `verify` wants it; a damaged one is none."""
    try:
        verify(folder)
    except (StoreError, DataError):
        return False
    return True


def read_json(path: Path) -> dict[str, Any]:
    """Read a file of a package that holds a JSON object; raises StoreError where it is missing or damaged."""
    try:
        data = json.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        raise StoreError(f"package {path.parent} is incomplete: {path.name} is missing") from None
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise StoreError(f"{path} is damaged: {error}") from None
    if not isinstance(data, dict):
        raise StoreError(f"{path} is damaged: it is not an object")
    return data


def _files(folder: Path) -> list[str]:
    found = (path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())
    return sorted(name for name in found if name != MANIFEST and not name.startswith(f".{MANIFEST}"))


def _facts_of(path: Path) -> dict[str, Any]:
    with path.open("rb") as file:
        return {"bytes": path.stat().st_size, "blake2b": hashlib.file_digest(file, "blake2b").hexdigest()}


@lru_cache(maxsize=1)
def environment() -> Mapping[str, Any]:
    """Return Python, platform and the version of every installed distribution."""
    import platform

    from hookline.version import __version__

    # By the names of their folders: importlib.metadata would read a file of each, which takes longer than a cached run.
    infos = [
        info.name.removesuffix(".dist-info") for folder in sys.path for info in Path(folder or ".").glob("*.dist-info")
    ]
    packages = {name.replace("_", "-"): version for name, _, version in (info.rpartition("-") for info in infos)}
    return {
        "python": platform.python_version(),
        "platform": platform.platform(),
        "hookline": __version__,
        "packages": dict(sorted(packages.items(), key=lambda item: item[0].lower())),
    }
