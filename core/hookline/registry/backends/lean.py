"""Imports a backend without what it only looks for, or only might use, for a process that has no use for that."""

from __future__ import annotations

import dataclasses
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from types import ModuleType
from typing import Any


def import_without(library: str, backend: str) -> ModuleType:
    """Import a backend as if a library were not installed; whoever needs the library afterwards imports it as ever."""
    with _unseen(library):
        return import_module(backend)


def import_scipy() -> None:
    """Import scipy's sparse matrices, without numpy's compiler of Fortran."""
    with without_compiler():
        import scipy.sparse  # noqa: F401


@contextmanager
def without_compiler() -> Iterator[None]:
    """Let what is imported within this block, and takes along whatever numpy names, do without numpy's compiler of Fortran.

    That is a third of the time of scipy's sparse matrices, and of no use to them; whoever needs the compiler afterwards
    imports it as ever.
    """
    import numpy

    named: Any = numpy
    known = "f2py" in vars(numpy)
    if not known:
        named.f2py = ModuleType("numpy.f2py")
    try:
        yield
    finally:
        if not known:
            del named.f2py


def import_bare(backend: str) -> ModuleType:
    """Import a backend of hundreds of dataclasses, which then are neither shown nor compared by what they hold.

    Python writes and compiles those methods for each, which may be half of the time that the import takes.
    """
    package, usual = backend.partition(".")[0], dataclasses.dataclass

    def bare(cls: Any = None, /, **said: Any) -> Any:
        if cls is None or said or cls.__module__.partition(".")[0] != package:
            return usual(cls, **said)
        # Python would work one out of the signature.
        cls.__doc__ = cls.__doc__ or cls.__name__
        return usual(cls, repr=False, eq=False)

    setattr(dataclasses, "dataclass", bare)  # noqa: B010  type checkers know it for what it is
    try:
        return import_module(backend)
    finally:
        setattr(dataclasses, "dataclass", usual)  # noqa: B010  as above


@contextmanager
def put_off(module: str) -> Iterator[None]:
    """Let what is imported within this block have a module that is not imported before something of it is used.

    For one of functions and objects, not of classes that are told by `isinstance`: until then others stand for them. Whoever
    imports it after the block imports it as ever.
    """
    if module in sys.modules:
        yield
        return
    stands = sys.modules[module] = _Later(module)
    try:
        yield
    finally:
        if sys.modules.get(module) is stands:
            del sys.modules[module]


class _Later(ModuleType):
    """Stands for a module."""

    def __getattr__(self, name: str) -> _Named:
        if name.startswith("__"):
            raise AttributeError(name)
        return _Named(self.__name__, name)


class _Named:
    """Stands for what a module has by a name, and imports that module once it is called, or asked for anything."""

    def __init__(self, module: str, name: str) -> None:
        self._place = (module, name)

    def __call__(self, *given: Any, **named: Any) -> Any:
        return self._found()(*given, **named)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):  # As `copy` and `pickle` ask, of one that has no place yet.
            raise AttributeError(name)
        return getattr(self._found(), name)

    def _found(self) -> Any:
        module, name = self._place
        if isinstance(sys.modules.get(module), _Later):
            del sys.modules[module]
        return getattr(import_module(module), name)


@contextmanager
def _unseen(library: str) -> Iterator[None]:
    if library in sys.modules:
        yield
        return
    sys.modules[library] = None  # type: ignore[assignment]  # what Python takes for a module that cannot be imported
    try:
        yield
    finally:
        del sys.modules[library]
