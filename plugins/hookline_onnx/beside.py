"""Imports what writes a graph, in the process beside a run, without pandas, which skl2onnx would take columns from."""

from __future__ import annotations

from hookline.registry.backends.lean import import_without, put_off

# As skl2onnx imports every estimator, and with each whatever that one names.
with put_off("scipy.stats"):
    import_without("pandas", "skl2onnx")
