"""Converts a fitted scikit-learn estimator with skl2onnx, and puts it into the graph."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from hookline import SklearnModel, Target
from hookline.errors import ExportError
from hookline.kinds.fitted import BOUNDS

if TYPE_CHECKING:
    import onnx

TIE = 2**16
"""Probabilities of trees that differ by less than one part of so many are equal."""
ML_OPSET = 3
"""ai.onnx.ml operator set that skl2onnx writes trees in."""


def sklearn_outputs(model: SklearnModel, matrix: Any, width: int, target: Target) -> dict[str, Any]:
    """Return the estimator's outputs for a float32 (N, width) matrix, over all class codes of the target."""
    import numpy as np
    import spox.opset.ai.onnx.v21 as op

    classifies = target.task != "regression"
    # skl2onnx would call the scores of such an estimator probabilities.
    if classifies and not hasattr(model.estimator, "predict_proba"):
        raise ExportError(
            f"{type(model.estimator).__name__} gives no probabilities in ONNX", hint="choose packager=[skops]"
        )
    found = outputs_of(model.estimator, matrix, width)
    if not classifies:
        ends = zip(BOUNDS, model.ends or (), strict=False)
        return {"value": found[0]} | {name: outputs_of(end.estimator, matrix, width)[0] for name, end in ends}
    codes = [int(code) for code in model.estimator.classes_]
    probabilities = found[1]
    if len(codes) < len(target.classes):
        # Training saw fewer classes than the target has; the others get probability 0.
        place = np.zeros((len(codes), len(target.classes)), dtype=np.float32)
        place[np.arange(len(codes)), codes] = 1.0
        probabilities = op.matmul(probabilities, op.const(place))
    label = most_probable(found[1], codes) if _trees(model.learner) else found[0]
    return {"label": label, "probabilities": probabilities}


def outputs_of(estimator: Any, matrix: Any, width: int, *, raw: bool = False) -> list[Any]:
    """Return what an estimator makes of a float32 (N, width) matrix: a number; or the label's code, and probabilities.

    raw: whether a classifier gives the scores of its `decision_function` in place of probabilities
    """
    if hasattr(estimator, "calibrated_classifiers_"):
        from .calibrated import calibrated_outputs

        return calibrated_outputs(estimator, matrix, width)
    if combines(estimator):
        from .combined import combined_outputs

        return combined_outputs(estimator, matrix, width)
    if hasattr(estimator, "log_bounds_"):
        from .logarithms import number_outputs

        return number_outputs(estimator, matrix, width)
    if hasattr(estimator, "corrections_"):
        from .corrected import corrected_outputs

        return corrected_outputs(estimator, matrix, width)
    if hasattr(estimator, "kneighbors"):
        from .neighbors import goes_by_distance, neighbors_outputs

        if goes_by_distance(estimator):
            return neighbors_outputs(estimator, matrix)
    return inlined(estimator, matrix, width, raw=raw)


def combines(estimator: Any) -> bool:
    """Tell whether an estimator is scikit-learn's own vote or stack of others."""
    own = type(estimator).__module__ in ("sklearn.ensemble._voting", "sklearn.ensemble._stacking")
    return own and getattr(estimator, "voting", "soft") == "soft"


def put_in_trees(graph: onnx.GraphProto, model: SklearnModel) -> None:
    """Complete a graph that holds the stubs of forests."""
    from .forest import fill

    for forest in _forests(model.estimator):
        fill(graph, forest)


def _forests(estimator: Any) -> Iterator[Any]:
    """Yield the forests that an estimator is, or is made of."""
    from .forest import is_forest

    if is_forest(estimator):
        yield estimator
    elif hasattr(estimator, "calibrated_classifiers_"):
        yield from _forests(estimator.calibrated_classifiers_[0].estimator)
    elif hasattr(estimator, "log_bounds_"):
        yield from _forests(estimator.regressor_)
    elif hasattr(estimator, "corrections_"):
        yield from _forests(estimator.classifier_)
    elif combines(estimator):
        for member in (*estimator.estimators_, *filter(None, [getattr(estimator, "final_estimator_", None)])):
            yield from _forests(member)


def most_probable(probabilities: Any, codes: list[int]) -> Any:
    """Return the first of the most probable classes, as forests do, whose votes are often equal.

    Sums of votes in float32 depend on their order, so what differs by less than 1 / TIE is taken for equal.
    """
    import numpy as np
    import spox.opset.ai.onnx.v21 as op

    rounded = op.round(op.mul(probabilities, op.const(np.float32(TIE))))
    return op.gather(op.const(np.array(codes, dtype=np.int64)), op.arg_max(rounded, axis=1, keepdims=0), axis=0)


def inlined(estimator: Any, matrix: Any, width: int, *, raw: bool = False) -> list[Any]:
    """Return what skl2onnx's graph of an estimator makes of a float32 (N, width) matrix; raw: as `convert` has it."""
    import spox

    return list(spox.inline(convert(estimator, width, raw=raw))(X=matrix).values())


def convert(estimator: Any, width: int, *, raw: bool = False) -> onnx.ModelProto:
    """Return skl2onnx's graph of an estimator, of a forest a stub; raises ExportError where there is none.

    raw: whether a classifier gives the scores of its `decision_function` in place of probabilities
    """
    import onnx

    from .forest import is_forest, stub

    if is_forest(estimator):
        return stub(estimator, width, ML_OPSET)
    from skl2onnx import convert_sklearn
    from skl2onnx.common.data_types import FloatTensorType
    from skl2onnx.common.exceptions import MissingConverter, MissingShapeCalculator

    chosen = {"zipmap": False} | ({"raw_scores": True} if raw else {})
    options = {id(estimator): chosen} if hasattr(estimator, "classes_") else None
    kind = [("X", FloatTensorType([None, width]))]
    try:
        with _whole_number_lists(), warnings.catch_warnings():
            # skl2onnx looks for probabilities of a support vector machine's own, which it no longer has.
            warnings.filterwarnings("ignore", r"Attribute `prob[AB]_`", FutureWarning)
            graph = convert_sklearn(
                estimator, initial_types=kind, options=options, target_opset={"": 21, "ai.onnx.ml": ML_OPSET}
            )
    except (MissingConverter, MissingShapeCalculator, NotImplementedError, RuntimeError, NameError) as error:
        first = str(error).strip().splitlines()[0]
        raise ExportError(
            f"{type(estimator).__name__} cannot be said in ONNX: {first}", hint="choose packager=[skops] or [pickle]"
        ) from error
    assert isinstance(graph, onnx.ModelProto)
    if hasattr(estimator, "_predictors"):
        _round_thresholds_down(graph, estimator)
    trees = _trees(estimator)
    if trees:
        _send_missing(graph, trees)
    return graph


def _trees(estimator: Any) -> list[Any]:
    """Return the trees of a decision tree or a forest, in skl2onnx's order; none for other estimators."""
    if hasattr(estimator, "tree_"):
        return [estimator.tree_]
    members = getattr(estimator, "estimators_", None)
    return [member.tree_ for member in members if hasattr(member, "tree_")] if isinstance(members, list) else []


def _send_missing(graph: onnx.ModelProto, trees: list[Any]) -> None:
    """Send missing values the way that scikit-learn's trees do; skl2onnx 1.20 sends them all to the right."""
    from onnx.helper import make_attribute

    for ensemble in graph.graph.node:
        attributes = {attribute.name: attribute for attribute in ensemble.attribute}
        if "nodes_treeids" not in attributes:
            continue
        places = zip(attributes["nodes_treeids"].ints, attributes["nodes_nodeids"].ints, strict=True)
        left = [int(trees[tree].missing_go_to_left[node]) for tree, node in places]
        if "nodes_missing_value_tracks_true" in attributes:
            ensemble.attribute.remove(attributes["nodes_missing_value_tracks_true"])
        ensemble.attribute.append(make_attribute("nodes_missing_value_tracks_true", left))


def _round_thresholds_down(graph: onnx.ModelProto, estimator: Any) -> None:
    """Mend the split thresholds of histogram gradient boosting.

    A float64 threshold t between two float32 values must become the largest float32 not above t: the nearest one may be
    above it, and a value that equals it would then go left in ONNX and right in scikit-learn.
    """
    import numpy as np

    exact: dict[tuple[int, float], float] = {}
    for stage in estimator._predictors:  # noqa: SLF001  scikit-learn has no public way to the trees
        for tree in stage:
            for node in tree.nodes[tree.nodes["is_leaf"] == 0]:
                nearest = np.float32(node["num_threshold"])
                if nearest > node["num_threshold"]:
                    exact[int(node["feature_idx"]), float(nearest)] = float(np.nextafter(nearest, np.float32(-np.inf)))
    for ensemble in graph.graph.node:
        attributes = {attribute.name: attribute for attribute in ensemble.attribute}
        if "nodes_values" in attributes:
            features = attributes["nodes_featureids"].ints
            values = attributes["nodes_values"].floats
            for i, (feature, value) in enumerate(zip(features, list(values), strict=True)):
                values[i] = exact.get((feature, value), value)


@contextmanager
def _whole_number_lists() -> Iterator[None]:
    """Let skl2onnx 1.20 write lists of booleans under protobuf 7, which takes only integers there."""
    import onnx.helper

    original = onnx.helper.make_attribute

    def make_attribute(key: str, value: Any, *args: Any, **kwargs: Any) -> Any:
        if isinstance(value, list) and any(isinstance(item, bool) for item in value):
            value = [int(item) for item in value]
        return original(key, value, *args, **kwargs)

    onnx.helper.make_attribute = make_attribute
    try:
        yield
    finally:
        onnx.helper.make_attribute = original
