"""Writes a forest of scikit-learn as one node, straight from the arrays of its trees: skl2onnx goes node by node, in Python."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import onnx

if TYPE_CHECKING:
    import numpy as np

FORESTS = ("RandomForestClassifier", "RandomForestRegressor", "ExtraTreesClassifier", "ExtraTreesRegressor")
DOMAIN = "ai.onnx.ml"
LEAF, BRANCH = b"LEAF", b"BRANCH_LEQ"


def is_forest(estimator: Any) -> bool:
    """Tell whether an estimator is one of scikit-learn's own forests, of one output."""
    own = type(estimator).__module__ == "sklearn.ensemble._forest" and type(estimator).__name__ in FORESTS
    return own and estimator.n_outputs_ == 1


def stub(estimator: Any, width: int, opset: int) -> onnx.ModelProto:
    """Return a forest's graph with a single leaf in place of its trees, which `fill` puts in once the whole graph stands.

    What a graph goes through until then copies it several times. Outputs as skl2onnx has them.
    """
    import onnx.helper as make

    outputs: dict[str, Any] = {"variable": (onnx.TensorProto.FLOAT, ["N", 1])}
    if hasattr(estimator, "classes_"):
        chances = (onnx.TensorProto.FLOAT, ["N", len(estimator.classes_)])
        outputs = {"label": (onnx.TensorProto.INT64, ["N"]), "probabilities": chances}
    node = make.make_node(_op(estimator), ["X"], list(outputs), domain=DOMAIN)
    _write(node, estimator, [])
    next(given for given in node.attribute if given.name == "nodes_values").floats[0] = _mark(estimator)
    given = [make.make_tensor_value_info("X", onnx.TensorProto.FLOAT, ["N", width])]
    made = [make.make_tensor_value_info(name, *kind) for name, kind in outputs.items()]
    graph = make.make_graph([node], "forest", given, made)
    return make.make_model(graph, opset_imports=[make.make_opsetid("", 21), make.make_opsetid(DOMAIN, opset)])


def fill(graph: onnx.GraphProto, estimator: Any) -> None:
    """Put a forest's trees in the place of the leaf that `stub` left."""
    node = next(node for node in graph.node if node.op_type == _op(estimator) and _is_stub_of(node, estimator))
    node.ClearField("attribute")
    _write(node, estimator, [member.tree_ for member in estimator.estimators_])


def _is_stub_of(node: onnx.NodeProto, estimator: Any) -> bool:
    values = next(given.floats for given in node.attribute if given.name == "nodes_values")
    return list(values) == [_mark(estimator)]


def _mark(estimator: Any) -> float:
    """Return a number that float32 holds, by which the stub of one forest is told from those of others."""
    return float((id(estimator) >> 4) % 2**24)


def _op(estimator: Any) -> str:
    return "TreeEnsembleClassifier" if hasattr(estimator, "classes_") else "TreeEnsembleRegressor"


def _write(node: onnx.NodeProto, estimator: Any, trees: Sequence[Any]) -> None:
    import numpy as np

    classes = getattr(estimator, "classes_", None)
    _add(node, "post_transform").s = b"NONE"
    if classes is None:
        _add(node, "n_targets").i = 1
    else:
        _add(node, "classlabels_int64s").ints.extend(classes.tolist())
    for name, parts in _nodes(trees).items():
        _extend(_add(node, name), np.concatenate(parts))
    modes = np.concatenate([tree.children_left < 0 for tree in trees]) if trees else np.array([True])
    _add(node, "nodes_modes").strings.extend(LEAF if leaf else BRANCH for leaf in modes)
    prefix = "target" if classes is None else "class"
    for name, parts in _leaves(trees, classes is not None).items():
        _extend(_add(node, f"{prefix}_{name}"), np.concatenate(parts))


def _nodes(trees: Sequence[Any]) -> dict[str, list[np.ndarray]]:
    """Return what is told of every node, tree by tree; one leaf where there are no trees."""
    import numpy as np

    leaf = np.zeros(1, dtype=np.int64)
    if not trees:
        whole = ("treeids", "nodeids", "featureids", "truenodeids", "falsenodeids", "missing_value_tracks_true")
        return {f"nodes_{name}": [leaf] for name in whole} | {"nodes_values": [leaf.astype(np.float32)]}
    return {
        "nodes_treeids": [np.full(tree.node_count, place) for place, tree in enumerate(trees)],
        "nodes_nodeids": [np.arange(tree.node_count) for tree in trees],
        "nodes_featureids": [np.maximum(tree.feature, 0) for tree in trees],
        "nodes_values": [_rounded_down(tree.threshold, tree.children_left >= 0) for tree in trees],
        "nodes_truenodeids": [np.maximum(tree.children_left, 0) for tree in trees],
        "nodes_falsenodeids": [np.maximum(tree.children_right, 0) for tree in trees],
        "nodes_missing_value_tracks_true": [tree.missing_go_to_left.astype(np.int64) for tree in trees],
    }


def _leaves(trees: Sequence[Any], classifies: bool) -> dict[str, list[np.ndarray]]:
    """Return what every leaf adds to the answer: of two classes to the second alone, as skl2onnx has it."""
    import numpy as np

    found: dict[str, list[np.ndarray]] = {"treeids": [], "nodeids": [], "ids": [], "weights": []}
    for place, (nodes, values) in enumerate(_answers(trees, classifies)):
        size = values.shape[1]
        found["treeids"].append(np.full(len(nodes) * size, place))
        found["nodeids"].append(np.repeat(nodes, size))
        found["ids"].append(np.tile(np.arange(size), len(nodes)))
        found["weights"].append((values / max(1, len(trees))).astype(np.float32).ravel())
    return found


def _answers(trees: Sequence[Any], classifies: bool) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yield the leaves of each tree, (n,), and what they answer: a number (n, 1), or shares (n, n_classes)."""
    import numpy as np

    if not trees:
        yield np.zeros(1, dtype=np.int64), np.ones((1, 1))
    for tree in trees:
        leaves = np.flatnonzero(tree.children_left < 0)
        values = tree.value[leaves, 0, :]
        if classifies:
            whole = values.sum(axis=1, keepdims=True)
            values = values / np.where(whole == 0, 1, whole)
        yield leaves, values[:, 1:] if classifies and values.shape[1] == 2 else values


def _rounded_down(thresholds: np.ndarray, branches: np.ndarray) -> np.ndarray:
    """Return the largest float32 not above each threshold, 0 at leaves: x <= threshold then means the same of a float32 x."""
    import numpy as np

    nearest = thresholds.astype(np.float32)
    below = np.where(nearest > thresholds, np.nextafter(nearest, np.float32(-np.inf)), nearest)
    return np.where(branches, below, np.float32(0))


def _add(node: onnx.NodeProto, name: str) -> onnx.AttributeProto:
    kinds = {"post_transform": "STRING", "nodes_modes": "STRINGS", "n_targets": "INT"}
    floats = name.endswith(("_values", "_weights"))
    attribute: Any = node.attribute.add()
    attribute.name = name
    attribute.type = onnx.AttributeProto.AttributeType.Value(kinds.get(name, "FLOATS" if floats else "INTS"))
    return attribute


def _extend(attribute: onnx.AttributeProto, values: np.ndarray) -> None:
    (attribute.floats if values.dtype.kind == "f" else attribute.ints).extend(values.tolist())
