"""Fitted pipelines, in memory and in a package's folder."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import hookline as hl
from hookline import Pipeline, Trust
from hookline.packages.state import StoredPackage, write_pipeline
from hookline.registry.registry import load_registry


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


def read(packager: Any, folder: Path, trust: Trust) -> Any:
    """Load a package from its folder, as `hl.load` does once it has verified it."""
    return packager.load(StoredPackage(folder, load_registry()), trust)
