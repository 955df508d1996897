"""Imports what writes a graph, in the process beside a run, without what takes half of the time and no part in a graph."""

from __future__ import annotations

from hookline.registry.backends.lean import import_bare, import_without, put_off

import_bare("spox.opset.ai.onnx.v21")
import_bare("spox.opset.ai.onnx.ml.v5")
# skl2onnx would take columns from pandas, and imports every estimator with whatever that one names.
with put_off("scipy.stats"):
    import_without("pandas", "skl2onnx")
