"""Imports whylogs 1.6.4, which is no longer maintained: cured of a name that NumPy 2 removed, and with its reporting home off."""

from __future__ import annotations

import os
import warnings
from typing import Any

OPT_OUT = "WHYLOGS_NO_ANALYTICS"


def whylogs() -> Any:
    """Return the whylogs package."""
    import numpy as np

    if not hasattr(np, "unicode_"):
        # whylogs asks for it when it is imported, and again when it looks at a value.
        np.unicode_ = np.str_  # type: ignore[attr-defined]  # gone from numpy 2
    opted_out = OPT_OUT in os.environ
    os.environ.setdefault(OPT_OUT, "1")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            import whylogs
    finally:
        # It is read once, at the import; the environment belongs to the user.
        if not opted_out:
            del os.environ[OPT_OUT]
    return whylogs
