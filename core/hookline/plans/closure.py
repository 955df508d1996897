"""Which files of the core decide what a piece of code does: the modules that it imports, and those that they import."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path

from hookline.errors import StoreError

ROOT = Path(__file__).parents[1]
"""The folder of the package `hookline`."""

PACKAGE = ROOT.name

IMPORT = re.compile(rf"^[ \t]*from[ \t]+({PACKAGE}[\w.]*|\.[\w.]*)[ \t]+import[ \t]+(\([^)]*\)|[^\n#]+)", re.MULTILINE)
"""A `from ... import ...` of the core, at whatever depth it stands: what is imported late decides as much."""

ONLY_TYPES = re.compile(r"^([ \t]*)if TYPE_CHECKING:\n(?:\1[ \t]+[^\n]*\n|[ \t]*\n)+", re.MULTILINE)
"""What only type checkers read decides nothing."""


def core_digest(module: str) -> str:
    """Return a digest of a module of the core and of all that it imports from the core; raises StoreError where one is gone."""
    return digest_of(closure([_file(module)]))


@cache
def digest_of_files(paths: frozenset[Path]) -> str:
    """Return a digest of files and of all that they import from the core."""
    return digest_of(closure(paths))


def digest_of(paths: Iterable[Path]) -> str:
    """Return a digest of what files hold, whatever the folder they are in."""
    digest = hashlib.sha256()
    for path in sorted(paths):
        digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()


def closure(paths: Iterable[Path]) -> frozenset[Path]:
    """Return files, with the files of the core that they import, and so on."""
    found: set[Path] = set()
    waiting = list(paths)
    while waiting:
        path = waiting.pop()
        if path not in found:
            found.add(path)
            waiting += imports(path)
    return frozenset(found)


@cache
def imports(path: Path) -> tuple[Path, ...]:
    """Return the files of the core that a file imports from, but for the public face, which stands for what it names."""
    try:
        text = path.read_text("utf-8")
    except FileNotFoundError:
        raise StoreError(f"hookline is incomplete: {path} is missing", hint="install it again") from None
    here = _package_of(path)
    found: dict[Path, None] = {}
    for match in IMPORT.finditer(ONLY_TYPES.sub("", text)):
        names = [part.split()[0] for part in match[2].strip("()").split(",") if part.strip() and part.split()[0] != "#"]
        found.update(dict.fromkeys(_imported(_absolute(match[1], here), names)))
    found.pop(path, None)
    return tuple(found)


def _imported(module: str, names: Iterable[str]) -> Iterator[Path]:
    for name in names:
        if (path := _lookup(f"{module}.{name}")) is not None:
            yield path
        elif module != PACKAGE:
            yield _file(module)
        elif name in _face():
            yield _file(_face()[name])


@cache
def _face() -> dict[str, str]:
    """Return public name -> the module that has it, as the package's own imports say."""
    text = (ROOT / "__init__.py").read_text("utf-8")
    found = IMPORT.finditer(text)
    return {
        name.split()[-1]: _absolute(match[1], PACKAGE)
        for match in found
        for name in match[2].strip("()").split(",")
        if name.strip()
    }


def _package_of(path: Path) -> str:
    if not path.is_relative_to(ROOT):
        return ""
    return ".".join([PACKAGE, *path.relative_to(ROOT).parent.parts])


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


def _lookup(module: str) -> Path | None:
    place = ROOT.joinpath(*module.split(".")[1:])
    for path in (place.with_suffix(".py"), place / "__init__.py"):
        if module.startswith(f"{PACKAGE}.") and path.is_file():
            return path
    return None


def _file(module: str) -> Path:
    path = _lookup(module)
    if path is None:
        raise StoreError(f"hookline is incomplete: its module {module} is missing", hint="install it again")
    return path
