"""Imports onnxruntime, which from 1.32 on reports home from the moment at which it is imported."""

from __future__ import annotations

import os
from typing import Any

from hookline.registry.backends.quiet import SWITCHES, import_quietly


def onnxruntime() -> Any:
    """Return the onnxruntime package, its reporting off also where somebody imported it before; the user's variable stands."""
    package: Any = import_quietly("onnxruntime")
    if not SWITCHES["onnxruntime"].keys() & os.environ.keys():
        package.disable_telemetry_events()
    return package
