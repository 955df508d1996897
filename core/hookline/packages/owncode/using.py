"""Which body of people's own code a package is read with: the one that is here where it is the same, else its own."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

from hookline.errors import UntrustedPackage
from hookline.kinds.component import Component
from hookline.kinds.kinds import KINDS
from hookline.registry.loading import of_functions
from hookline.registry.own import is_importable, public_name, source_of
from hookline.registry.registry import Registry

from .carried import FOLDER, Carried
from .importing import import_carried, import_modules, modules_under

ALLOWS = "if you trust where it comes from: --allow-pickle, HOOKLINE_ALLOW_PICKLE=1 or hl.Trust(pickle=True)"


@dataclass(frozen=True)
class Using:
    """Which code a package is read with.

    modules: people's own that travel in it; under: the name that these were imported under, empty where those that
        are here are used; other: whether those that are here have another body, and the package's own may not run
    """

    modules: frozenset[str] = frozenset()
    under: str = ""
    other: bool = False

    def imported_as(self, module: str) -> str:
        """Return what a module that the package names is called here."""
        name = public_name(module)
        return f"{self.under}.{name}" if self.under and name in self.modules else name

    def known(self, registry: Registry) -> Registry:
        """Return a registry whose components of these modules are those of the code in use."""
        if self.under:
            return registry.knowing(_components(modules_under(self.under)))
        here = [sys.modules[name] for name in sorted(self.modules) if name in sys.modules]
        return registry.knowing(cls for cls in _components(here) if (cls.kind, cls.name) not in registry)


def unproven(folder: Path, modules: Iterable[str]) -> UntrustedPackage:
    """Return why a package is refused whose code may not run where other code of these modules is, with nothing to go by."""
    return UntrustedPackage(
        f"package {folder} was made with other code of {' and '.join(modules)}, which travels in it and is run only where it is "
        "trusted, and no golden rows show that the code here answers alike",
        hint=ALLOWS,
    )


AS_ELSEWHERE = Using()
"""No code travels, and classes are looked up by their names."""


def choose(carried: Carried | None, folder: Path, *, trusted: bool) -> Using:
    """Say which code a package is read with, and import it. folder: that its code's folder is in

    trusted: whether code that travels may run; without that none does
    Raises UntrustedPackage where it may not, and the modules are not here; StoreError where it cannot be imported.
    """
    if carried is None or not carried.files:
        return AS_ELSEWHERE
    modules = frozenset(carried.modules)
    if _is_here(carried):
        if trusted:
            import_modules(carried.needed, folder / FOLDER)
        return Using(modules)
    if trusted:
        return Using(modules, import_carried(carried, folder / FOLDER))
    missing = [module for module in carried.needed if not is_importable(module)]
    if missing:
        raise UntrustedPackage(
            f"package {folder} goes by code of {' and '.join(missing)}, which is not here, and brings its own, which is run "
            f"only where it is trusted",
            hint=ALLOWS,
        )
    return Using(modules, other=True)


def _is_here(carried: Carried) -> bool:
    """Tell whether the modules that are imported here, or would be, are those that travel."""
    return all(
        (source := source_of(module)) is not None and source.content == carried.files[file]
        for module, file in carried.modules.items()
    )


def _components(modules: Iterable[ModuleType]) -> Iterator[type[Component]]:
    """Yield the component classes that modules define, or that were made of functions of theirs."""
    for module in modules:
        for value in [*vars(module).values(), *of_functions(module)]:
            if not (isinstance(value, type) and issubclass(value, Component)) or inspect.isabstract(value):
                continue
            if value.__module__ == module.__name__ and getattr(value, "kind", None) in KINDS and hasattr(value, "name"):
                yield value
