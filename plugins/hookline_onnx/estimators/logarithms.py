"""Puts a regression of logarithms into the graph, with the way back to numbers behind it."""

from __future__ import annotations

from typing import Any

from .estimator import outputs_of


def number_outputs(estimator: Any, matrix: Any, width: int) -> list[Any]:
    """Return exp(logarithm, within its bounds) * factor - offset: float32 (N, 1)."""
    import numpy as np
    import spox.opset.ai.onnx.v21 as op

    def number(value: float) -> Any:
        return op.const(np.float64(value))

    low, high = (number(bound) for bound in estimator.log_bounds_)
    logs = op.cast(outputs_of(estimator.regressor_, matrix, width)[0], to=np.float64)
    within = op.where(op.less(logs, low), low, op.where(op.greater(logs, high), high, logs))
    found = op.sub(op.mul(op.exp(within), number(estimator.factor_)), number(estimator.offset))
    return [op.cast(found, to=np.float32)]
