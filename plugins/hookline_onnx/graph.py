"""Builds one ONNX graph out of a pipeline's parts."""

from __future__ import annotations

import dataclasses
import json
from typing import TYPE_CHECKING, Any

from hookline import ExportsOnnx, Pipeline, SklearnModel
from hookline.errors import ExportError
from hookline.kinds.artifacts import Column

if TYPE_CHECKING:
    import numpy as np
    import onnx

OPSET = 21
"""ai.onnx operator set of the graph, supported by onnxruntime since 1.20."""


def build_graph(pipeline: Pipeline[Any], *, named: bool = True) -> onnx.ModelProto:
    """Return the graph of a whole pipeline; raises ExportError naming the part that cannot be said.

    named: whether `label` is the class itself rather than its place among the target's classes
    """
    import spox

    from .estimators.estimator import put_in_trees
    from .fold import fold
    from .naming import beside, call_inputs
    from .runtime import onnxruntime

    # spox imports it too, as soon as it can work out a value.
    onnxruntime()
    # spox makes names such as `Cast_0_output`, which a column may have; it makes none with a blank.
    names = {f"column {place}": name for place, name in enumerate(pipeline.schema.names)}
    kinds = [spox.Tensor(input_dtype(column), ("N", 1)) for column in pipeline.schema.columns]
    inputs = {called: spox.argument(kind) for called, kind in zip(names, kinds, strict=True)}
    columns: dict[str, Any] = dict(zip(names.values(), inputs.values(), strict=True))
    for stage in pipeline.transforms:
        columns = _exporter(stage.fitted, f"transform '{stage.component}'").to_onnx(columns)
    made = columns
    for stage in pipeline.featurizers:
        made = _exporter(stage.fitted, f"featurizer '{stage.component}'").to_onnx(made)
    outputs = _finish(_model(pipeline.model, made["X"], pipeline), pipeline, named=named)
    graph = spox.build(
        inputs, {beside(name, pipeline.schema.names, "_out"): output for name, output in outputs.items()}
    )
    call_inputs(graph.graph, names)
    fold(graph.graph)
    if isinstance(pipeline.model, SklearnModel):
        put_in_trees(graph.graph, pipeline.model)
    _describe(graph, pipeline)
    return graph


def input_dtype(column: Column) -> type[np.generic]:
    """Return the element type of a raw column's input."""
    import numpy as np

    return {"number": np.float64, "boolean": np.float64, "string": np.str_, "datetime": np.int64}[column.kind]


def _exporter(part: Any, name: str) -> ExportsOnnx:
    if not isinstance(part, ExportsOnnx):
        raise ExportError(
            f"{name} cannot be said in ONNX: it has no to_onnx()",
            hint="choose another packager, such as skops or pickle",
        )
    return part


def _model(model: Any, matrix: Any, pipeline: Pipeline[Any]) -> dict[str, Any]:
    if isinstance(model, ExportsOnnx):
        return model.to_onnx({"X": matrix})
    if isinstance(model, SklearnModel):
        from .estimators.estimator import sklearn_outputs

        return sklearn_outputs(model, matrix, len(pipeline.feature_names), pipeline.target)
    raise ExportError(
        f"{type(model).__name__} cannot be said in ONNX: it has no to_onnx()", hint="choose packager=[pickle]"
    )


def _finish(outputs: dict[str, Any], pipeline: Pipeline[Any], *, named: bool) -> dict[str, Any]:
    """Turn class codes, or what the rule decides, into the target's own labels where they are to be named."""
    import numpy as np
    import spox.opset.ai.onnx.ml.v5 as ml
    import spox.opset.ai.onnx.v21 as op

    from .deciding import bounds, decided, in_sets

    target, rule = pipeline.target, pipeline.decision
    if target.task == "regression":
        value = op.reshape(outputs["value"], op.const(np.array([-1], dtype=np.int64)))
        return {"value": value} | ({} if pipeline.intervals is None else bounds(value, outputs, pipeline.intervals))
    label = outputs["label"] if rule is None else decided(outputs["probabilities"], rule)
    codes = op.reshape(label, op.const(np.array([-1], dtype=np.int64)))
    beside = {"probabilities": outputs["probabilities"]}
    if pipeline.sets is not None:
        beside["set"] = in_sets(outputs["probabilities"], pipeline.sets)
    if not named:
        return {"label": codes, **beside}
    if all(isinstance(label, str) for label in target.classes):
        names = [str(label) for label in target.classes]
        label = ml.label_encoder(codes, keys_int64s=list(range(len(names))), values_strings=names, default_string="")
    elif all(isinstance(label, int) for label in target.classes):
        label = op.gather(op.const(np.array([int(label) for label in target.classes], dtype=np.int64)), codes, axis=0)
    else:
        label = op.gather(op.const(np.array(target.classes, dtype=np.float64)), codes, axis=0)
    return {"label": label, **beside}


def _describe(graph: onnx.ModelProto, pipeline: Pipeline[Any]) -> None:
    import hookline

    graph.producer_name = "hookline"
    graph.producer_version = hookline.__version__
    facts = {
        "task": pipeline.target.task,
        "target": pipeline.target.name,
        "classes": json.dumps(list(pipeline.target.classes)),
    }
    rules = {"decision": pipeline.decision, "intervals": pipeline.intervals, "sets": pipeline.sets}
    facts |= {name: json.dumps(dataclasses.asdict(rule)) for name, rule in rules.items() if rule is not None}
    for key, value in facts.items():
        entry = graph.metadata_props.add()
        entry.key, entry.value = f"hookline.{key}", value
