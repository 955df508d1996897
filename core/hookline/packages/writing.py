"""A fitted pipeline written as a package, proven to answer alike before it is sealed."""

from __future__ import annotations

import json
import math
import shutil
import types
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hookline.kinds.deployments import Trust
from hookline.kinds.features.weights import weighed
from hookline.kinds.kinds import Packager
from hookline.kinds.plain import to_json
from hookline.registry.ports import takers
from hookline.registry.registry import Registry

from .around import AroundPackager
from .certificate.certificate import CERTIFICATE, Certificate, as_parity, plain_certificate, require_agreement
from .certificate.certifying import certify
from .certificate.code_alone import keep_if_proven, put_code
from .certificate.edges import EdgeRows
from .certificate.golden import ROWS, golden_in, write_golden
from .certificate.parity import PARITY_ROWS, check_takes, require_parity
from .manifest import ANSWERS, PROFILE, environment, is_whole, read_as, seal, verify
from .owncode.carried import code_in
from .pipeline import Pipeline
from .state import StoredPackage, write_pipeline
from .telling.needs import write_lock

if TYPE_CHECKING:
    import polars as pl


def write_certified(
    registry: Registry,
    packager: Packager,
    pipeline: Pipeline[Any],
    folder: Path,
    rows: pl.LazyFrame,
    edges: EdgeRows,
    golden: int = ROWS,
) -> Certificate:
    """Write a pipeline and its certificate into an empty folder; what is left to do is to `seal` it.

    rows: raw rows that the package must answer as the pipeline does, the first 10,000 are asked; edges: others, generated
    golden: how many of the rows travel with the package, with their answers
    Raises ExportError where the format cannot say the pipeline, or answers otherwise.
    """
    check_takes(packager, pipeline.model)
    write_pipeline(pipeline, folder)
    packager.save(pipeline, folder)
    inner = _inner(packager, folder)
    carried = put_code(registry, packager, pipeline, inner)
    stored = StoredPackage.opened(folder, registry, carried, trusted=True)
    packaged = packager.load(stored, Trust(everything=True))
    asked = rows.head(PARITY_ROWS).collect()
    certificate = certify(packager, pipeline, packaged, asked, edges)
    hint = _other_ways(registry, packager, pipeline)
    require_parity(packager, as_parity(certificate), hint)
    require_agreement(certificate, f"packager '{packager.name}'", hint)
    (folder / CERTIFICATE).write_text(json.dumps(plain_certificate(certificate)), "utf-8")
    if carried is not None:
        keep_if_proven(registry, packager, packaged, carried, (folder, inner), asked)
    write_golden(folder, packaged, asked, edges, golden)
    write_lock(registry, packager, pipeline, folder)
    return certificate


def write_another(
    registry: Registry,
    packager: Packager,
    pipeline: Pipeline[Any],
    folder: Path,
    rows: pl.LazyFrame,
    edges: EdgeRows,
    source: Path,
    facts: Mapping[str, Any],
    *,
    of_model: bool = True,
    anew: Mapping[str, str] | None = None,
) -> Certificate:
    """Write and seal a package that comes of another, with what that one remembers of its training.

    source: the other package, verified; facts: what the manifest says beside what it says of every pipeline
    of_model: whether what was found out about that one, its evidence, travels too
    anew: name -> text of files of which this one remembers something else
    Raises as `write_certified`.
    """
    certificate = write_certified(registry, packager, pipeline, folder, rows, edges, golden_in(source))
    kept = ("monitors/", "evaluators/", *(["evidence/"] if of_model else []))
    for name in verify(source)["files"]:
        if name in (PROFILE, ANSWERS) or name.startswith(kept):
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source / name, folder / name)
    for name, text in (anew or {}).items():
        (folder / name).write_text(text, "utf-8")
    seal(folder, packager, {**facts, **facts_of(packager, pipeline, folder, certificate), "environment": environment()})
    return certificate


def seed_in(folder: Path) -> int:
    """Return the seed that a package's edge rows were made under; 0 where it has no certificate."""
    path = folder / CERTIFICATE
    return read_as(Certificate, path).seed if path.is_file() else 0


def place(package: Path, path: Path) -> None:
    """Rename a whole package into its place, where another process may have put the same one by now."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.exists() and not is_whole(path):
        shutil.rmtree(path)
    try:
        package.rename(path)
    except OSError:
        if not is_whole(path):
            raise


def _other_ways(registry: Registry, packager: Packager, pipeline: Pipeline[Any]) -> str | None:
    """Return in which other packages the model itself is held, which answers as it does here."""
    made: Any = types.GenericAlias(Pipeline, (type(pipeline.model),))
    native = [cls for cls in registry.classes("packager") if getattr(cls, "native", False)]
    found = [name for name in takers(native, made) if name != packager.name]
    return f"choose {' or '.join(f'packager=[{name}]' for name in found)}" if found else None


def _inner(packager: Packager, folder: Path) -> Path:
    """Return where the format's own files are."""
    return packager.inner(folder) if isinstance(packager, AroundPackager) else folder


def facts_of(packager: Packager, pipeline: Pipeline[Any], folder: Path, certificate: Certificate) -> dict[str, Any]:
    """Return what a manifest says of every pipeline: target, model, features, importances, parity, and code that travels.

    folder: where it was written
    """
    code = code_in(folder, _inner(packager, folder))
    parity, importances = as_parity(certificate), weighed(pipeline.model.importances(), pipeline.made)
    return {
        "target": to_json(pipeline.target),
        "decision": None if pipeline.decision is None else to_json(pipeline.decision),
        "intervals": None if pipeline.intervals is None else to_json(pipeline.intervals),
        "sets": None if pipeline.sets is None else to_json(pipeline.sets),
        "model": type(pipeline.model).__name__,
        "features": [to_json(feature) for feature in pipeline.made],
        # What is no number ranks nothing, and JSON has no word for it.
        "importances": {name: value for name, value in importances.items() if math.isfinite(value)},
        "parity": to_json(parity) | {"ok": parity.ok},
        **({} if code is None else {"code": code}),
    }
