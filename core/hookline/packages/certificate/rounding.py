"""How far float32 alone moves a model's answers, which a format that computes in it cannot be blamed for."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from hookline.data.columns import conform
from hookline.data.target import decode

from ..pipeline import Pipeline
from .parity import differences, spread_of

if TYPE_CHECKING:
    import polars as pl

ROWS = 1_000
"""Rows that are looked at."""
EPSILON = 2.0**-23
"""Of float32: the distance from 1 to the next number."""
SAFETY = 4.0
MOST = 10.0
"""A tolerance grows to so many times the format's own, and no further, whatever the model makes of its features."""


def tolerance_of(own: float, pipeline: Pipeline[Any], rows: pl.DataFrame) -> float:
    """Return a format's own tolerance, or what float32 makes of the answers for raw rows where that is more.

    A sum of n numbers in float32 is the exact one of numbers that are each off by up to n roundings, as a rule by their square
    root (Higham, Accuracy and Stability of Numerical Algorithms, 2002, section 4.2): so far is each feature moved.
    """
    import numpy as np

    if not own or not rows.height:
        return own
    features = pipeline.features(conform(rows.head(ROWS), pipeline.schema).lazy())
    X = features.dense()
    off = EPSILON * np.sqrt(X.shape[1]) * np.random.default_rng(0).choice([-1.0, 1.0], X.shape)
    moved = (X * (1 + off)).astype(np.float32)
    asked = (decode(pipeline.model.predict(replace(features, X=x)), pipeline.target) for x in (X, moved))
    before, after = asked
    # Whether a label changes too is not asked here.
    apart, _ = differences(pipeline.target, before, after, 1.0, spread_of(pipeline.target, before))
    return float(min(max(own, SAFETY * apart.max()), MOST * own))
