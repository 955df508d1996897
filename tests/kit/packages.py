"""Fitted pipelines, in memory and in a package's folder."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import hookline as hl
from hookline import Pipeline, Trust
from hookline.packages.door.files import facts_of
from hookline.packages.door.sealing import sealed
from hookline.packages.state import StoredPackage, write_pipeline
from hookline.registry.registry import load_registry
from hookline.workspace.bounded import is_ordinary


def pipeline_of(**config: Any) -> Pipeline[Any]:
    """Return the pipeline that a run without evaluators fits."""
    run = hl.run(evaluator=[], **config)
    assert isinstance(run.predictor, Pipeline)
    return run.predictor


def saved(packager: Any, pipeline: Pipeline[Any], path: Path) -> Path:
    """Write a pipeline into a folder as a run does, and return the folder."""
    packager.save(pipeline, path)
    write_pipeline(pipeline, path)
    return path


def reseal(package: Path, change: Mapping[str, Any] | None = None, key: bytes = b"the key of a stranger") -> None:
    """Make a package whole again after its files were changed, as somebody without the user's key can."""
    manifest = json.loads((package / "manifest.json").read_text()) | dict(change or {})
    listed = manifest.get("files")
    if "files" not in (change or {}) and isinstance(listed, dict):
        manifest["files"] = {name: facts_of(package / name) for name in listed if is_ordinary(package / name)}
    (package / "manifest.json").write_text(sealed(manifest, key))


def read(packager: Any, folder: Path, trust: Trust) -> Any:
    """Load a package from its folder, as `hl.load` does once it has verified it."""
    return packager.load(StoredPackage(folder, load_registry()), trust)
