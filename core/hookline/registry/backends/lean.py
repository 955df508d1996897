"""Imports a backend without a library that it only looks for, for a process that has no use for that one."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from types import ModuleType


def import_without(library: str, backend: str) -> ModuleType:
    """Import a backend as if a library were not installed; whoever needs the library afterwards imports it as ever."""
    with _unseen(library):
        return import_module(backend)


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
