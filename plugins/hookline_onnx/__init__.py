"""ONNX: a whole pipeline as one graph, from raw columns to prediction."""

from __future__ import annotations

from hookline import Packager, hookimpl

from .packagers import OnnxPackager, OnnxQuantizedPackager

__all__ = ["OnnxPackager", "OnnxQuantizedPackager"]


@hookimpl
def register_packagers() -> list[type[Packager]]:
    """Return the packagers."""
    return [OnnxPackager, OnnxQuantizedPackager]
