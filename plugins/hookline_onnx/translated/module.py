"""The module that a graph becomes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import onnx.numpy_helper
import torch
from torch import nn

from hookline.errors import ExportError

from .answers import texts
from .nodes import Node, Operator, Text
from .operators import MAKERS


class GraphModule(nn.Module):
    """Raw columns in, answers out, each by its name, as the graph has it.

    Columns are (n,): float64 numbers with NaN for missing, int64 microseconds since 1970 UTC with the smallest int64 for
    missing; a text is uint8 (n, width), its UTF-8 with 255 behind it, and nothing before that where it is missing.
    """

    def __init__(self, model: onnx.ModelProto, outputs: Sequence[str]) -> None:
        super().__init__()
        graph = model.graph
        constants = _constants(graph)
        self.width = 1 + max((len(text.encode()) for text in _texts(graph, constants)), default=7)
        self.textual = {one.name for one in graph.input if one.type.tensor_type.elem_type == onnx.TensorProto.STRING}
        self.outputs = dict(zip(outputs, (output.name for output in graph.output), strict=False))
        self.steps: list[tuple[Operator, list[str], list[str]]] = []
        self.parts = nn.ModuleList()
        self.held: dict[str, str] = {}
        for place, (name, array) in enumerate(constants.items()):
            self.held[name] = f"constant_{place}"
            tensor = texts(list(array.ravel()), self.width).reshape(*array.shape, -1) if _is_text(array) else array
            self.register_buffer(self.held[name], torch.from_numpy(np.array(tensor)))
        self.texts = {name for name, array in constants.items() if _is_text(array)}
        for node in graph.node:
            if node.op_type != "Constant":
                self.steps.append((self._operator(Node.of(node, constants, self.width)), [*node.input], [*node.output]))

    def _operator(self, node: Node) -> Operator:
        make: Callable[[Node], Operator] | None = MAKERS.get(node.kind)
        if make is None:
            raise node.unsaid()
        operator = make(node)
        if isinstance(operator, nn.Module):
            self.parts.append(operator)
        return operator

    def forward(self, columns: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
        """Return the answers."""
        values: dict[str, Any] = {"": None}
        for name, buffer in self.held.items():
            constant = getattr(self, buffer)
            values[name] = Text(constant) if name in self.texts else constant
        for name, column in columns.items():
            values[name] = Text(column[:, None, :]) if name in self.textual else column[:, None]
        for operator, inputs, outputs in self.steps:
            made = operator(*(values[name] for name in inputs))
            values.update(zip(outputs, made if type(made) is tuple else (made,), strict=False))
        return {name: values[made] for name, made in self.outputs.items()}


def _is_text(array: np.ndarray) -> bool:
    return array.dtype.kind in "OUS"


def _constants(graph: onnx.GraphProto) -> dict[str, np.ndarray]:
    """Return what a graph holds, by name; texts are objects."""
    tensors = {tensor.name: tensor for tensor in graph.initializer}
    for node in graph.node:
        if node.op_type == "Constant":
            tensors[node.output[0]] = _tensor(node)
    return {name: _array(tensor) for name, tensor in tensors.items()}


def _tensor(node: onnx.NodeProto) -> onnx.TensorProto:
    attribute = node.attribute[0]
    if attribute.name == "value":
        return attribute.t
    value: Any = onnx.helper.get_attribute_value(attribute)
    if attribute.name in ("value_string", "value_strings"):
        return onnx.numpy_helper.from_array(np.array(value, dtype=object))
    dtype = np.int64 if attribute.name.startswith("value_int") else np.float32
    return onnx.numpy_helper.from_array(np.array(value, dtype=dtype))


def _array(tensor: onnx.TensorProto) -> np.ndarray:
    array: np.ndarray = onnx.numpy_helper.to_array(tensor)
    if not _is_text(array):
        return array
    texts = [one.decode() if isinstance(one, bytes) else str(one) for one in array.ravel()]
    return np.array([*texts, None], dtype=object)[:-1].reshape(array.shape)


def _texts(graph: onnx.GraphProto, constants: Mapping[str, np.ndarray]) -> list[str]:
    """Return every text that a graph names."""
    named = [text for array in constants.values() if _is_text(array) for text in array.ravel()]
    for node in graph.node:
        for attribute in node.attribute:
            if attribute.name in ("keys_strings", "values_strings", "default_string"):
                held = attribute.strings or [attribute.s]
                named += [text.decode() for text in held]
            elif attribute.name in ("keys_tensor", "values_tensor"):
                array = _array(attribute.t)
                named += list(array.ravel()) if _is_text(array) else []
    return named


def translated(model: onnx.ModelProto, outputs: Sequence[str]) -> GraphModule:
    """Return the module of a graph; raises ExportError naming the operator that PyTorch has no word for.

    outputs: how its answers are called, in their order
    """
    foreign = {node.domain for node in model.graph.node} - {"", "ai.onnx", "ai.onnx.ml"}
    if foreign:
        raise ExportError(
            f"the pipeline cannot be said in PyTorch: its graph has operators of {', '.join(sorted(foreign))}",
            hint="choose packager=[onnx] or [pickle]; [skops] where the model is scikit-learn's",
        )
    return GraphModule(model, outputs).eval()
