"""Puts nearest neighbors by Euclidean distance into the graph, in float64: skl2onnx's float32 tells near rows apart wrongly."""

from __future__ import annotations

from typing import Any


def goes_by_distance(estimator: Any) -> bool:
    """Tell whether an estimator is scikit-learn's own, of one output, and asks by Euclidean distance."""
    own = type(estimator).__module__.startswith("sklearn.neighbors.")
    counted = (
        own and hasattr(estimator, "n_neighbors") and (hasattr(estimator, "classes_") or hasattr(estimator, "predict"))
    )
    euclidean = estimator.metric in ("minkowski", "euclidean", "l2") and (
        estimator.metric != "minkowski" or estimator.p == 2
    )
    return counted and euclidean and estimator.weights in ("uniform", "distance") and _truth(estimator).ndim == 1


def neighbors_outputs(estimator: Any, matrix: Any) -> list[Any]:
    """Return the number, float32 (N, 1); or the label's code, int64 (N,), and shares of the votes, float32 (N, codes)."""
    import numpy as np
    import spox.opset.ai.onnx.v21 as op

    known: Any = estimator._fit_X  # noqa: SLF001  scikit-learn has no public way to the rows
    rows = np.asarray(known.toarray() if hasattr(known, "toarray") else known, dtype=np.float64)
    asked = op.cast(matrix, to=np.float64)
    nearest = _nearest(asked, rows, estimator.n_neighbors)
    weights = _weights(asked, rows, nearest) if estimator.weights == "distance" else None
    truth = _truth(estimator)
    if not hasattr(estimator, "classes_"):
        told = op.gather(op.const(truth.astype(np.float64)[:, None]), nearest, axis=0)
        return [op.cast(_mean(told, weights), to=np.float32)]
    votes = op.gather(op.const(np.eye(len(estimator.classes_))[truth]), nearest, axis=0)
    shares = op.cast(_mean(votes, weights), to=np.float32)
    codes = op.const(np.asarray(estimator.classes_, dtype=np.int64))
    return [op.gather(codes, op.arg_max(shares, axis=1, keepdims=0), axis=0), shares]


def _truth(estimator: Any) -> Any:
    """Return what is known of the training rows: numbers, or places of codes in `classes_`."""
    import numpy as np

    truth = np.asarray(estimator._y)  # noqa: SLF001  scikit-learn has no public way to it
    return truth[:, 0] if truth.ndim == 2 and truth.shape[1] == 1 else truth


def _nearest(asked: Any, rows: Any, count: int) -> Any:
    """Return the places of the nearest rows, int64 (N, count), the nearest first."""
    import numpy as np
    import spox.opset.ai.onnx.v21 as op

    # |x - t|^2 but for |x|^2, which is the same for every t.
    crossed = op.matmul(asked, op.const(np.ascontiguousarray(rows.T) * -2.0))
    apart = op.add(crossed, op.const((rows**2).sum(axis=1)[None, :]))
    return op.top_k(apart, op.const(np.array([count], dtype=np.int64)), axis=1, largest=0, sorted=1)[1]


def _weights(asked: Any, rows: Any, nearest: Any) -> Any:
    """Return 1 / distance, float64 (N, count, 1); where a row is one of those known, that one counts alone."""
    import numpy as np
    import spox.opset.ai.onnx.v21 as op

    one, last = op.const(np.array([1], dtype=np.int64)), op.const(np.array([2], dtype=np.int64))
    difference = op.sub(op.gather(op.const(rows), nearest, axis=0), op.unsqueeze(asked, one))
    distance = op.sqrt(op.reduce_sum(op.mul(difference, difference), last, keepdims=1))
    same = op.equal(distance, op.const(np.float64(0)))
    counted = op.cast(same, to=np.float64)
    some = op.greater(op.reduce_sum(counted, one, keepdims=1), op.const(np.float64(0)))
    return op.where(some, counted, op.div(op.const(np.float64(1)), op.where(same, op.const(np.float64(1)), distance)))


def _mean(told: Any, weights: Any) -> Any:
    """Return the mean over the neighbors of what they tell, float64 (N, count, k)."""
    import numpy as np
    import spox.opset.ai.onnx.v21 as op

    one = op.const(np.array([1], dtype=np.int64))
    if weights is None:
        return op.reduce_mean(told, one, keepdims=0)
    return op.div(op.reduce_sum(op.mul(told, weights), one, keepdims=0), op.reduce_sum(weights, one, keepdims=0))
