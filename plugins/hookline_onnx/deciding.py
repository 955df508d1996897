"""Says in a graph what rules make of what a model says: the answered class, sets of classes, intervals around numbers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hookline import DecisionRule, Intervals, PredictionSets


def decided(probabilities: Any, rule: DecisionRule) -> Any:
    """Return class codes, int64 (N,), of probabilities, float32 (N, n_classes), compared as float64, as a pipeline does."""
    import numpy as np
    import spox.opset.ai.onnx.v21 as op

    chances = op.cast(probabilities, to=np.float64)
    if rule.threshold is None:
        expected = op.matmul(chances, op.const(np.array(rule.costs, dtype=np.float64)))
        return op.arg_max(op.neg(expected), axis=1, keepdims=0)
    own = op.gather(chances, op.const(np.array(rule.positive, dtype=np.int64)), axis=1)
    codes = (op.const(np.array(code, dtype=np.int64)) for code in (rule.positive, 1 - rule.positive))
    return op.where(op.greater_or_equal(own, op.const(np.array(rule.threshold, dtype=np.float64))), *codes)


def in_sets(probabilities: Any, rule: PredictionSets) -> Any:
    """Return which classes are in the set, bool (N, n_classes), of probabilities, float32 of the same shape."""
    import numpy as np
    import spox.opset.ai.onnx.v21 as op

    chances = op.cast(probabilities, to=np.float64)
    limit, second = op.const(np.array(rule.limit, dtype=np.float64)), op.const(np.array([1], dtype=np.int64))
    if rule.method == "lac":
        likely = op.greater_or_equal(chances, limit)
    else:
        others, third = op.unsqueeze(chances, second), op.const(np.array([2], dtype=np.int64))
        more = op.cast(op.greater(others, op.unsqueeze(chances, third)), to=np.float64)
        sums = op.add(chances, op.reduce_sum(op.mul(others, more), third, keepdims=0))
        likely = op.less_or_equal(sums, limit)
    return op.or_(likely, op.equal(chances, op.reduce_max(chances, second, keepdims=1)))


def bounds(value: Any, outputs: Mapping[str, Any], intervals: Intervals) -> dict[str, Any]:
    """Return `lower` and `upper`, float64 (N,), around numbers, float32 (N,).

    outputs: of the model, with its quantiles as `lower` and `upper`, float32, where the intervals go by them
    """
    import numpy as np
    import spox.opset.ai.onnx.v21 as op

    middle, half = op.cast(value, to=np.float64), op.const(np.array(intervals.half_width, dtype=np.float64))
    if intervals.by == "errors":
        return {"lower": op.sub(middle, half), "upper": op.add(middle, half)}
    flat = op.const(np.array([-1], dtype=np.int64))
    low, high = (op.cast(op.reshape(outputs[name], flat), to=np.float64) for name in ("lower", "upper"))
    return {"lower": op.min([op.sub(low, half), middle]), "upper": op.max([op.add(high, half), middle])}
