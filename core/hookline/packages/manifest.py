"""What a package says of itself, sealed with the digests of its files."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import Any, TypeVar

from hookline.errors import DataError, StoreError
from hookline.kinds.kinds import Packager
from hookline.kinds.plain import from_json, plain, strict
from hookline.version import __version__
from hookline.workspace.bounded import MOST_BYTES, Unreadable, parse_json, read_ordinary
from hookline.workspace.files import write_whole
from hookline.workspace.signing import read_key

from .door.faults import first_of
from .door.files import MANIFEST, facts_of, files_of
from .door.names import shown
from .door.sealing import check_seal, require_own, sealed

T = TypeVar("T")

FORMAT = 4
"""Version of the package layout; a package of a later one is refused."""
READABLE = (1, 2, 3, 4)
"""Versions of the layout that are read: the first had one featurizer, and nothing of the answers; the second no seal;
the third answers the most probable class."""
MOST_OF_MANIFEST = 64 * 1024**2
"""Bytes of a manifest that is read."""
PROFILE = "profile.json"
"""The distributions of the training rows."""
ANSWERS = "answers.json"
"""The distribution of the model's answers on held-out rows."""


def seal(folder: Path, packager: Packager, facts: Mapping[str, Any]) -> None:
    """Write the manifest: the facts, and the size and digest of every file; the last thing written, in one step.

    It is signed with the user's key; raises StoreError where that cannot be kept.
    """
    manifest = {
        "format": FORMAT,
        "hookline": __version__,
        "packager": packager.name,
        "packager_config": plain(packager),
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        **facts,
        "files": {name: facts_of(folder / name) for name in files_of(folder)},
    }
    _write(folder, json.loads(json.dumps(manifest, default=str)))


def add_files(folder: Path, files: Mapping[str, Path]) -> None:
    """Add files to a package that is signed with this user's key, and seal it again; raises UntrustedPackage for another."""
    manifest = read_manifest(folder)
    # It is signed anew, and what nobody vouched for must not come out as the user's own.
    require_own(manifest, str(folder))
    for name, path in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, folder / name)
        manifest["files"][name] = facts_of(folder / name)
    _write(folder, manifest)


def _write(folder: Path, manifest: Mapping[str, Any]) -> None:
    write_whole(folder / MANIFEST, sealed(strict(manifest) | {"format": FORMAT}, read_key()))


def read_manifest(folder: Path) -> dict[str, Any]:
    """Read a package's manifest, its seal, types and names checked.

    Raises DataError where there is none, StoreError where it is damaged, rewritten, or of a later version.
    """
    if not folder.is_dir():
        raise DataError(f"there is no folder {folder}", hint="`hookline models list` tells which versions there are")
    path = folder / MANIFEST
    if not path.exists() and not path.is_symlink():
        raise DataError(f"{folder} is not a package: it has no {MANIFEST}")
    content = _content(path, MOST_OF_MANIFEST)
    manifest = _object(path, content)
    version = manifest.get("format")
    if type(version) is not int or version not in READABLE:
        raise StoreError(
            f"{folder} has package format {shown(version)}, and this hookline ({__version__}) reads {FORMAT}",
            hint=f"it was written by hookline {shown(manifest.get('hookline', '?'))}; install that version or a later one",
        )
    # It needs pydantic, and plugins import this module.
    from .door.shape import check_names, check_shape

    check_seal(manifest, content, str(path))
    check_names(manifest, str(path))
    check_shape(manifest, str(path))
    return manifest


def verify(folder: Path) -> dict[str, Any]:
    """Return the manifest after checking every file against it; raises StoreError naming what is damaged, missing or foreign."""
    manifest = read_manifest(folder)
    listed, there = manifest["files"], files_of(folder)
    for name, facts in listed.items():
        path = folder / name
        if not path.is_file():
            raise StoreError(f"package {folder} is incomplete: {name} is missing")
        # By its size first, so that a file which has grown is never read.
        if path.stat().st_size != facts["bytes"] or facts_of(path) != facts:
            raise StoreError(
                f"package {folder} is damaged: {name} is not what the manifest says",
                hint="copy or build the package again",
            )
    foreign = sorted(set(there) - set(listed))
    # Evidence is added once a run has ended, and listed last: one that was killed in between leaves all of it unlisted.
    if not any(map(_is_evidence, listed)):
        foreign = [name for name in foreign if not _is_evidence(name)]
    if foreign:
        raise StoreError(f"package {folder} holds files that its manifest does not list: {shown(foreign[:5])}")
    return manifest


def _is_evidence(name: str) -> bool:
    return name.startswith("evidence/")


def is_whole(folder: Path) -> bool:
    """Tell whether a package is there, as `verify` wants it; a damaged one is none."""
    try:
        verify(folder)
    except (StoreError, DataError):
        return False
    return True


def read_json(path: Path) -> dict[str, Any]:
    """Read a file of a package that holds a JSON object; raises StoreError where it is missing, damaged or too large."""
    return _object(path, _content(path, MOST_BYTES))


def read_as(cls: type[T], path: Path) -> T:
    """Read a file of a package as plain data of a class; raises StoreError where it says something else."""
    try:
        return from_json(cls, read_json(path))
    except (ValueError, TypeError) as error:
        raise StoreError(f"{path} is damaged: {first_of(error)}") from None


def read_value(path: Path) -> Any:
    """Read a file of a package that holds any JSON value; raises as `read_json`."""
    return _parsed(path, _content(path, MOST_BYTES))


def _content(path: Path, most: int) -> bytes:
    try:
        return read_ordinary(path, most)
    except FileNotFoundError:
        raise StoreError(f"package {path.parent} is incomplete: {path.name} is missing") from None
    except OSError as error:
        why = "it is a link" if path.is_symlink() else error.strerror
        raise StoreError(f"{path} cannot be read: {why}") from error
    except Unreadable as error:
        raise StoreError(f"{path} is damaged: {error}") from None


def _parsed(path: Path, content: bytes) -> Any:
    try:
        return parse_json(content)
    except Unreadable as error:
        raise StoreError(f"{path} is damaged: {error}") from None


def _object(path: Path, content: bytes) -> dict[str, Any]:
    data = _parsed(path, content)
    if not isinstance(data, dict):
        raise StoreError(f"{path} is damaged: it is not an object")
    return data


@lru_cache(maxsize=1)
def environment() -> Mapping[str, Any]:
    """Return Python, platform and the version of every installed distribution."""
    import platform

    # By the names of their folders: importlib.metadata would read a file of each, which takes longer than a cached run.
    infos = [
        info.name.removesuffix(".dist-info") for folder in sys.path for info in Path(folder or ".").glob("*.dist-info")
    ]
    packages = {name.replace("_", "-"): version for name, _, version in (info.rpartition("-") for info in infos)}
    return {
        "python": platform.python_version(),
        # Not `platform.platform()`, which starts a process to ask for the processor.
        "platform": f"{platform.system()}-{platform.release()}-{platform.machine()}-with-{''.join(platform.libc_ver())}",
        "hookline": __version__,
        "packages": dict(sorted(packages.items(), key=lambda item: item[0].lower())),
    }
