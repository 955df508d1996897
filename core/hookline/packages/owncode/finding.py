"""Which modules of people's own a fitted pipeline goes by: those of its classes, and what these import."""

from __future__ import annotations

import ast
import pickle
import sys
import warnings
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from hookline.kinds.component import Component
from hookline.registry.distributions import distribution_of
from hookline.registry.own import is_bare_folder, is_importable, is_own, is_private, own_modules, public_name, source_of
from hookline.registry.registry import Registry

from ..pipeline import Pipeline
from .carried import MOST_BYTES, MOST_MODULES, Carried
from .importing import imported_under

SCRIPTS = ("__main__", "__mp_main__")


def carry(registry: Registry, pipeline: Pipeline[Any]) -> Carried | None:
    """Return the code of people's own that a pipeline goes by, as it was imported; None where it goes by none.

    Where the source of a module cannot be had, that of none is kept, and the reason said.
    """
    installed = installed_in(registry)
    if not _may_be(installed):
        return None
    roots = sorted(name for name in _roots(registry, pipeline) if _is_people_s(name, installed))
    if not roots:
        return None
    before = next((held for held in map(imported_under, roots) if held is not None), None)
    needed = tuple(sorted({public_name(name) for name in roots}))
    if before is not None:
        # The pipeline came of a package, whose code goes on with it as a whole.
        alike = {*needed} <= {*before.modules}
        return Carried(before.files, needed) if alike else Carried({}, needed, "only some of it came of a package")
    inside = [cls.__name__ for cls in _classes(registry, pipeline) if "<" in cls.__qualname__]
    if inside:
        return Carried({}, needed, f"{inside[0]} is defined in a function, where nobody finds it by its name")
    return _with_imports(needed, installed)


def installed_in(registry: Registry) -> set[str]:
    """Return the top modules of plugins that pip installed, which the lock of a package names."""
    return {plugin.module.partition(".")[0] for plugin in registry.plugins.plugins if plugin.origin != "project"}


def modules_of(values: Iterable[Any]) -> set[str]:
    """Return the modules of all classes and functions that values are made of, as far as they can be pickled."""
    found: set[str] = set()
    for value in values:
        # An object may refuse to be pickled in any way it likes, and what was met until then counts.
        with suppress(Exception):
            _Modules(found).dump(value)
    return found


class _Modules(pickle.Pickler):
    """Goes through what an object is made of, and writes nothing."""

    def __init__(self, found: set[str]) -> None:
        super().__init__(_Sink(len), protocol=5, buffer_callback=lambda _: None)
        self._found = found

    def reducer_override(self, value: Any) -> Any:
        """Note the module of a class, a function, or an object's class, and have it pickled as ever."""
        named = value if hasattr(value, "__qualname__") else type(value)
        self._found.add(str(getattr(named, "__module__", None) or ""))
        return NotImplemented


@dataclass(frozen=True)
class _Sink:
    """A file that keeps nothing."""

    write: Callable[[bytes], int]


def _may_be(installed: Collection[str]) -> bool:
    """Tell whether anything of people's own is imported at all, so that most pipelines need not be gone through."""
    script = vars(sys.modules["__main__"]) if "__main__" in sys.modules else {}
    typed = any(isinstance(one, type) and one.__module__ == "__main__" for one in [*script.values()])
    return typed or next(own_modules(installed), None) is not None


def _is_people_s(module: str, installed: Collection[str]) -> bool:
    if not is_own(module, installed):
        return False
    return is_private(module) or module in SCRIPTS or distribution_of(module.partition(".")[0]) is None


def _roots(registry: Registry, pipeline: Pipeline[Any]) -> Iterator[str]:
    """Yield the modules of a pipeline's parts, and of the components that are to make its stages again."""
    yield from modules_of([*(stage.fitted for stage in (*pipeline.transforms, *pipeline.featurizers)), pipeline.model])
    yield from (cls.__module__ for cls in _classes(registry, pipeline))


def _classes(registry: Registry, pipeline: Pipeline[Any]) -> Iterator[type[Component]]:
    """Yield the components of a pipeline's stages, but of those that came of a package."""
    for kind, stages in (("transform", pipeline.transforms), ("featurizer", pipeline.featurizers)):
        for stage in stages:
            if not is_private(type(stage.fitted).__module__) and (kind, stage.component) in registry:
                yield registry.entry(kind, stage.component).cls


def _with_imports(needed: tuple[str, ...], installed: Collection[str]) -> Carried:
    files: dict[str, bytes] = {}
    waiting, seen = [*needed], set[str]()
    while waiting:
        module = waiting.pop()
        if module in seen:
            continue
        seen.add(module)
        if module in SCRIPTS:
            return Carried({}, needed, "it was typed into a script or a notebook, which is no module")
        source = source_of(module)
        if source is None:
            if module not in needed and is_bare_folder(module):
                continue
            return Carried({}, needed, f"the source of {module} is not there, or has changed since it was imported")
        files[module.replace(".", "/") + ("/__init__.py" if source.is_folder else ".py")] = source.content
        if len(files) > MOST_MODULES or sum(map(len, files.values())) > MOST_BYTES:
            return Carried({}, needed, f"it is more than {MOST_MODULES} modules or {MOST_BYTES / 1024**2:.0f} MiB")
        around = module.rpartition(".")[0]
        waiting += [around] if around else []
        waiting += [name for name in _imports(module, source.content, source.is_folder) if _goes_along(name, installed)]
    return Carried(files, needed)


def _goes_along(module: str, installed: Collection[str]) -> bool:
    """Tell whether what a module imports is people's own too, and a module."""
    return _is_people_s(module, installed) and is_importable(module) and module not in SCRIPTS


def _imports(module: str, content: bytes, is_folder: bool) -> Iterator[str]:
    """Yield the modules that a module may import, at whatever depth the statement stands."""
    inside = module if is_folder else module.rpartition(".")[0]
    for node in ast.walk(_parsed(content)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            parts = inside.split(".")
            outer = parts[: len(parts) - node.level + 1] if node.level else []
            origin = ".".join([*filter(None, outer), *([node.module] if node.module else [])])
            yield origin
            # What is imported from a package may be a module in it.
            yield from (f"{origin}.{alias.name}" for alias in node.names)


def _parsed(content: bytes) -> ast.Module:
    """Return what a module says; of one that Python cannot read, and that nobody has imported, that it says nothing."""
    with warnings.catch_warnings():
        # Whoever imported it was warned then.
        warnings.simplefilter("ignore")
        try:
            return ast.parse(content)
        except (SyntaxError, ValueError):
            return ast.Module([], [])
