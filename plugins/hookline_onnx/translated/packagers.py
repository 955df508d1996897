"""The `torch_export` and `torchscript` packagers: write a pipeline as a program of PyTorch, and read it where allowed."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any, ClassVar

from hookline import (
    ExportsOnnx,
    Limit,
    Package,
    Packager,
    Pipeline,
    Predictor,
    SklearnModel,
    Stored,
    Trust,
)
from hookline.errors import UntrustedPackage
from hookline.kinds.formats.words import ONNX, TORCH

from ..packagers import limit_of

ALONE = "hookline_torch_answers"
"""The module that answers without hookline."""
ANSWERS = "answers.py"
"""The same module where a package is used by hand."""


class TorchExportPackager(Packager):
    """The whole pipeline as one `torch.export` program (.pt2) for any number of rows, from raw columns to decision.

    It takes a dict of the raw columns, (n,): numbers and booleans float64 with NaN for missing; texts uint8 (n, width), their
    UTF-8 with 255 behind it; datetimes int64 microseconds since 1970 UTC with the smallest int64 for missing. It returns
    `label` (the place among the classes) and `probabilities`, or `value`. `hookline.json` inside the file says columns,
    widths and classes, and `answers.py` beside it answers plain rows. PyTorch alone runs it. Reading one can run any code,
    so the caller must allow it.
    """

    name = "torch_export"
    extra = "torch-export"
    tolerance = 1e-5
    file: ClassVar[str] = "model.pt2"

    @classmethod
    def requires(cls) -> tuple[str, ...]:
        """Return the backend, and what the graph is made with that is translated."""
        return ("torch", "onnx", "onnxruntime", "skl2onnx", "spox")

    @classmethod
    def answers_with(cls) -> tuple[str, ...]:
        """Return what runs a program."""
        return ("torch",)

    # type-var: what `ports` reads is that a model is one of the two; that each is a Model as well goes without saying.
    def save(self, pipeline: Pipeline[SklearnModel | ExportsOnnx], path: Path) -> Package:  # type: ignore[type-var]
        """Write the program and answers.py; raises ExportError naming what cannot be said in PyTorch."""
        self._write(pipeline, path / self.file)
        shutil.copyfile(Path(__file__).with_name("answers.py"), path / ANSWERS)
        return Package(path, self.name)

    def limit(self, pipeline: Any) -> Limit | None:
        """Return the limit of the graph, which computes in float32."""
        return limit_of(pipeline)

    def languages(self) -> tuple[str, ...]:
        """Return that of the graph, and that which it is translated to."""
        return ONNX, TORCH

    def write_alone(self, pipeline: Any, code: Path, model: Path) -> tuple[str, tuple[str, ...]]:
        """Write a module that answers pandas frames with the program."""
        shutil.copyfile(Path(__file__).with_name("answers.py"), code / f"{ALONE}.py")
        return ALONE, ("numpy", "pandas", "torch")

    def load(self, stored: Stored, trust: Trust) -> Predictor:
        """Return a predictor where `trust` allows it, else raises UntrustedPackage; StoreError for a damaged file."""
        if not (trust.pickle or trust.everything):
            raise UntrustedPackage(
                f"package {stored.path} is a {self._called}, which can run any code when it is read",
                hint="if you trust where it comes from: --allow-pickle, HOOKLINE_ALLOW_PICKLE=1 or hl.Trust(pickle=True)",
            )
        from .predictor import TorchPredictor

        return TorchPredictor.of(stored, stored.path / self.file, exported=self.file.endswith(".pt2"))

    _called: ClassVar[str] = "program of torch.export"

    def _write(self, pipeline: Pipeline[Any], file: Path) -> None:
        from .program import write_exported

        write_exported(pipeline, file)


class TorchscriptPackager(TorchExportPackager):
    """The whole pipeline as TorchScript (.pt), which `torch.jit.load` alone reads: deprecated by PyTorch, use `torch_export`.

    For servers that take nothing else; input and output are those of `torch_export`. Reading one can run any code, so
    the caller must allow it.
    """

    name = "torchscript"
    file = "model.pt"
    _called = "TorchScript"

    def _write(self, pipeline: Pipeline[Any], file: Path) -> None:
        from .program import write_scripted

        write_scripted(pipeline, file)
