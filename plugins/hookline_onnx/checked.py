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
FILLING = {
    "ConstantOfShape": (0,),
    "Expand": (1,),
    "Tile": (1,),
    "Pad": (1,),
    "Resize": (2, 3),
    "Range": (0, 1, 2),
    "OneHot": (1,),
}
"""Operators that make as much as some of their inputs say -> the places of these inputs."""
MEASURING = frozenset({"Shape", "Size"})
"""Operators that say how much there is already."""
TOGETHER = frozenset({"Concat", "Mul", "Max", "Min"})
ALONE = frozenset({"Cast", "Identity", "ReduceMax", "ReduceProd", "Reshape", "Slice", "Squeeze", "Unsqueeze"})
"""Operators by which a graph may work out how much to make: they say no more than what they are given, multiplied."""
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
    sizes = _sizes(model, nodes)
    for node in nodes:
        if node.op_type in ENDLESS | RANDOM:
            raise StoreError(f"{file} holds the operator {node.op_type}, which a package does not")
        asked = [node.input[place] for place in FILLING.get(node.op_type, ()) if place < len(node.input)]
        # What no constant and no size of the rows says may be anything.
        if math.prod(sizes.get(name, math.inf) for name in asked) > MOST_FILLED:
            raise StoreError(f"{file} is damaged: its operator {node.op_type} would fill the memory")


def _sizes(model: onnx.ModelProto, nodes: Sequence[onnx.NodeProto]) -> Mapping[str, float]:
    """Return how much each value of a graph may ask for, beside the rows, where that is known."""
    import onnx

    found, made = {"": 1.0}, {"": 1.0}
    for graph in _messages(model, onnx.GraphProto):
        found |= {tensor.name: _product(tensor) for tensor in graph.initializer}
    for node in nodes:
        if node.op_type == "Constant":
            size = math.prod(map(_said, node.attribute))
        else:
            size = _worked_out(node, [found.get(name, math.inf) for name in node.input], made)
        most = max([made.get(name, 1.0) for name in node.input], default=1.0)
        if node.op_type in FILLING:
            most *= math.prod(found.get(node.input[p], math.inf) for p in FILLING[node.op_type] if p < len(node.input))
        made |= {name: max(most, made.get(name, 1.0)) for name in node.output if name}
        # A name that is given twice, as in two subgraphs, stands for the larger.
        found |= {name: max(size, found.get(name, 1.0)) for name in node.output if name}
    return found


def _worked_out(node: onnx.NodeProto, given: Sequence[float], made: Mapping[str, float]) -> float:
    """Return how much the outputs of a node may ask for.

    given: how much its inputs may; made: by how much values were made larger than the rows
    """
    if node.op_type in MEASURING:
        return max([made.get(name, 1.0) for name in node.input], default=math.inf)
    if node.op_type in TOGETHER:
        return math.prod(given)
    if node.op_type in ("Add", "Sub"):
        return sum(given)
    if node.op_type in ALONE:
        return given[0] if given else math.inf
    # What is taken from a value may be taken many times.
    return 1.0 if node.op_type == "Gather" and given[:1] == [1.0] else math.inf


def _said(attribute: onnx.AttributeProto) -> float:
    """Return how much the attribute of a constant may ask for."""
    if attribute.name == "value":
        return _product(attribute.t)
    numbers = {
        "value_int": [attribute.i],
        "value_ints": attribute.ints,
        "value_float": [attribute.f],
        "value_floats": attribute.floats,
    }
    return math.prod(map(_factor, numbers[attribute.name])) if attribute.name in numbers else math.inf


def _product(tensor: onnx.TensorProto) -> float:
    """Return the product of the numbers of a tensor that may be a shape; infinity for one that is none."""
    from onnx.numpy_helper import to_array

    if math.prod(tensor.dims) > SMALL:
        return math.inf
    numbers = to_array(tensor)
    return math.prod(map(_factor, numbers.ravel().tolist())) if numbers.dtype.kind in "iuf" else math.inf


def _factor(number: float) -> float:
    """Return by how much a number may multiply another."""
    return max(abs(float(number)), 1.0)


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
