"""Gives the inputs of a graph the columns' names, which may be any, also one that a value inside the graph has already."""

from __future__ import annotations

from collections.abc import Container, Iterator, Mapping

import onnx


def beside(name: str, taken: Container[str], ending: str) -> str:
    """Return a name with an ending as often as it takes to be none of those that are taken."""
    while name in taken:
        name += ending
    return name


def call_inputs(graph: onnx.GraphProto, columns: Mapping[str, str]) -> None:
    """Rename inputs, and what inside the graph is called as one of their new names.

    columns: input -> its new name, no output's
    """
    new, values = set(columns.values()), set(_values(graph))
    inner = {name: beside(name, new | values, "_") for name in new & values}
    _rename(graph, inner | dict(columns))


def _values(graph: onnx.GraphProto) -> Iterator[str]:
    """Yield the name of each value that a graph makes or holds, also inside the graphs that its nodes may run."""
    yield from (tensor.name for tensor in graph.initializer)
    for node in graph.node:
        yield from node.output
        for inner in _inside(node):
            yield from (given.name for given in inner.input)
            yield from _values(inner)


def _rename(graph: onnx.GraphProto, names: Mapping[str, str]) -> None:
    for named in (*graph.input, *graph.output, *graph.initializer, *graph.value_info):
        named.name = names.get(named.name, named.name)
    for node in graph.node:
        for place, name in enumerate(node.input):
            node.input[place] = names.get(name, name)
        for place, name in enumerate(node.output):
            node.output[place] = names.get(name, name)
        for inner in _inside(node):
            _rename(inner, names)


def _inside(node: onnx.NodeProto) -> Iterator[onnx.GraphProto]:
    """Yield the graphs that a node may run."""
    for attribute in node.attribute:
        if attribute.type == onnx.AttributeProto.GRAPH:
            yield attribute.g
        yield from attribute.graphs
