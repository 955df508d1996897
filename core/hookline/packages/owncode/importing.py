"""Modules that travel in a package, imported under a private name, so that two bodies of one module live side by side.

They are compiled from bytes in memory that were held against their digest, and nothing is written beside them.
"""

from __future__ import annotations

import builtins
import importlib
import sys
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import redirect_stdout
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType
from typing import Any

from hookline.errors import StoreError
from hookline.registry.own import PRIVATE, is_private, publicly

from .carried import Carried

DIGITS = 40
"""Of the digest, in the name that the modules are imported under."""
_AT_ONCE = threading.RLock()
"""What a module prints while it is imported goes to stderr, which is the whole process's."""


def import_carried(carried: Carried, place: Path, apart: str = "") -> str:
    """Import what a package's pipeline needs of the code that travels in it, and return the name that it is under.

    The same code is imported once, whichever package brought it; apart: hexadecimal digits, to import it once more under these
    place: the folder of its files, for tracebacks
    Raises StoreError where it cannot be imported.
    """
    under = f"{PRIVATE}{apart or carried.digest[:DIGITS]}"
    with _AT_ONCE:
        is_new = _bodies(under) is None
        if is_new:
            # First, so that no file elsewhere is taken for one of them.
            sys.meta_path.insert(0, _Body(under, carried, place))
        try:
            import_modules(carried.needed, place, under)
        except StoreError:
            if is_new:
                forget(under)
            raise
    return under


def import_modules(modules: Iterable[str], place: Path, under: str = "") -> None:
    """Import modules that a package goes by; under: where its own are, empty for those that are here.

    Raises StoreError where one cannot be imported.
    """
    with _AT_ONCE, redirect_stdout(sys.stderr):
        for module in modules:
            try:
                importlib.import_module(f"{under}.{module}" if under else module)
            except (Exception, SystemExit) as error:  # code of people's own may raise anything
                told = publicly(f"{type(error).__name__}: {error}".partition("\n")[0])
                raise StoreError(
                    f"the code of {module} that travels in {place.parent} cannot be imported here: {told}",
                    hint="install what the package was made with: pip install -r requirements.lock",
                ) from error


def forget(under: str) -> None:
    """Take back an import that nothing is to use any more."""
    with _AT_ONCE:
        found = _bodies(under)
        if found is not None:
            sys.meta_path.remove(found)
        for name in [name for name in sys.modules if name == under or name.startswith(f"{under}.")]:
            del sys.modules[name]


def is_imported(carried: Carried) -> bool:
    """Tell whether code that travels in packages has been imported here already."""
    return _bodies(f"{PRIVATE}{carried.digest[:DIGITS]}") is not None


def imported_under(module: str) -> Carried | None:
    """Return the code that a module belongs to which was imported from a package; None of any other module."""
    found = _bodies(module.partition(".")[0]) if is_private(module) else None
    return None if found is None else found.carried


def modules_under(under: str) -> Iterator[ModuleType]:
    """Yield the modules that have been imported under a name by now."""
    for name in sorted(name for name in [*sys.modules] if name.startswith(f"{under}.")):
        yield sys.modules[name]


def _bodies(under: str) -> _Body | None:
    return next((one for one in [*sys.meta_path] if isinstance(one, _Body) and one.under == under), None)


class _Body(MetaPathFinder, Loader):
    """One body of code: finds its modules and runs them. It stays as long as the process, as modules do."""

    def __init__(self, under: str, carried: Carried, place: Path) -> None:
        self.under, self.carried, self.place = under, carried, place
        self._tops = {name.partition(".")[0] for name in carried.modules}

    def find_spec(
        self, fullname: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Return what Python is to know of a module of this body; None of any other."""
        if fullname != self.under and not fullname.startswith(f"{self.under}."):
            return None
        name = self._name(fullname)
        file = self.carried.modules.get(name)
        if file is None:
            inner = f"{name}." if name else ""
            if not any(other.startswith(inner) for other in self.carried.modules):
                return None
            return ModuleSpec(fullname, self, is_package=True)
        made = ModuleSpec(fullname, self, origin=str(self.place / file), is_package=file.endswith("/__init__.py"))
        made.has_location = True
        return made

    def exec_module(self, module: ModuleType) -> None:
        """Run a module; whatever it imports of this body by its public name, then or later, is this body's."""
        file = self.carried.modules.get(self._name(module.__name__))
        if file is None:
            return
        vars(module)["__builtins__"] = vars(builtins) | {"__import__": self._import}
        code = compile(self.carried.files[file], str(self.place / file), "exec", dont_inherit=True)
        exec(code, vars(module))  # noqa: S102  whoever asks for the import has decided that it may run

    def get_source(self, fullname: str) -> str | None:
        """Return the text of a module, which tracebacks show also where the package was moved."""
        file = self.carried.modules.get(self._name(fullname))
        return None if file is None else self.carried.files[file].decode("utf-8", "replace")

    def _name(self, fullname: str) -> str:
        return fullname.removeprefix(self.under).removeprefix(".")

    def _import(
        self,
        name: str,
        globals: Mapping[str, Any] | None = None,  # noqa: A002  it is called by the names of Python's own
        locals: Mapping[str, Any] | None = None,  # noqa: A002
        fromlist: Sequence[str] | None = (),
        level: int = 0,
    ) -> Any:
        """Import as the statement does (https://docs.python.org/3/library/functions.html#import__)."""
        top = name.partition(".")[0]
        if level or top not in self._tops:
            return builtins.__import__(name, globals, locals, fromlist or (), level)
        found = builtins.__import__(f"{self.under}.{name}", globals, locals, fromlist or (), 0)
        return found if fromlist else sys.modules[f"{self.under}.{top}"]
