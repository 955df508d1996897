"""Puts a calibrated classifier of scikit-learn into the graph; skl2onnx takes isotonic curves for steps, which they are not."""

from __future__ import annotations

from typing import Any

from .estimator import outputs_of


def calibrated_outputs(estimator: Any, matrix: Any, width: int) -> list[Any]:
    """Return the label's code, int64 (N,), and probabilities over the codes that training saw, float32 (N, n_codes)."""
    import numpy as np
    import spox.opset.ai.onnx.v21 as op

    (one,) = estimator.calibrated_classifiers_
    classes = len(estimator.classes_)
    scores = op.cast(_scores(one.estimator, matrix, width), to=np.float64)
    places = [1] if classes == 2 else list(range(classes))
    shares = [_calibrated(curve, _column(scores, place)) for curve, place in zip(one.calibrators, places, strict=True)]
    if classes == 2:
        both = op.concat([op.sub(op.const(np.float64(1)), shares[0]), shares[0]], axis=1)
    else:
        both = _of_one(op.concat(shares, axis=1), classes)
    probabilities = op.cast(both, to=np.float32)
    codes = op.const(np.asarray(estimator.classes_, dtype=np.int64))
    return [op.gather(codes, op.arg_max(probabilities, axis=1, keepdims=0), axis=0), probabilities]


def _scores(classifier: Any, matrix: Any, width: int) -> Any:
    """Return what the calibration was fitted to: the decision function where there is one, else the probabilities."""
    return outputs_of(classifier, matrix, width, raw=hasattr(classifier, "decision_function"))[1]


def _column(scores: Any, place: int) -> Any:
    import numpy as np
    import spox.opset.ai.onnx.v21 as op

    return op.gather(scores, op.const(np.array([place], dtype=np.int64)), axis=1)


def _calibrated(curve: Any, scores: Any) -> Any:
    """Return the probabilities, float64 (N, 1), of scores, float64 (N, 1)."""
    import numpy as np
    import spox.opset.ai.onnx.v21 as op

    if hasattr(curve, "X_thresholds_"):
        return _interpolated(np.asarray(curve.X_thresholds_), np.asarray(curve.y_thresholds_), scores)
    steep, shift = (op.const(np.float64(value)) for value in (curve.a_, curve.b_))
    return op.sigmoid(op.neg(op.add(op.mul(steep, scores), shift)))


def _interpolated(x: Any, y: Any, scores: Any) -> Any:
    """Return the straight lines between points (x rising), and their ends beyond them."""
    import numpy as np
    import spox.opset.ai.onnx.v21 as op

    x, y = x.astype(np.float64), y.astype(np.float64)
    inside = op.max([op.min([scores, op.const(x[-1])]), op.const(x[0])])
    if len(x) == 1:
        return op.add(op.mul(inside, op.const(np.float64(0))), op.const(y[0]))
    passed = op.cast(op.greater_or_equal(inside, op.const(x[None, 1:-1])), to=np.int64)
    start = op.reduce_sum(passed, op.const(np.array([1], dtype=np.int64)), keepdims=1)
    slope = op.gather(op.const(np.diff(y) / np.diff(x)), start, axis=0)
    along = op.sub(inside, op.gather(op.const(x[:-1]), start, axis=0))
    return op.add(op.gather(op.const(y[:-1]), start, axis=0), op.mul(slope, along))


def _of_one(shares: Any, classes: int) -> Any:
    """Return shares, float64 (N, classes), that add up to one: all alike where each is 0."""
    import numpy as np
    import spox.opset.ai.onnx.v21 as op

    whole = op.reduce_sum(shares, op.const(np.array([1], dtype=np.int64)), keepdims=1)
    none = op.equal(whole, op.const(np.float64(0)))
    divided = op.div(shares, op.where(none, op.const(np.float64(1)), whole))
    return op.where(none, op.const(np.float64(1 / classes)), divided)
