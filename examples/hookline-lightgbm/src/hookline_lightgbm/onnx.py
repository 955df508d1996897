"""A booster as part of an ONNX graph: onnxmltools writes the trees, and what it rounds is made exact here."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from hookline.errors import ExportError, MissingBackend

OPSET = 15
"""ai.onnx operator set of the converted trees: the latest that onnxmltools knows."""
ML_OPSET = 3
"""ai.onnx.ml operator set of the converted trees: the first whose trees hold float64."""
DUMPED_INFINITY = 1e300
ZERO = 1.0000000180025095e-35
"""The float32 next to 1e-35: LightGBM reads values up to it as zero."""


def outputs(booster: Any, matrix: Any, task: str, width: int) -> dict[str, Any]:
    """Return the booster's outputs for a float32 (N, width) matrix (spox.Var)."""
    import numpy as np
    import spox
    import spox.opset.ai.onnx.v21 as op

    values = op.cast(matrix, to=np.float64)
    tiny = op.less_or_equal(op.abs(values), op.const(np.float64(ZERO)))
    exact = op.where(tiny, op.const(np.float64(0)), values)
    found = list(spox.inline(convert(booster, width))(X=exact).values())
    if task == "regression":
        return {"value": found[0]}
    # The label again from the probabilities, so that a tie goes to the same class as in `GbmModel.predict`.
    return {"label": op.arg_max(found[1], axis=1, keepdims=0), "probabilities": found[1]}


def convert(booster: Any, width: int) -> Any:
    """Return an onnx.ModelProto of a booster, from X (float64, (N, width)); raises ExportError where there are no words."""
    try:
        from onnxmltools import convert_lightgbm
        from onnxmltools.convert.common.data_types import FloatTensorType
    except ImportError as error:
        raise MissingBackend("trainer 'lightgbm.gbm' in ONNX", "onnxmltools", "onnx") from error
    kind = [("X", FloatTensorType([None, width]))]
    try:
        graph = convert_lightgbm(booster, initial_types=kind, zipmap=False, target_opset=OPSET)
    except (NotImplementedError, RuntimeError, ValueError) as error:
        raise ExportError(
            f"the LightGBM model cannot be said in ONNX: {error}", hint="choose packager=[pickle]"
        ) from error
    _make_exact(graph, booster)
    return graph


def _make_exact(graph: Any, booster: Any) -> None:
    """Write thresholds and leaves as the float64 that LightGBM compares and adds, and send missing values as it does.

    onnxmltools 1.16 rounds all to float32: a threshold may then pass the value that it stands beside, and a sum of many
    leaves drifts.
    """
    from onnx import TensorProto

    trees = [tree["tree_structure"] for tree in booster.dump_model()["tree_info"]]
    for node in graph.graph.node:
        if node.op_type in ("TreeEnsembleClassifier", "TreeEnsembleRegressor"):
            _rewrite(node, trees)
    graph.graph.input[0].type.tensor_type.elem_type = TensorProto.DOUBLE
    for value in graph.graph.output:
        # onnxmltools calls the outputs a single row; they have as many as X.
        value.type.tensor_type.shape.dim[0].dim_param = "N"
    for opset in graph.opset_import:
        opset.version = ML_OPSET if opset.domain == "ai.onnx.ml" else OPSET


def _rewrite(ensemble: Any, trees: list[Mapping[str, Any]]) -> None:
    """Replace the numbers of one tree ensemble by exact ones."""
    import numpy as np
    from onnx.helper import make_attribute
    from onnx.numpy_helper import from_array

    held = {attribute.name: attribute for attribute in ensemble.attribute}
    found = _matched(held, trees)
    places = list(zip(held["nodes_treeids"].ints, held["nodes_nodeids"].ints, strict=True))
    prefix = "class" if "class_weights" in held else "target"
    leaves = zip(held[f"{prefix}_treeids"].ints, held[f"{prefix}_nodeids"].ints, strict=True)
    exact = {
        "nodes_values": np.array([_threshold(found[place]) for place in places], dtype=np.float64),
        f"{prefix}_weights": np.array([found[place]["leaf_value"] for place in leaves], dtype=np.float64),
    }
    for name, numbers in exact.items():
        ensemble.attribute.remove(held[name])
        ensemble.attribute.append(make_attribute(f"{name}_as_tensor", from_array(numbers, f"{name}_as_tensor")))
    ensemble.attribute.remove(held["nodes_missing_value_tracks_true"])
    left = [_missing_goes_left(found[place]) for place in places]
    ensemble.attribute.append(make_attribute("nodes_missing_value_tracks_true", left))


def _matched(held: Mapping[str, Any], trees: list[Mapping[str, Any]]) -> dict[tuple[int, int], Mapping[str, Any]]:
    """Return (tree, node) of the graph -> LightGBM's node, walking both from the root."""
    columns = ("nodes_treeids", "nodes_nodeids", "nodes_truenodeids", "nodes_falsenodeids")
    rows = zip(*(held[name].ints for name in columns), strict=True)
    children = {(tree, node): (true, false) for tree, node, true, false in rows}
    found: dict[tuple[int, int], Mapping[str, Any]] = {}
    waiting: list[tuple[tuple[int, int], Mapping[str, Any]]] = [((i, 0), root) for i, root in enumerate(trees)]
    while waiting:
        place, node = waiting.pop()
        found[place] = node
        if "left_child" in node:
            true, false = children[place]
            waiting += [((place[0], true), node["left_child"]), ((place[0], false), node["right_child"])]
    return found


def _threshold(node: Mapping[str, Any]) -> float:
    """Return what values are compared with; LightGBM's dump writes infinity as 1e300."""
    value = float(node.get("threshold", 0.0))
    return value if abs(value) < DUMPED_INFINITY else math.copysign(math.inf, value)


def _missing_goes_left(node: Mapping[str, Any]) -> int:
    """Tell where LightGBM sends NaN: as learned, or, where training never met one, as it would send a zero."""
    if "left_child" not in node:
        return 0
    return int(node["default_left"] if node["missing_type"] == "NaN" else _threshold(node) >= 0)
