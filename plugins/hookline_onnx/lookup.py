"""Works out beforehand what a graph makes of each text that it knows, so that a request's texts need only be looked up."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from .fold import reads

if TYPE_CHECKING:
    import numpy as np
    import onnx

ROW_BY_ROW = frozenset({"LabelEncoder", "Equal", "Where", "Cast", "Not", "And", "Or"})
"""Operators that make something of each row alone, and of each text that they do not name the same."""
MOST_BYTES = 16 * 1024**2
"""Largest table that is kept."""


class Becomes(dict[str | None, bytes]):
    """What becomes of each text, None for a missing one: a row of an array, as bytes; all other texts become `other`."""

    other: bytes

    @classmethod
    def of(cls, texts: Sequence[str], table: np.ndarray) -> Becomes:
        """Return it for texts, the last of which stands for all others; table: (n_texts, width)."""
        *known, other = [row.tobytes() for row in table]
        made = cls(zip(texts, known, strict=False))
        made.other, made[None] = other, made[""]
        return made

    def __missing__(self, text: str | None) -> bytes:
        return self.other


@dataclass(frozen=True)
class Lookup:
    """One input of a graph that a text column fills."""

    name: str
    column: str
    dtype: np.dtype[Any]
    width: int
    becomes: Becomes


@dataclass(frozen=True)
class Branch:
    """The part of a graph that reads one column of texts and nothing else."""

    column: str
    nodes: Sequence[onnx.NodeProto]
    ends: Sequence[str]
    """What the rest of the graph reads of it."""
    texts: Sequence[str]
    """Those that it tells from each other, and last one that stands for all others."""


def look_up(model: onnx.ModelProto, columns: Sequence[str]) -> list[Lookup]:
    """Put inputs in the place of what a graph makes of each text column alone, and return how they are filled.

    A column of which a graph makes something else stays as it is.
    """
    import onnx.helper

    graph = model.graph
    fixed = _constants(graph)
    found: list[Lookup] = []
    for column in columns:
        branch = _branch(graph, column, fixed)
        tables = [] if branch is None else _run(model, branch, fixed)
        if branch is None or not all(_can_be_kept(table, branch) for table in tables):
            continue
        for node in branch.nodes:
            graph.node.remove(node)
        graph.input.remove(next(one for one in graph.input if one.name == column))
        for end, table in zip(branch.ends, tables, strict=True):
            kind = onnx.helper.np_dtype_to_tensor_dtype(table.dtype)
            graph.input.append(onnx.helper.make_tensor_value_info(end, kind, ["N", table.shape[1]]))
            found.append(Lookup(end, column, table.dtype, table.shape[1], Becomes.of(branch.texts, table)))
    return found


def _constants(graph: onnx.GraphProto) -> dict[str, onnx.TensorProto]:
    """Return the tensors that a graph holds, by name."""
    named = {tensor.name: tensor for tensor in graph.initializer}
    for node in graph.node:
        if node.op_type == "Constant" and node.attribute[0].name == "value":
            named[node.output[0]] = node.attribute[0].t
    return named


def _branch(graph: onnx.GraphProto, column: str, fixed: Mapping[str, onnx.TensorProto]) -> Branch | None:
    """Return a column's branch, None where something beyond reads the texts themselves."""
    own, nodes, ends = {column}, [], []
    for node in graph.node:
        read = [*reads(node)]
        if node.op_type in ROW_BY_ROW and own.intersection(read) and own.union(fixed).issuperset(read):
            own.update(node.output)
            nodes.append(node)
        else:
            ends += [name for name in read if name in own and name not in ends]
    ends += [output.name for output in graph.output if output.name in own]
    if column in ends or not ends:
        return None
    texts = {"", *(text for node in nodes for text in _texts(node, fixed))}
    other = "\0"
    while other in texts:
        other += "\0"
    return Branch(column, nodes, ends, [*sorted(texts), other])


def _texts(node: onnx.NodeProto, fixed: Mapping[str, onnx.TensorProto]) -> Iterator[str]:
    """Yield every text that a node names."""
    tensors = [fixed[name] for name in node.input if name in fixed]
    for attribute in node.attribute:
        tensors.append(attribute.t)
        yield from (text.decode() for text in attribute.strings)
    for tensor in tensors:
        yield from (text.decode() for text in tensor.string_data)


def _run(model: onnx.ModelProto, branch: Branch, fixed: Mapping[str, onnx.TensorProto]) -> list[np.ndarray]:
    """Return what becomes of a branch's texts: an array for each end."""
    import numpy as np
    import onnx.helper

    from .runtime import onnxruntime

    held = {name: fixed[name] for node in branch.nodes for name in node.input if name in fixed}
    constants = [onnx.helper.make_node("Constant", [], [name], value=tensor) for name, tensor in held.items()]
    given = onnx.helper.make_tensor_value_info(branch.column, onnx.TensorProto.STRING, ["N", 1])
    ends = [onnx.helper.make_empty_tensor_value_info(end) for end in branch.ends]
    part = onnx.ModelProto(ir_version=model.ir_version, opset_import=model.opset_import)
    part.graph.CopyFrom(onnx.helper.make_graph([*constants, *branch.nodes], "branch", [given], ends))
    runtime = onnxruntime()
    options = runtime.SessionOptions()
    options.log_severity_level, options.intra_op_num_threads = 3, 1
    session = runtime.InferenceSession(part.SerializeToString(), options, providers=["CPUExecutionProvider"])
    answers = session.run(None, {branch.column: np.array(branch.texts, dtype=object).reshape(-1, 1)})
    return [np.asarray(answer) for answer in answers]


def _can_be_kept(table: np.ndarray, branch: Branch) -> bool:
    rows = (len(branch.texts),)
    return table.dtype != object and table.ndim == 2 and table.shape[:1] == rows and table.nbytes <= MOST_BYTES
