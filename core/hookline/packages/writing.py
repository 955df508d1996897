"""A fitted pipeline written as a package, proven to answer alike before it is sealed."""

from __future__ import annotations

import json
import math
import types
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hookline.kinds.deployments import Trust
from hookline.kinds.kinds import Packager
from hookline.kinds.plain import to_json
from hookline.registry.ports import takers
from hookline.registry.registry import Registry

from .certificate.certificate import CERTIFICATE, Certificate, as_parity, plain_certificate, require_agreement
from .certificate.certifying import certify
from .certificate.edges import EdgeRows
from .certificate.parity import PARITY_ROWS, check_takes, require_parity
from .pipeline import Pipeline
from .state import StoredPackage, write_pipeline

if TYPE_CHECKING:
    import polars as pl


def write_certified(
    registry: Registry, packager: Packager, pipeline: Pipeline[Any], folder: Path, rows: pl.LazyFrame, edges: EdgeRows
) -> Certificate:
    """Write a pipeline and its certificate into an empty folder; what is left to do is to `seal` it.

    rows: raw rows that the package must answer as the pipeline does, the first 10,000 are asked; edges: others, generated
    Raises ExportError where the format cannot say the pipeline, or answers otherwise.
    """
    check_takes(packager, pipeline.model)
    write_pipeline(pipeline, folder)
    packager.save(pipeline, folder)
    packaged = packager.load(StoredPackage(folder, registry), Trust(everything=True))
    asked = rows.head(PARITY_ROWS).collect()
    certificate = certify(packager, pipeline, packaged, asked, edges)
    hint = _other_ways(registry, packager, pipeline)
    require_parity(packager, as_parity(certificate), hint)
    require_agreement(certificate, f"packager '{packager.name}'", hint)
    (folder / CERTIFICATE).write_text(json.dumps(plain_certificate(certificate)), "utf-8")
    return certificate


def _other_ways(registry: Registry, packager: Packager, pipeline: Pipeline[Any]) -> str | None:
    """Return in which other packages the model itself is held, which answers as it does here."""
    made: Any = types.GenericAlias(Pipeline, (type(pipeline.model),))
    native = [cls for cls in registry.classes("packager") if getattr(cls, "native", False)]
    found = [name for name in takers(native, made) if name != packager.name]
    return f"choose {' or '.join(f'packager=[{name}]' for name in found)}" if found else None


def facts_of(pipeline: Pipeline[Any], certificate: Certificate) -> dict[str, Any]:
    """Return what a manifest says of every pipeline: target, model, features, importances and parity."""
    parity = as_parity(certificate)
    return {
        "target": to_json(pipeline.target),
        "decision": None if pipeline.decision is None else to_json(pipeline.decision),
        "intervals": None if pipeline.intervals is None else to_json(pipeline.intervals),
        "model": type(pipeline.model).__name__,
        "features": [to_json(feature) for feature in pipeline.made],
        # What is no number ranks nothing, and JSON has no word for it.
        "importances": {name: weight for name, weight in pipeline.model.importances().items() if math.isfinite(weight)},
        "parity": to_json(parity) | {"ok": parity.ok},
    }
