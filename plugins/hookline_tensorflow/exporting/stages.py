"""Says fitted transforms and featurizers in TensorFlow, by what they say of themselves in ONNX."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from hookline import ExportsOnnx, Pipeline
from hookline.errors import ExportError
from hookline.kinds.artifacts import Column

from ..runtime import tensorflow
from .operators import attributes_of, operators, table_of

if TYPE_CHECKING:
    import numpy as np
    import onnx

OTHERS = "choose packager=[pickle], or leave that stage out"


@dataclass(frozen=True)
class Stages:
    """What comes before the model: from raw columns to the design matrix.

    tables: what LabelEncoder looks up, by the name of its output; a module must hold them
    """

    graph: onnx.GraphProto
    inputs: Mapping[str, str]
    """Column -> the graph's input."""
    tables: Mapping[str, Any]

    @classmethod
    def of(cls, pipeline: Pipeline[Any]) -> Stages:
        """Ask each stage; raises ExportError naming the one that ONNX, or TensorFlow, has no words for."""
        graph, inputs = _built(pipeline)
        known = operators()
        foreign = sorted({node.op_type for node in graph.node} - known.keys() - {"LabelEncoder"})
        if foreign:
            told = f"the features cannot be said in TensorFlow: nothing stands for the operators {', '.join(foreign)}"
            raise ExportError(told, hint=OTHERS)
        tables = {node.output[0]: table_of(node) for node in graph.node if node.op_type == "LabelEncoder"}
        return cls(graph, inputs, tables)

    def matrix(self, columns: Mapping[str, Any]) -> Any:
        """Return the design matrix, float32 (n, n_features), of raw columns, (n, 1) each, while a graph is written."""
        from onnx.numpy_helper import to_array

        tf, known = tensorflow(), operators()
        values: dict[str, Any] = {self.inputs[name]: value for name, value in columns.items()}
        values[""] = None
        values |= {tensor.name: tf.constant(to_array(tensor)) for tensor in self.graph.initializer}
        for node in self.graph.node:
            given = [values[name] for name in node.input]
            if node.op_type == "LabelEncoder":
                made = self.tables[node.output[0]].lookup(given[0])
            else:
                made = known[node.op_type](tf, given, attributes_of(node))
            values.update(zip(node.output, made if isinstance(made, list) else [made], strict=False))
        return values[self.graph.output[0].name]


def input_dtype(column: Column) -> type[np.generic]:
    """Return the element type of a raw column's input."""
    import numpy as np

    return {"number": np.float64, "boolean": np.float64, "string": np.str_, "datetime": np.int64}[column.kind]


def _built(pipeline: Pipeline[Any]) -> tuple[onnx.GraphProto, dict[str, str]]:
    import spox

    called = {column.name: f"column {place}" for place, column in enumerate(pipeline.schema.columns)}
    inputs = {
        called[column.name]: spox.argument(spox.Tensor(input_dtype(column), ("N", 1)))
        for column in pipeline.schema.columns
    }
    made: dict[str, Any] = {name: inputs[given] for name, given in called.items()}
    for kind, stages in (("transform", pipeline.transforms), ("featurizer", pipeline.featurizers)):
        for stage in stages:
            if not isinstance(stage.fitted, ExportsOnnx):
                raise ExportError(
                    f"{kind} '{stage.component}' cannot be said in TensorFlow: it has no to_onnx()", hint=OTHERS
                )
            made = stage.fitted.to_onnx(made)
    return spox.build(inputs, {"X": made["X"]}, drop_unused_inputs=True).graph, called
