"""Says in a graph which class is answered, where it is not the most probable one, and the intervals around numbers."""

from __future__ import annotations

from typing import Any

from hookline import DecisionRule, Intervals


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


def bounds(value: Any, intervals: Intervals) -> dict[str, Any]:
    """Return `lower` and `upper`, float64 (N,), around numbers, float32 (N,)."""
    import numpy as np
    import spox.opset.ai.onnx.v21 as op

    middle, half = op.cast(value, to=np.float64), op.const(np.array(intervals.half_width, dtype=np.float64))
    return {"lower": op.sub(middle, half), "upper": op.add(middle, half)}
