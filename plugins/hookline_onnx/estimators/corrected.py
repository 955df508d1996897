"""Puts a classifier into the graph whose probabilities are corrected for classes that were balanced."""

from __future__ import annotations

from typing import Any

from .estimator import outputs_of


def corrected_outputs(estimator: Any, matrix: Any, width: int) -> list[Any]:
    """Return the label's code, int64 (N,), and probabilities over the codes that training saw, float32 (N, n_codes)."""
    import numpy as np
    import spox.opset.ai.onnx.v21 as op

    said = op.cast(outputs_of(estimator.classifier_, matrix, width)[1], to=np.float64)
    weighed = op.mul(said, op.const(np.asarray(estimator.corrections_, dtype=np.float64)[None, :]))
    sums = op.reduce_sum(weighed, op.const(np.array([1], dtype=np.int64)), keepdims=1)
    probabilities = op.cast(op.div(weighed, sums), to=np.float32)
    codes = op.const(np.asarray(estimator.classes_, dtype=np.int64))
    return [op.gather(codes, op.arg_max(probabilities, axis=1, keepdims=0), axis=0), probabilities]
