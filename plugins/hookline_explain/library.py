"""The library shap, imported without what it makes Matplotlib say where that is installed as well."""

from __future__ import annotations

import warnings
from typing import Any


def shap() -> Any:
    """Return the library."""
    with warnings.catch_warnings():
        # Of a color map that it makes as it is imported.
        warnings.simplefilter("ignore", PendingDeprecationWarning)
        import shap
    return shap
