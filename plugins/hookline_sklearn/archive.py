"""What a skops file may hold, looked at before any of it is unpacked: as much as its bytes say, and no more."""

from __future__ import annotations

import io
import json
import math
import re
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from hookline.errors import StoreError
from hookline.workspace.bounded import Unreadable, parse_json

DEEPEST = 400
"""Lists and objects inside each other in a schema: an estimator in an estimator takes about ten."""
MOST_EXPANDED = 64 * 1024**2
"""Bytes that a compressed matrix may unpack to, whatever its size; a larger one may be MOST_TIMES its size."""
MOST_TIMES = 100
MOST_MEMBERS = 100_000
_MODULE = re.compile(rb'"__module__":\s*"([^"]*)"')
OTHER_ARRAYS = tuple(f"sklearn.externals.array_api_compat.{library}" for library in ("torch", "cupy", "dask"))
"""Packages of scikit-learn that load another library."""


def skops_io() -> Any:
    """Return `skops.io`, without what it would load of other libraries.

    It looks through all packages of scikit-learn, and those for other arrays than NumPy's load PyTorch where it is installed.
    """
    import sys
    from types import ModuleType

    loaded = {name for name in OTHER_ARRAYS if name in sys.modules}
    # Whoever walks through packages imports each that is not there yet.
    sys.modules.update({name: ModuleType(name) for name in OTHER_ARRAYS if name not in loaded})
    try:
        import skops.io
    finally:
        for name in set(OTHER_ARRAYS) - loaded:
            del sys.modules[name]
    return skops.io


def check_archive(file: Path) -> None:
    """Raise StoreError where a skops file would unpack to more than it is, or its schema is out of all bounds."""
    try:
        with zipfile.ZipFile(file) as archive:
            members = archive.infolist()
            _require_stored(members, file.stat().st_size)
            parse_json(archive.read("schema.json"), DEEPEST)
            for member in members:
                if member.filename.endswith(".npy"):
                    with archive.open(member) as held:
                        _check_array(held, member.file_size, member.filename)
                elif member.filename.endswith(".npz"):
                    _check_matrix(archive.read(member), member.filename)
    except Unreadable as error:
        raise StoreError(f"{file} is damaged: {error}") from None
    except Exception as error:  # zipfile, zlib and numpy raise much of what they cannot read, EOFError too
        if isinstance(error, StoreError):
            raise
        raise StoreError(f"{file} cannot be read: {error}") from error


def renamed(file: Path, called: Callable[[str], str]) -> bytes | None:
    """Return a skops file whose classes are looked up in modules of other names; None where no name is another.

    called: what a module that the file names is to be called
    """
    with zipfile.ZipFile(file) as archive:
        content = archive.read("schema.json")
        # Most files name no such module, and that of a forest is long.
        if not any(called(name) != name for name in {found.decode() for found in _MODULE.findall(content)}):
            return None
        schema = json.loads(content)
        _rename(schema, called)
        written = io.BytesIO()
        with zipfile.ZipFile(written, "w") as made:
            for member in archive.infolist():
                told = member.filename == "schema.json"
                made.writestr(member, json.dumps(schema) if told else archive.read(member))
    return written.getvalue()


def _rename(schema: Any, called: Callable[[str], str]) -> None:
    if isinstance(schema, list):
        for one in schema:
            _rename(one, called)
    elif isinstance(schema, dict):
        for one in schema.values():
            _rename(one, called)
        if isinstance(schema.get("__module__"), str):
            schema["__module__"] = called(schema["__module__"])


def _require_stored(members: list[zipfile.ZipInfo], size: int) -> None:
    if len(members) > MOST_MEMBERS:
        raise Unreadable(f"it has {len(members):,} members")
    names = [member.filename for member in members]
    if len(set(names)) < len(names):
        raise Unreadable("a member is there twice")
    if any(member.compress_type != zipfile.ZIP_STORED for member in members):
        raise Unreadable("it is compressed, which a package's is not")
    if sum(member.file_size for member in members) > size:
        raise Unreadable("it would unpack to more bytes than it has")


def _check_array(held: Any, size: int, name: str) -> None:
    """Raise Unreadable where an array says that it has more values than there are bytes for."""
    from numpy.lib import format as npy

    version = npy.read_magic(held)
    readers = {(1, 0): npy.read_array_header_1_0, (2, 0): npy.read_array_header_2_0}
    if version not in readers:
        raise Unreadable(f"{name} is of a version of numpy's format that is not read")
    shape, _, dtype = readers[version](held)
    if dtype.hasobject:
        raise Unreadable(f"{name} holds objects")
    if any(length < 0 for length in shape) or math.prod(shape) * dtype.itemsize > size:
        raise Unreadable(f"{name} says that it has more values than there are")


def _check_matrix(content: bytes, name: str) -> None:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        members = archive.infolist()
        expanded = sum(member.file_size for member in members)
        if expanded > max(MOST_EXPANDED, MOST_TIMES * len(content)):
            raise Unreadable(f"{name} would unpack to {expanded:,} bytes")
        for member in members:
            with archive.open(member) as held:
                _check_array(held, member.file_size, f"{name}/{member.filename}")
