"""Imports onnxruntime, which from 1.32 on reports home from the moment at which it is imported."""

from __future__ import annotations

from typing import Any

from hookline.registry.quiet import import_quietly


def onnxruntime() -> Any:
    """Return the onnxruntime package, its reporting off also where somebody imported it before."""
    package: Any = import_quietly("onnxruntime")
    package.disable_telemetry_events()
    return package
