"""Holds the weights of a graph's layers in 8 bits, a scale for each output."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hookline.errors import ExportError

from ..runtime import onnxruntime
from .opset import constants_of

if TYPE_CHECKING:
    import onnx


def quantize(graph: onnx.GraphProto, model: str) -> None:
    """Put 8-bit weights and what makes float32 of them in the place of each matrix that a layer multiplies by.

    Weights alone, symmetric: a scale for what flows between layers would be one for all rows of a call, and the answer of a
    row would hang on which others are asked with it. onnxruntime's own functions do the rounding.
    model: its name, for the ExportError that says that there is nothing to quantize
    """
    constants, layers = constants_of(graph), _layers(graph)
    found = {name: axis for name, axis in layers.items() if name in constants and _is_matrix(constants[name])}
    if not found:
        raise ExportError(
            f"the graph of {model} multiplies by no matrix of weights, so there is nothing to quantize",
            hint="choose packager=[onnx]",
        )
    for name, axis in found.items():
        _put(graph, name, constants[name], axis)


def _layers(graph: onnx.GraphProto) -> dict[str, int]:
    """Return what layers multiply by -> the axis along which its outputs lie."""
    found = {}
    for node in graph.node:
        if node.op_type == "MatMul":
            found[node.input[1]] = 1
        elif node.op_type == "Gemm":
            turned = any(attribute.name == "transB" and attribute.i for attribute in node.attribute)
            found[node.input[1]] = 0 if turned else 1
    return found


def _is_matrix(tensor: onnx.TensorProto) -> bool:
    import onnx

    return tensor.data_type == onnx.TensorProto.FLOAT and len(tensor.dims) == 2


def _put(graph: onnx.GraphProto, name: str, tensor: onnx.TensorProto, axis: int) -> None:
    import numpy as np
    from onnx import TensorProto
    from onnx.helper import make_node
    from onnx.numpy_helper import from_array, to_array

    onnxruntime()
    from onnxruntime.quantization.quant_utils import compute_data_quant_params, quantize_onnx_initializer

    weights, kind = to_array(tensor), TensorProto.INT8
    pairs = [compute_data_quant_params(row, kind, True) for row in np.moveaxis(weights, axis, 0)]
    zeros, scales = (np.array([one[place] for one in pairs]).ravel() for place in (0, 1))
    scales = scales.astype(np.float32)
    # By its name, since some graphs name theirs by nothing.
    tensor.name = name
    small = quantize_onnx_initializer(tensor, kind, zeros.astype(np.int8), scales, axis, f"{name} small")
    _drop(graph, name)
    said = [
        make_node("Constant", [], [f"{name} small"], value=small),
        make_node("Constant", [], [f"{name} scales"], value=from_array(scales)),
        make_node("DequantizeLinear", [f"{name} small", f"{name} scales"], [name], axis=axis),
    ]
    for node in reversed(said):
        graph.node.insert(0, node)


def _drop(graph: onnx.GraphProto, name: str) -> None:
    """Take out a constant."""
    for held in [tensor for tensor in graph.initializer if tensor.name == name]:
        graph.initializer.remove(held)
    for node in [node for node in graph.node if name in node.output]:
        graph.node.remove(node)
