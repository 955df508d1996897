"""Modules of people's own: none of the standard library, of hookline or of a distribution; and what their files say."""

from __future__ import annotations

import hashlib
import re
import sys
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from importlib.machinery import ModuleSpec, PathFinder
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType

PRIVATE = "_hookline_own_"
"""Begins the name of a package that modules which came with a package are imported under; a digest of them ends it."""
_UNDER = re.compile(rf"{PRIVATE}[0-9a-f]+\.")
_NOTE = "hookline_source"
"""What a module's spec is noted with: a digest of its file when it was first looked at. A reload makes a new spec."""


@dataclass(frozen=True)
class Source:
    """The file of a module as it was imported, or would be. is_folder: whether it is the `__init__.py` of a package"""

    content: bytes
    is_folder: bool


def public_name(module: str) -> str:
    """Return what a module, or a class in it, is called where people write it, also of one that came with a package."""
    under = _UNDER.match(module)
    # At its beginning alone: a package may name whatever it likes, and what is trusted goes by this name.
    return module if under is None else module[under.end() :]


def publicly(text: str) -> str:
    """Return a text, such as an error's, with such modules called so."""
    return _UNDER.sub("", text)


def is_private(module: str) -> bool:
    """Tell whether a module came with a package, and is imported under a name of its own."""
    return _UNDER.match(module) is not None


def is_own(module: str, installed: Collection[str] = ()) -> bool:
    """Tell whether a module that is imported, or could be, is people's own. installed: top modules of plugins from pip"""
    if is_private(module):
        return True
    top = module.partition(".")[0]
    if top in installed or top in ("hookline", "builtins") or top in sys.stdlib_module_names:
        return False
    places = _places_of(top)
    return places is not None and not any({"site-packages", "dist-packages"} & {*Path(place).parts} for place in places)


def _places_of(top: str) -> list[str] | None:
    """Return the files and folders of a top module, where it has any; None of one that could not be imported."""
    held = sys.modules.get(top)
    if held is not None:
        places = [getattr(held, "__file__", None) or "", *map(str, getattr(held, "__path__", []))]
    else:
        spec = _spec_of(top, None)
        if spec is None:
            return None
        places = [spec.origin or "", *(spec.submodule_search_locations or [])]
    return [place for place in places if place]


def own_modules(installed: Collection[str] = ()) -> Iterator[str]:
    """Yield the names of people's own modules that are imported, but for the script or the notebook itself."""
    tops: dict[str, bool] = {}
    for name in [*sys.modules]:
        top = name.partition(".")[0]
        if top not in tops:
            tops[top] = top not in ("__main__", "__mp_main__") and is_own(top, installed)
        if tops[top]:
            yield name


def note_sources(top: str) -> None:
    """Note what the files of a module and of those below it say, right after it was imported."""
    for name in [*sys.modules]:
        if name == top or name.startswith(f"{top}."):
            source_of(name)


def source_of(module: str) -> Source | None:
    """Return the file of a module; None where it has none in Python, or one that has changed since it was imported."""
    held = sys.modules.get(module)
    spec = _spec_of(module, held)
    if spec is None or not spec.has_location or not str(spec.origin).endswith(".py"):
        return None
    try:
        content = Path(str(spec.origin)).read_bytes()
    except OSError:
        return None
    digest = hashlib.sha256(content).hexdigest()
    if held is not None and vars(spec).setdefault(_NOTE, digest) != digest:
        return None
    return Source(content, spec.submodule_search_locations is not None)


def is_importable(module: str) -> bool:
    """Tell whether a module is imported, or could be; without importing any."""
    return module in sys.modules or _spec_of(module, None) is not None


def is_bare_folder(module: str) -> bool:
    """Tell whether a module is a folder without `__init__.py`, which has no file; without importing any."""
    spec = _spec_of(module, sys.modules.get(module))
    return spec is not None and spec.origin is None and spec.submodule_search_locations is not None


def _spec_of(module: str, held: ModuleType | None) -> ModuleSpec | None:
    """Return what Python knows of a module, without importing the packages around it as `find_spec` would."""
    if held is not None:
        return getattr(held, "__spec__", None)
    around, _, name = module.rpartition(".")
    try:
        if not around:
            return find_spec(module)
        outer = _spec_of(around, sys.modules.get(around))
        # By its last name, since of a folder without `__init__.py` Python would ask what is around it, which must be imported.
        return None if outer is None else PathFinder.find_spec(name, [*(outer.submodule_search_locations or [])])
    except (ImportError, ValueError, AttributeError):
        return None
