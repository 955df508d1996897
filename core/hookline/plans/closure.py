"""Which files of the core decide what a piece of code does: the modules that it imports, and those that they import."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path

from hookline.errors import StoreError

ROOT = Path(__file__).parents[1]
"""The folder of the package `hookline`."""

PACKAGE = ROOT.name

IMPORT = re.compile(
    rf"^[ \t]*from[ \t]+({PACKAGE}(?:\.[\w.]+)?|\.[\w.]*)[ \t]+import[ \t]+(\([^)]*\)|[^\n#]+)", re.MULTILINE
)
"""A `from ... import ...` of the core, at whatever depth it stands: what is imported late decides as much."""

ONLY_TYPES = re.compile(r"^([ \t]*)if TYPE_CHECKING:\n(?:\1[ \t]+[^\n]*\n|[ \t]*\n)+", re.MULTILINE)
"""What only type checkers read decides nothing."""


def core_digest(module: str) -> str:
    """Return a digest of a module of the core and of all that it imports from the core; raises StoreError where one is gone."""
    return digest_of(closure([_file(module)]))


def digest_of(paths: Iterable[str]) -> str:
    """Return a digest of what files hold, whatever the folder they are in."""
    # By their digests, each made once a process, since most stages share most of the files.
    return hashlib.sha256("".join(sorted(map(_digest, paths))).encode()).hexdigest()


def closure(paths: Iterable[str]) -> frozenset[str]:
    """Return files, with the files of the core that they import, and so on."""
    found: set[str] = set()
    waiting = list(paths)
    while waiting:
        path = waiting.pop()
        if path not in found:
            found.add(path)
            waiting += imports(path)
    return frozenset(found)


def imports(path: str) -> frozenset[str]:
    """Return the files of the core that a file imports from, but for the public face, which stands for what it names."""
    return _imports(path, _state(path))


@cache
def _imports(path: str, state: tuple[int, int] | None) -> frozenset[str]:
    text = _read(path).decode("utf-8")
    here = _package_of(path)
    found: set[str] = set()
    for match in IMPORT.finditer(ONLY_TYPES.sub("", text)):
        found.update(_imported(_absolute(match[1], here), _names(match[2])))
    return frozenset(found - {path})


def _names(listed: str) -> list[str]:
    """Return what stands behind `import`, without aliases and comments."""
    lines = (line.partition("#")[0] for line in listed.strip("()").splitlines())
    return [name.split()[0] for line in lines for name in line.split(",") if name.strip()]


def _imported(module: str, names: Iterable[str]) -> Iterator[str]:
    if module == PACKAGE:
        yield from (_lookup(f"{module}.{name}") or _file(_face()[name]) for name in names if name in _face())
    elif module:
        path = _file(module)
        # Only a package may have a module of the name; its own file holds no more than a sentence.
        inner = [_lookup(f"{module}.{name}") for name in names] if path.endswith("__init__.py") else []
        yield from (one for one in inner if one)
        yield path


@cache
def _face() -> dict[str, str]:
    """Return public name -> the module that has it, as the package's stub says."""
    found = IMPORT.finditer(_read(str(ROOT / "__init__.pyi")).decode("utf-8"))
    return {name: _absolute(match[1], PACKAGE) for match in found for name in _names(match[2])}


def _package_of(path: str) -> str:
    """Return the package that a file of the core is in; nothing for others."""
    if not path.startswith(f"{ROOT}{os.sep}"):
        return ""
    return ".".join([PACKAGE, *Path(path).relative_to(ROOT).parent.parts])


def _absolute(module: str, package: str) -> str:
    """Return a module's whole name; outside the core a relative import is of its own package, which is none of ours."""
    if not module.startswith("."):
        return module
    if not package:
        return ""
    rest = module.lstrip(".")
    parts = package.split(".")
    above = parts[: len(parts) - (len(module) - len(rest) - 1)]
    return ".".join([*above, *([rest] if rest else [])])


@cache
def _lookup(module: str) -> str | None:
    place = os.path.join(ROOT, *module.split(".")[1:])  # noqa: PTH118  hundreds of paths, of which pathlib makes a long job
    return next((path for path in (f"{place}.py", f"{place}{os.sep}__init__.py") if os.path.isfile(path)), None)  # noqa: PTH113


def _file(module: str) -> str:
    path = _lookup(module)
    if path is None:
        raise StoreError(f"hookline is incomplete: its module {module} is missing", hint="install it again")
    return path


def _digest(path: str) -> str:
    return _digest_in(path, _state(path))


@cache
def _digest_in(path: str, state: tuple[int, int] | None) -> str:
    return hashlib.sha256(_read(path)).hexdigest()


def _state(path: str) -> tuple[int, int] | None:
    """Return what tells that a file was edited since; None for one of the core, which nobody edits while it runs."""
    if path.startswith(f"{ROOT}{os.sep}"):
        return None
    try:
        found = os.stat(path)  # noqa: PTH116  as above
    except FileNotFoundError:
        return None  # Whoever reads it says so.
    return found.st_mtime_ns, found.st_size


def _read(path: str) -> bytes:
    try:
        with open(path, "rb") as file:  # noqa: PTH123  as above
            return file.read()
    except FileNotFoundError:
        raise StoreError(f"hookline is incomplete: {path} is missing", hint="install it again") from None
