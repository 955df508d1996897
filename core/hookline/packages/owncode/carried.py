"""Modules of people's own as files of a package, with a list of them."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from hookline.errors import StoreError
from hookline.workspace.bounded import Unreadable, parse_json, read_ordinary

from ..door.names import is_file_name, is_module_name, shown

FOLDER = "own_code"
INDEX = "index.json"
MOST_MODULES = 500
MOST_BYTES = 8 * 1024**2
"""Of all of them."""
_AGAIN = "copy or build the package again"


@dataclass(frozen=True)
class Carried:
    """Modules of people's own that a pipeline goes by.

    files: name of the file, with `/` for folders -> what it says; empty where the code was left out
    needed: modules whose classes the pipeline is of; the others are what these import
    left_out: why the code does not travel, as a clause; empty where it does
    """

    files: Mapping[str, bytes]
    needed: tuple[str, ...]
    left_out: str = ""

    @cached_property
    def modules(self) -> dict[str, str]:
        """Module -> its file."""
        return {module_in(file): file for file in sorted(self.files)}

    @cached_property
    def digest(self) -> str:
        """SHA-256 of the files with their names, hexadecimal."""
        told = hashlib.sha256()
        for file, content in sorted(self.files.items()):
            told.update(json.dumps([file, hashlib.sha256(content).hexdigest()]).encode())
        return told.hexdigest()

    @property
    def plain(self) -> dict[str, Any]:
        """What the list beside the files says, and the manifest."""
        told = {"digest": self.digest, "modules": self.modules, "needed": list(self.needed)}
        return told | ({"left_out": self.left_out} if self.left_out else {})


def module_in(file: str) -> str:
    """Return the module that a file is, such as `shop.parts` for `shop/parts/__init__.py`."""
    return file.removesuffix(".py").removesuffix("/__init__").replace("/", ".")


def write_carried(folder: Path, carried: Carried) -> None:
    """Write the files and their list below a package's folder, in place of those that are there."""
    place = folder / FOLDER
    shutil.rmtree(place, ignore_errors=True)
    place.mkdir()
    for file, content in carried.files.items():
        (place / file).parent.mkdir(parents=True, exist_ok=True)
        (place / file).write_bytes(content)
    (place / INDEX).write_text(json.dumps(carried.plain, indent=1), "utf-8")


def read_carried(folder: Path) -> Carried | None:
    """Read the code that travels in a package's folder, running none of it; None where there is none.

    Raises StoreError where it is not what its list says.
    """
    place = folder / FOLDER
    if not (place / INDEX).is_file():
        return None
    try:
        said = parse_json(read_ordinary(place / INDEX, MOST_BYTES))
        files, left = _files_in(said), MOST_BYTES
        found: dict[str, bytes] = {}
        for file in files:
            found[file] = read_ordinary(place / file, left)
            left -= len(found[file])
        carried = Carried(found, tuple(said["needed"]), str(said.get("left_out", "")))
    except (OSError, Unreadable, KeyError, TypeError, AttributeError) as error:
        raise StoreError(f"the code in {place} cannot be read: {error}", hint=_AGAIN) from None
    if carried.plain != said or (files and not {*carried.needed} <= {*carried.modules}):
        raise StoreError(f"the code in {place} is damaged: it is not what {INDEX} says", hint=_AGAIN)
    return carried


def carried_by(folder: Path, manifest: Mapping[str, Any]) -> Carried | None:
    """Return the code that travels in a package that was verified, held against its manifest once more as it is read."""
    said = manifest.get("code")
    if said is None:
        return None
    carried = read_carried((folder / str(said["folder"])).parent)
    if carried is None or {"folder": said["folder"], **carried.plain} != said:
        raise StoreError(f"package {folder} is damaged: the code in it is not what the manifest says", hint=_AGAIN)
    return carried


def _files_in(said: Any) -> list[str]:
    """Return the files that a list names; raises Unreadable where one is no module's."""
    files = [*said["modules"].values()]
    if len(files) > MOST_MODULES:
        raise Unreadable(f"it lists more than {MOST_MODULES} modules")
    for file in files:
        if not is_file_name(file) or not file.endswith(".py") or not is_module_name(module_in(file)):
            raise Unreadable(f"'{shown(file)}' is no file of a module")
    if not all(isinstance(name, str) and is_module_name(name) for name in said["needed"]):
        raise Unreadable("a name that is needed is no module's")
    return files


def code_in(folder: Path, inner: Path) -> dict[str, Any] | None:
    """Return what a manifest says of the code that was written into a package; None where none was.

    inner: where the format's own files are, and the code. Any list elsewhere, such as among another package's evidence, is none
    """
    place = inner / FOLDER
    if not (place / INDEX).is_file():
        return None
    said: dict[str, Any] = json.loads((place / INDEX).read_text("utf-8"))
    return {"folder": place.relative_to(folder).as_posix(), **said}


def told_of(manifest: Mapping[str, Any]) -> str:
    """Say in a line which code of people's own travels in a package, or why none does; empty where it goes by none."""
    said = manifest.get("code")
    if said is None:
        return ""
    if said.get("left_out"):
        return f"none of {', '.join(said['needed'])} travels: {said['left_out']}"
    return f"{', '.join(said['modules'])} (in {said['folder']}, {said['digest'][:12]})"


def changed_modules(first: Mapping[str, Any], second: Mapping[str, Any]) -> dict[str, str]:
    """Return module -> what became of it, of the code that travels in two packages; empty where one says none."""
    sides = [_files_of(manifest) for manifest in (first, second)]
    if None in sides:
        return {}
    then, now = (side or {} for side in sides)
    told = {name: "only in the first" for name in then if name not in now}
    told |= {name: "only in the second" for name in now if name not in then}
    return dict(sorted((told | {name: "changed" for name in then if name in now and then[name] != now[name]}).items()))


def _files_of(manifest: Mapping[str, Any]) -> dict[str, str] | None:
    """Return module -> digest of its file; None where no code travels."""
    said = manifest.get("code")
    if said is None or said.get("left_out"):
        return None
    files = manifest["files"]
    return {module: str(files[f"{said['folder']}/{file}"]["blake2b"]) for module, file in said["modules"].items()}
