"""ONNX: a whole pipeline as one graph, from raw columns to prediction."""

from __future__ import annotations

from hookline import Packager, hookimpl

from .packagers import OnnxPackager

__all__ = ["OnnxPackager"]


@hookimpl
def register_packagers() -> list[type[Packager]]:
    """Return the packager."""
    return [OnnxPackager]
