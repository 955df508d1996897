"""A forest of cuts in ONNX words; conventions as in `hookline.ExportsOnnx`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .isolation import CutForest


def isolated(forest: CutForest, inputs: Mapping[str, Any]) -> Any:
    """Return where rows are isolated: float64 (N, 1) of 0 and 1."""
    import numpy as np
    import spox.opset.ai.onnx.ml.v3 as ml
    import spox.opset.ai.onnx.v21 as op

    columns = []
    for name, fill in zip(forest.columns, forest.fills, strict=True):
        column = inputs[name]
        columns.append(op.where(op.isnan(column), op.const(np.float64(fill)), column))
    X = op.cast(op.concat(columns, axis=1), to=np.float32)
    total = ml.tree_ensemble_regressor(X, n_targets=1, post_transform="NONE", **_attributes(forest))
    return op.cast(op.less(total, op.const(np.float32(forest.least))), to=np.float64)


def _attributes(forest: CutForest) -> dict[str, Any]:
    trees = forest.trees
    inner = [[child >= 0 for child in tree.left] for tree in trees]
    leaves = [(place, node) for place, tree in enumerate(inner) for node, has in enumerate(tree) if not has]
    return {
        "nodes_treeids": [place for place, tree in enumerate(trees) for _ in tree.left],
        "nodes_nodeids": [node for tree in trees for node in range(len(tree.left))],
        "nodes_featureids": [max(column, 0) for tree in trees for column in tree.column],
        "nodes_modes": ["BRANCH_LEQ" if has else "LEAF" for tree in inner for has in tree],
        "nodes_values": [cut for tree in trees for cut in tree.cut],
        "nodes_truenodeids": [max(node, 0) for tree in trees for node in tree.left],
        "nodes_falsenodeids": [max(node, 0) for tree in trees for node in tree.right],
        "target_treeids": [place for place, _ in leaves],
        "target_nodeids": [node for _, node in leaves],
        "target_ids": [0] * len(leaves),
        "target_weights": [trees[place].depth[node] for place, node in leaves],
    }
