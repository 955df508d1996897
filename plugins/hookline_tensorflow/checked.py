"""Looks at a SavedModel that anybody may have written, before TensorFlow does, and refuses what does more than compute."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Any

from hookline import Trust
from hookline.errors import StoreError, UntrustedPackage
from hookline.packages.door.names import shown

from .harmless import HARMLESS, KEEPING
from .runtime import tensorflow

HINT = "if you know it: hl.load(path, trust=hl.Trust(everything=True))"


def require_harmless(folder: Path, trust: Trust) -> None:
    """Raise UntrustedPackage naming operators that are not known to compute only, StoreError for what is no SavedModel."""
    tensorflow()
    from tensorflow.core.protobuf import saved_model_pb2

    file, model = folder / "saved_model.pb", saved_model_pb2.SavedModel()
    try:
        model.ParseFromString(file.read_bytes())
        (graph,) = model.meta_graphs
    except Exception as error:  # protobuf's DecodeError has another home in each of its implementations
        raise StoreError(f"{file} cannot be read: {error}") from error
    if trust.everything:
        return
    if not graph.HasField("object_graph_def"):
        # TensorFlow would run parts of the graph to load it.
        raise UntrustedPackage(f"{file} is in the form of TensorFlow 1, which runs as it is loaded", hint=HINT)
    bad = [*_foreign(graph), *_reached(graph)]
    if bad:
        raise UntrustedPackage(f"{file} does what is not known to be harmless: {shown(bad)}", hint=HINT)


def _foreign(graph: Any) -> list[str]:
    """Return operators that nobody vouches for."""
    library = graph.graph_def.library.function
    found = {node.op for one in library for node in one.node_def} - KEEPING
    return sorted((found | {node.op for node in graph.graph_def.node}) - HARMLESS)


def _reached(graph: Any) -> list[str]:
    """Return functions that touch files and that an answer could come to, and called ones that are not there."""
    library = graph.graph_def.library.function
    own = {one.signature.name for one in library}
    touching = {one.signature.name for one in library if KEEPING & {node.op for node in one.node_def}}
    called = {name for node in _nodes(graph) for name in _called(node, own)}
    # TensorFlow may put one function in place of another that says to implement the same.
    standing_in = {one.signature.name for one in library if "api_implements" in one.attr}
    tracked = set(graph.object_graph_def.concrete_functions)
    return sorted(touching & (called | tracked | standing_in)) + sorted(called - own)


def _nodes(graph: Any) -> Iterator[Any]:
    """Return the nodes of functions and of the graph, but for the two by which a graph is saved and restored."""
    saver = graph.saver_def
    kept = {saver.save_tensor_name.partition(":")[0], saver.restore_op_name}
    for one in graph.graph_def.library.function:
        yield from one.node_def
    yield from (node for node in graph.graph_def.node if node.name not in kept or node.op != "StatefulPartitionedCall")


def _called(node: Any, own: Collection[str]) -> Iterator[str]:
    """Return names of functions that a node calls: by an attribute, or by being named as one."""
    if node.op in own:
        yield node.op
    yield from _named(node.attr)


def _named(attributes: Mapping[str, Any]) -> Iterator[str]:
    for value in attributes.values():
        for one in [*([value.func] if value.HasField("func") else []), *value.list.func]:
            yield one.name
            yield from _named(one.attr)
