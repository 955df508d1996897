"""ONNX: a whole pipeline as one graph, from raw columns to prediction, and that graph as a program of PyTorch."""

from __future__ import annotations

from hookline import Packager, hookimpl

from .packagers import OnnxPackager, OnnxQuantizedPackager
from .translated.packagers import TorchExportPackager, TorchscriptPackager

__all__ = ["OnnxPackager", "OnnxQuantizedPackager", "TorchExportPackager", "TorchscriptPackager"]


@hookimpl
def register_packagers() -> list[type[Packager]]:
    """Return the packagers."""
    return [OnnxPackager, OnnxQuantizedPackager, TorchExportPackager, TorchscriptPackager]
