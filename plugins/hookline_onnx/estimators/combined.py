"""Puts votes and stacks of scikit-learn's estimators into the graph, each member as it would be alone."""

from __future__ import annotations

from typing import Any

from .estimator import most_probable, outputs_of


def combined_outputs(estimator: Any, matrix: Any, width: int) -> list[Any]:
    """Return the number, or the label's code, int64 (N,), and probabilities over the codes that training saw, float32."""
    made = [outputs_of(member, matrix, width) for member in estimator.estimators_]
    if hasattr(estimator, "final_estimator_"):
        return _stacked(estimator, made, matrix, width)
    return _voted(estimator, made)


def _voted(estimator: Any, made: list[list[Any]]) -> list[Any]:
    """Return the mean of the members' probabilities, or of their numbers."""
    import numpy as np
    import spox.opset.ai.onnx.v21 as op

    # The members that stay are those that were not dropped, and so do their weights.
    given = estimator.weights or [1.0] * len(made)
    weights = np.asarray(given, dtype=np.float64) / np.sum(given)
    parts = [
        op.mul(op.cast(one[-1], to=np.float64), op.const(weight)) for one, weight in zip(made, weights, strict=True)
    ]
    mean = op.cast(op.sum(parts), to=np.float32)
    if not hasattr(estimator, "classes_"):
        return [mean]
    return [most_probable(mean, [int(code) for code in estimator.classes_]), mean]


def _stacked(estimator: Any, made: list[list[Any]], matrix: Any, width: int) -> list[Any]:
    """Return what the last model makes of the members' answers: of two classes it has the probability of the second."""
    import numpy as np
    import spox.opset.ai.onnx.v21 as op

    classes = getattr(estimator, "classes_", None)
    second = op.const(np.array([1], dtype=np.int64))
    two = classes is not None and len(classes) == 2
    answers = [op.gather(one[-1], second, axis=1) if two else one[-1] for one in made]
    seen = len(made) * (len(classes) if classes is not None and not two else 1)
    if estimator.passthrough:
        answers, seen = [*answers, matrix], seen + width
    found = outputs_of(estimator.final_estimator_, op.concat(answers, axis=1), seen)
    if classes is None:
        return found
    codes = op.const(np.asarray(classes, dtype=np.int64))
    return [op.gather(codes, op.arg_max(found[1], axis=1, keepdims=0), axis=0), found[1]]
