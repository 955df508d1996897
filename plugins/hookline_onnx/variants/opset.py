"""Says a graph in an older set of operators, so that a runtime of that age loads it."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from hookline.errors import ExportError

if TYPE_CHECKING:
    import onnx

ML_OPSET = 3
"""ai.onnx.ml operator set of a lowered graph, which every runtime here knows."""
STRINGS_EQUAL = 19
"""From which operator set on texts are compared by Equal."""
GELU = 20
"""From which operator set on there is Gelu."""


def lowered(model: onnx.ModelProto, opset: int) -> onnx.ModelProto:
    """Return a graph that a runtime of an operator set loads, with the oldest IR version that goes with the set.

    model: of a later set; it is changed on the way. onnx's own converter does the work, but for what it has no words for:
    texts compared, Gelu, and attributes that were written though they say what is understood anyway.
    Raises ExportError naming the operators that the set has not.
    """
    import onnx.checker
    import onnx.version_converter
    from onnx.helper import find_min_ir_version_for

    _rewrite(model.graph, opset)
    _require_known(model.graph, opset)
    # The converter keeps of a model what belongs to its graph.
    kept = {name: getattr(model, name) for name in ("producer_name", "producer_version")}
    try:
        made = onnx.version_converter.convert_version(model, opset)
        for one in made.opset_import:
            one.version = ML_OPSET if one.domain == "ai.onnx.ml" else one.version
        made.ir_version = find_min_ir_version_for(made.opset_import)
        onnx.checker.check_model(made, full_check=True)
    # The converter's own errors are RuntimeErrors, the checker's two of onnx; each names the operator.
    except (RuntimeError, onnx.checker.ValidationError, onnx.shape_inference.InferenceError) as error:
        raise _not_in(opset, str(error).strip().splitlines()[0]) from error
    for name, value in kept.items():
        setattr(made, name, value)
    return made


def _not_in(opset: int, what: str) -> ExportError:
    return ExportError(
        f"the pipeline cannot be said in ONNX's operator set {opset}: {what}",
        hint="leave target_opset out, or choose packager=[skops] or [pickle]",
    )


def _require_known(graph: onnx.GraphProto, opset: int) -> None:
    """Raise ExportError naming operators that came later."""
    import onnx.defs

    later = set()
    for node in _nodes(graph):
        if node.domain in ("", "ai.onnx"):
            try:
                onnx.defs.get_schema(node.op_type, opset)
            except onnx.defs.SchemaError:
                later.add(node.op_type)
    if later:
        raise _not_in(opset, f"{', '.join(sorted(later))} came later")


def _rewrite(graph: onnx.GraphProto, opset: int) -> None:
    """Say otherwise what onnx's converter does not lower."""
    made = constants_of(graph)
    places = range(len(graph.node) - 1, -1, -1)
    for place in places:
        node = graph.node[place]
        _drop_defaults(node, opset)
        said: list[onnx.NodeProto] = []
        if node.op_type == "Equal" and opset < STRINGS_EQUAL:
            said = _texts_equal(node, made)
        elif node.op_type == "Gelu" and opset < GELU:
            said = _gelu(node)
        if said:
            del graph.node[place]
            for one in reversed(said):
                graph.node.insert(place, one)


def _drop_defaults(node: onnx.NodeProto, opset: int) -> None:
    """Take out attributes that an older operator has not, where they say what it does anyway."""
    import onnx.defs
    from onnx.helper import get_attribute_value

    if node.domain not in ("", "ai.onnx") or not onnx.defs.has(node.op_type):
        return
    try:
        old = onnx.defs.get_schema(node.op_type, opset)
    except onnx.defs.SchemaError:
        return
    new = onnx.defs.get_schema(node.op_type).attributes
    for attribute in [one for one in node.attribute if one.name not in old.attributes and one.name in new]:
        usual = new[attribute.name].default_value
        if usual.name and get_attribute_value(usual) == get_attribute_value(attribute):
            node.attribute.remove(attribute)


def _texts_equal(node: onnx.NodeProto, constants: Mapping[str, onnx.TensorProto]) -> list[onnx.NodeProto]:
    """Return nodes that compare texts with a constant one, by looking them up; none where no text is compared."""
    import onnx
    from onnx.helper import make_node

    for name, other in (tuple(node.input), tuple(reversed(node.input))):
        tensor = constants.get(name)
        if tensor is None or tensor.data_type != onnx.TensorProto.STRING or math.prod(tensor.dims) != 1:
            continue
        found = f"{node.output[0]} found"
        table = {"keys_strings": [tensor.string_data[0]], "values_int64s": [1], "default_int64": 0}
        return [
            make_node("LabelEncoder", [other], [found], domain="ai.onnx.ml", **table),
            make_node("Cast", [found], [node.output[0]], to=onnx.TensorProto.BOOL),
        ]
    return []


def _gelu(node: onnx.NodeProto) -> list[onnx.NodeProto]:
    """Return nodes that compute x * (1 + erf(x / sqrt(2))) / 2, as Gelu is defined; none for its approximation."""
    import onnx
    from onnx.helper import make_node, make_tensor

    if any(attribute.name == "approximate" and attribute.s != b"none" for attribute in node.attribute):
        return []
    name = node.output[0]
    numbers = {"root": math.sqrt(0.5), "one": 1.0, "half": 0.5}
    constants = [
        make_node("Constant", [], [f"{name} {one}"], value=make_tensor("", onnx.TensorProto.FLOAT, [], [number]))
        for one, number in numbers.items()
    ]
    return [
        *constants,
        make_node("Mul", [node.input[0], f"{name} root"], [f"{name} scaled"]),
        make_node("Erf", [f"{name} scaled"], [f"{name} erf"]),
        make_node("Add", [f"{name} erf", f"{name} one"], [f"{name} above"]),
        make_node("Mul", [node.input[0], f"{name} above"], [f"{name} twice"]),
        make_node("Mul", [f"{name} twice", f"{name} half"], [name]),
    ]


def constants_of(graph: onnx.GraphProto) -> dict[str, onnx.TensorProto]:
    """Return the tensors that a graph holds, by name."""
    found = {tensor.name: tensor for tensor in graph.initializer}
    for node in graph.node:
        if node.op_type == "Constant" and node.attribute[0].name == "value":
            found[node.output[0]] = node.attribute[0].t
    return found


def _nodes(graph: onnx.GraphProto) -> Iterator[onnx.NodeProto]:
    """Yield every node, also those inside the graphs that nodes may run."""
    for node in graph.node:
        yield node
        for attribute in node.attribute:
            for inner in [attribute.g, *attribute.graphs]:
                yield from _nodes(inner)
