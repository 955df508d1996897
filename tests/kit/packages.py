"""Fitted pipelines, in memory and in a package's folder."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import hookline as hl
from hookline import Pipeline
from hookline.packages.state import write_pipeline


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
