"""Reads a graph that anybody may have written, and refuses what reaches outside, never ends, or fills the memory."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hookline.errors import StoreError
from hookline.packages.door.names import shown

if TYPE_CHECKING:
    import onnx

OWN = frozenset({"", "ai.onnx", "ai.onnx.ml"})
"""Domains of operators that onnxruntime has itself."""
ENDLESS = frozenset({"Loop"})
"""Operators that say themselves how often they go on; no converter that we know writes them."""
FILLING = frozenset({"ConstantOfShape", "Expand", "Tile", "Pad", "Resize", "Range", "OneHot"})
"""Operators that make as much as a constant says."""
RANDOM = frozenset({"RandomNormal", "RandomUniform"})
MOST_FILLED = 2**27
"""Values that a constant may ask for, beside the rows."""
SMALL = 16
"""Numbers of a constant that may be a shape."""


def read_graph(written: bytes, file: Path) -> onnx.ModelProto:
    """Read what a file holds as a graph; raises StoreError where it is damaged, or is none that a package holds."""
    import onnx

    try:
        model = onnx.load_model_from_string(written)
    except Exception as error:  # protobuf's DecodeError has another home in each of its implementations
        raise StoreError(f"{file} is damaged: {error}") from error
    if any(tensor.external_data for tensor in _messages(model, onnx.TensorProto)):
        raise StoreError(f"{file} keeps weights in other files, which a package does not do")
    nodes = list(_messages(model, onnx.NodeProto))
    foreign = ({opset.domain for opset in model.opset_import} | {node.domain for node in nodes}) - OWN
    if foreign:
        raise StoreError(f"{file} needs operators of {shown(sorted(foreign))}, which are not ONNX's own")
    _refuse_bombs(model, nodes, file)
    return model


def _refuse_bombs(model: onnx.ModelProto, nodes: Sequence[onnx.NodeProto], file: Path) -> None:
    shapes = _small_constants(model, nodes)
    for node in nodes:
        if node.op_type in ENDLESS | RANDOM:
            raise StoreError(f"{file} holds the operator {node.op_type}, which a package does not")
        if node.op_type in FILLING and any(shapes.get(name, 0) > MOST_FILLED for name in node.input):
            raise StoreError(f"{file} is damaged: its operator {node.op_type} would fill the memory")


def _small_constants(model: onnx.ModelProto, nodes: Sequence[onnx.NodeProto]) -> Mapping[str, float]:
    """Return the product of the numbers in each constant that may be a shape, by its name."""
    import onnx
    from onnx.numpy_helper import to_array

    held = {tensor.name: tensor for graph in _messages(model, onnx.GraphProto) for tensor in graph.initializer}
    held |= {
        node.output[0]: attribute.t
        for node in nodes
        if node.op_type == "Constant" and node.output
        for attribute in node.attribute
        if attribute.name == "value"
    }
    found = {}
    for name, tensor in held.items():
        if tensor.data_type == onnx.TensorProto.INT64 and math.prod(tensor.dims) <= SMALL:
            found[name] = math.prod(max(abs(float(number)), 1.0) for number in to_array(tensor).ravel().tolist())
    return found


def _messages(message: Any, cls: type[Any]) -> Iterator[Any]:
    """Return every message of a class in a model, those of subgraphs and functions included."""
    import onnx

    if isinstance(message, cls):
        yield message
    if isinstance(message, onnx.TensorProto):
        return
    for field, value in message.ListFields():
        if field.message_type is not None:
            for item in value if field.is_repeated else [value]:
                yield from _messages(item, cls)
