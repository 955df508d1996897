"""Imports scikit-learn, in the process beside a run, without pandas, which takes a quarter of the time and no part in a fit."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module


@contextmanager
def without(module: str) -> Iterator[None]:
    """Have a module that is not imported yet look as if it were not installed, within this block."""
    if module in sys.modules:
        yield
        return
    sys.modules[module] = None  # type: ignore[assignment]  # what Python takes for a module that cannot be imported
    try:
        yield
    finally:
        del sys.modules[module]


# scikit-learn only looks whether pandas is there; whoever needs a data frame afterwards imports it.
with without("pandas"):
    import_module("sklearn.base")
