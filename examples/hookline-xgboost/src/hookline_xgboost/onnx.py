"""A booster as part of an ONNX graph: its trees node by node, as XGBoost's own JSON tells them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .model import BoostModel


def outputs(model: BoostModel, matrix: Any) -> dict[str, Any]:
    """Return the booster's outputs for a float32 (N, n_features) matrix (spox.Var)."""
    import numpy as np
    import spox.opset.ai.onnx.v21 as op

    if model.task == "regression":
        return {"value": op.add(_sums(model, matrix, 1), op.const(np.float32(model.base)))}
    sums = _sums(model, matrix, 1 if model.task == "binary" else model.classes)
    if model.task == "binary":
        yes = op.sigmoid(sums)
        shares = op.concat([op.sub(op.const(np.float32(1)), yes), yes], axis=1)
    else:
        shares = op.softmax(sums, axis=1)
    return {"label": op.arg_max(shares, axis=1, keepdims=0), "probabilities": shares}


def _sums(model: BoostModel, matrix: Any, outputs: int) -> Any:
    """Return what the leaves that each row ends in add up to: float32 (N, outputs).

    Trees take turns: the first is of the first class, the second of the second, and so on.
    """
    import spox.opset.ai.onnx.ml.v3 as ml

    nodes = [(number, *node) for number, tree in enumerate(model.trees) for node in _nodes(tree)]
    trees, places, features, values, left, right, missing = zip(*nodes, strict=True)
    leaves = [(tree, place, value) for tree, place, _, value, yes, *_ in nodes if yes is None]
    return ml.tree_ensemble_regressor(
        matrix,
        n_targets=outputs,
        aggregate_function="SUM",
        post_transform="NONE",
        nodes_treeids=trees,
        nodes_nodeids=places,
        nodes_featureids=features,
        nodes_modes=["LEAF" if yes is None else "BRANCH_LT" for yes in left],
        nodes_values=[0.0 if yes is None else value for yes, value in zip(left, values, strict=True)],
        nodes_truenodeids=[yes or 0 for yes in left],
        nodes_falsenodeids=[no or 0 for no in right],
        nodes_missing_value_tracks_true=missing,
        target_treeids=[tree for tree, *_ in leaves],
        target_nodeids=[place for _, place, _ in leaves],
        target_ids=[tree % outputs for tree, *_ in leaves],
        target_weights=[value for *_, value in leaves],
    )


def _nodes(tree: Mapping[str, Any]) -> Iterator[tuple[int, int, float, int | None, int | None, int]]:
    """Yield the nodes that can be reached: place, feature, threshold or leaf's value, children or None, where gaps go."""
    waiting = [0]
    while waiting:
        place = waiting.pop()
        left, right = tree["left_children"][place], tree["right_children"][place]
        value = float(tree["split_conditions"][place])
        if left == -1:
            yield place, 0, value, None, None, 0
            continue
        yield place, tree["split_indices"][place], value, left, right, int(tree["default_left"][place])
        waiting += [left, right]
