"""Imports a backend without a library that it only looks for, for a process that has no use for that one."""

from __future__ import annotations

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
    """Import scipy's sparse matrices without numpy's compiler of Fortran, which it takes along with whatever numpy names.

    That is a third of its time, and of no use to scipy; whoever needs the compiler afterwards imports it as ever.
    """
    import numpy

    named: Any = numpy
    known = "f2py" in vars(numpy)
    if not known:
        named.f2py = ModuleType("numpy.f2py")
    try:
        import scipy.sparse  # noqa: F401
    finally:
        if not known:
            del named.f2py


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
