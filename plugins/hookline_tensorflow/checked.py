"""Looks at a SavedModel that anybody may have written, before TensorFlow does, and refuses what does more than compute."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any

from hookline import Trust
from hookline.errors import StoreError, UntrustedPackage
from hookline.packages.door.names import shown

from .runtime import tensorflow

KEEPING = frozenset({"MergeV2Checkpoints", "RestoreV2", "SaveV2", "ShardedFilename"})
"""Operators that touch files, which TensorFlow puts into functions of each SavedModel that nothing calls after loading."""
TABLES = frozenset({"HashTableV2", "LookupTableFindV2", "LookupTableImportV2", "LookupTableSizeV2"})
STATEFUL = TABLES | frozenset({"Assert", "PartitionedCall", "StatefulPartitionedCall", "Placeholder", "While", "If"})
"""Operators with a state, or that call functions, that do no more than compute."""
REACHING = frozenset(
    {"ReadFile", "MatchingFiles", "DecodeProtoV2", "EncodeProto", "FileSystemSetConfiguration", "LoadLibrary"}
)
"""Operators without a state that reach outside."""


def require_harmless(folder: Path, trust: Trust) -> None:
    """Raise UntrustedPackage naming operators that do more than compute, StoreError for what is no SavedModel."""
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
    functions = list(graph.graph_def.library.function)
    keeping = {one.signature.name for one in functions if KEEPING & {node.op for node in one.node_def}}
    called = {name for one in functions for node in one.node_def for name in _called(node)}
    tracked = set(graph.object_graph_def.concrete_functions)
    found = {node.op for node in graph.graph_def.node}
    for one in functions:
        found |= {node.op for node in one.node_def}
    own = {one.signature.name for one in functions}
    bad = _foreign(found - own - KEEPING)
    # What saves and restores may be there, as long as nothing that answers can come to it.
    bad += sorted(keeping & (called | tracked)) or sorted(KEEPING & {node.op for node in graph.graph_def.node})
    if bad:
        raise UntrustedPackage(
            f"{file} does more than compute: {shown(bad)}",
            hint="if you know it: hl.load(path, trust=hl.Trust(everything=True))",
        )


def _foreign(found: Collection[str]) -> list[str]:
    """Return operators that are not TensorFlow's, or have a state that is not known to be harmless."""
    from tensorflow.python.framework import op_def_registry

    definitions = {name: op_def_registry.get(name) for name in found}
    return sorted(
        name
        for name, definition in definitions.items()
        if definition is None or name in REACHING or (definition.is_stateful and name not in STATEFUL)
    )


def _called(node: Any) -> Iterator[str]:
    for value in node.attr.values():
        if value.HasField("func"):
            yield value.func.name
        yield from (one.name for one in value.list.func)
