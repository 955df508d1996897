"""Imports whylogs 1.6.4, which is no longer maintained: cured of a name that NumPy 2 removed, and with its reporting home off."""

from __future__ import annotations

import warnings
from importlib import import_module
from typing import Any

from hookline.registry.backends.quiet import quiet


def whylogs() -> Any:
    """Return the whylogs package."""
    import numpy as np

    if not hasattr(np, "unicode_"):
        # whylogs asks for it when it is imported, and again when it looks at a value.
        np.unicode_ = np.str_  # type: ignore[attr-defined]  # gone from numpy 2
    # It is read once, at the import.
    with quiet("whylogs"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return import_module("whylogs")
