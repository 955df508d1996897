"""Says the same graph with fewer nodes, which a request of a few rows feels."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import onnx

TABLES = {
    "values_int64s": ("ints", "default_int64", "i"),
    "values_floats": ("floats", "default_float", "f"),
    "values_strings": ("strings", "default_string", "s"),
}
"""Attribute of LabelEncoder that holds values -> its field, the attribute of the default value, and that one's field."""


def fold(graph: onnx.GraphProto) -> None:
    """Look texts up at once rather than after filling missing ones, and leave columns together that were parted and joined.

    LabelEncoder(Where(Equal(x, ""), text, x)) becomes LabelEncoder(x) with an entry for "": the value of that text.
    Concat(Split(x)) becomes x.
    """
    made = {output: node for node in graph.node for output in node.output}
    whole: dict[str, str] = {}
    for node in graph.node:
        if node.op_type == "LabelEncoder":
            _look_up_missing(node, made)
        elif node.op_type == "Concat" and (parted := _parted(node, made)):
            whole[node.output[0]] = parted
        for place, name in enumerate(node.input):
            node.input[place] = whole.get(name, name)
    _drop_unused(graph)


def _look_up_missing(node: onnx.NodeProto, made: Mapping[str, onnx.NodeProto]) -> None:
    fill = _fill(made.get(node.input[0]), made)
    keys = _attribute(node, "keys_strings")
    if fill is None or keys is None:
        return
    column, text = fill
    for name, (field, default_name, default_field) in TABLES.items():
        values, default = _attribute(node, name), _attribute(node, default_name)
        if values is None or default is None:
            continue
        table = dict(zip(keys.strings, getattr(values, field), strict=True))
        table[b""] = table.get(text, getattr(default, default_field))
        for attribute, held, new in ((keys, "strings", table.keys()), (values, field, table.values())):
            attribute.ClearField(held)
            getattr(attribute, held).extend(new)
        node.input[0] = column


def _fill(node: onnx.NodeProto | None, made: Mapping[str, onnx.NodeProto]) -> tuple[str, bytes] | None:
    """Return column and text where a node puts a constant text into the missing places of a column."""
    if node is None or node.op_type != "Where":
        return None
    absent, text, column = node.input
    test = made.get(absent)
    if test is None or test.op_type != "Equal" or test.input[0] != column or _text(made.get(test.input[1])) != b"":
        return None
    value = _text(made.get(text))
    return None if value is None else (column, value)


def _text(node: onnx.NodeProto | None) -> bytes | None:
    """Return the only text of a constant."""
    value = _attribute(node, "value") if node is not None and node.op_type == "Constant" else None
    return value.t.string_data[0] if value is not None and len(value.t.string_data) == 1 else None


def _parted(node: onnx.NodeProto, made: Mapping[str, onnx.NodeProto]) -> str | None:
    """Return what was parted into just the columns that a node joins."""
    split = made.get(node.input[0])
    if split is None or split.op_type != "Split" or list(split.output) != list(node.input):
        return None
    axes = [_attribute(one, "axis") for one in (split, node)]
    return split.input[0] if [axis.i if axis else 0 for axis in axes] == [1, 1] else None


def _attribute(node: onnx.NodeProto, name: str) -> onnx.AttributeProto | None:
    return next((attribute for attribute in node.attribute if attribute.name == name), None)


def _drop_unused(graph: onnx.GraphProto) -> None:
    """Take out nodes whose outputs nothing reads."""
    read = {output.name for output in graph.output}
    for place in reversed(range(len(graph.node))):
        node = graph.node[place]
        if read.intersection(node.output):
            read.update(reads(node))
        else:
            del graph.node[place]


def reads(node: onnx.NodeProto) -> Iterator[str]:
    """Return what a node reads, also inside the graphs that it may run."""
    yield from node.input
    for attribute in node.attribute:
        for inner in [attribute.g, *attribute.graphs]:
            for part in inner.node:
                yield from reads(part)
            yield from (output.name for output in inner.output)
