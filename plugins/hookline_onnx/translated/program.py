"""Writes the module of a pipeline as a file that PyTorch alone reads, with what must be known of its columns and classes."""

from __future__ import annotations

import dataclasses
import json
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from hookline import Pipeline
from hookline.errors import ExportError

from ..graph import build_graph
from .answers import FACTS, PAD
from .module import GraphModule, translated

NUMBER, ANSWER = ("value", "lower", "upper"), ("label", "probabilities", "set")
ROWS = 3
"""Rows of the example that a program is taken from: neither none nor one, which PyTorch would take for the only number."""


def module_of(pipeline: Pipeline[Any]) -> GraphModule:
    """Return the whole pipeline as one module; raises ExportError naming what cannot be said."""
    outputs = NUMBER if pipeline.target.task == "regression" else ANSWER
    return translated(build_graph(pipeline, named=False), outputs)


def write_exported(pipeline: Pipeline[Any], file: Path) -> None:
    """Write a program of torch.export for any number of rows; raises ExportError where it cannot be said."""
    module = module_of(pipeline)
    example = _example(pipeline, module.width)
    rows = {name: {0: torch.export.Dim.DYNAMIC} for name in example}
    try:
        with torch.no_grad():
            program = torch.export.export(module, (example,), dynamic_shapes=(rows,), strict=False)
    except Exception as error:  # torch.export raises whatever its many parts raise
        raise _unsaid(error) from error
    torch.export.save(program, file, extra_files={FACTS: json.dumps(facts_of(pipeline, module.width))})


def write_scripted(pipeline: Pipeline[Any], file: Path) -> None:
    """Write a TorchScript of the module's trace; raises ExportError where it cannot be said."""
    module = module_of(pipeline)
    example = _example(pipeline, module.width)
    try:
        with torch.no_grad(), warnings.catch_warnings():
            # PyTorch says of all of TorchScript that it is deprecated, as the packager does.
            warnings.filterwarnings("ignore", "`torch.jit.*deprecated", DeprecationWarning)
            jit: Any = torch.jit
            script = jit.trace(module, (example,), strict=False, check_trace=False)
            facts = json.dumps(facts_of(pipeline, module.width))
            jit.save(script, file, _extra_files={FACTS: facts.encode()})
    except Exception as error:  # as torch.export does
        raise _unsaid(error) from error


def _unsaid(error: Exception) -> ExportError:
    told = " ".join(f"{error}".split())[:300]
    return ExportError(
        f"the pipeline cannot be said in PyTorch: {told}",
        hint="choose packager=[onnx] or [pickle]; [skops] where the model is scikit-learn's",
    )


def facts_of(pipeline: Pipeline[Any], width: int) -> dict[str, Any]:
    """Return what goes in and comes out, as JSON.

    width: bytes of a text; one that is longer is cut, which makes it one that nobody knows
    """
    columns = [
        {"name": column.name, "kind": column.kind} | ({"width": width} if column.kind == "string" else {})
        for column in pipeline.schema.columns
    ]
    target, rule, intervals, sets = pipeline.target, pipeline.decision, pipeline.intervals, pipeline.sets
    return {
        "task": target.task,
        "target": target.name,
        "classes": list(target.classes),
        "columns": columns,
        "decision": None if rule is None else dataclasses.asdict(rule),
        "intervals": None if intervals is None else dataclasses.asdict(intervals),
        "sets": None if sets is None else dataclasses.asdict(sets),
    }


def _example(pipeline: Pipeline[Any], width: int) -> Mapping[str, torch.Tensor]:
    made = {
        "number": lambda: torch.zeros(ROWS, dtype=torch.float64),
        "boolean": lambda: torch.zeros(ROWS, dtype=torch.float64),
        "datetime": lambda: torch.zeros(ROWS, dtype=torch.int64),
        "string": lambda: torch.full((ROWS, width), PAD, dtype=torch.uint8),
    }
    return {column.name: made[column.kind]() for column in pipeline.schema.columns}
