"""Compares a pipeline with its ONNX graph, where the `onnx` packager and its libraries are installed."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from hookline.errors import ExportError
from hookline.kinds.deployments import Trust
from hookline.packages.certificate.parity import measure_parity
from hookline.packages.pipeline import Pipeline
from hookline.packages.state import StoredPackage, write_pipeline

from .stored import known_to
from .subject import Subject
from .tables.samples import Sample


def require_onnx_parity(subject: Subject, pipeline: Pipeline[Any], sample: Sample, *, may_refuse: bool = True) -> None:
    """Fail unless the graph predicts what the pipeline does, or where that may be: an ExportError says that ONNX has no words."""
    packager = _packager()
    if packager is None:
        return
    rows = sample.unlabeled().collect()
    with TemporaryDirectory() as name:
        folder = Path(name)
        write_pipeline(pipeline, folder)
        try:
            packager.save(pipeline, folder)
        except ExportError as error:
            if may_refuse:
                return
            subject.fail(f"claims ExportsOnnx, but cannot be exported ({error.message}); mend or remove to_onnx().")
        packaged = packager.load(StoredPackage(folder, known_to(subject)), Trust())
        parity = measure_parity(pipeline, packaged, rows, packager.tolerance)
    if not parity.ok:
        subject.fail(
            f"predicts differently in ONNX: by up to {parity.max_difference:.3g} on {parity.rows} rows "
            f"(allowed: {parity.tolerance:g}); mend to_onnx(), or raise ExportError where ONNX cannot say it."
        )


def _packager() -> Any:
    from hookline.registry.registry import load_registry

    registry = load_registry()
    if ("packager", "onnx") not in registry:
        return None
    cls = registry.entry("packager", "onnx").cls
    return cls() if all(find_spec(module) for module in cls.requires()) else None
