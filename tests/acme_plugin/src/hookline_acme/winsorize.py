"""The transform `acme.winsorize`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

from annotated_types import Interval

from hookline import Dataset, Transform

if TYPE_CHECKING:
    import polars as pl


@dataclass(frozen=True)
class FittedWinsorize:
    """The lowest and highest value of each column."""

    bounds: Mapping[str, tuple[float, float]]

    def transform(self, frame: pl.LazyFrame) -> pl.LazyFrame:
        """Limit the columns that are there."""
        import polars as pl

        held = set(frame.collect_schema().names())
        return frame.with_columns(pl.col(n).clip(*limits) for n, limits in self.bounds.items() if n in held)

    def to_onnx(self, inputs: Mapping[str, Any]) -> dict[str, Any]:
        """Say it as ONNX, a missing value staying missing."""
        import numpy as np
        import spox.opset.ai.onnx.v21 as op

        out = dict(inputs)
        for name, (low, high) in self.bounds.items():
            lowest, highest = op.const(np.float64(low)), op.const(np.float64(high))
            raised = op.where(op.less(out[name], lowest), lowest, out[name])
            out[name] = op.where(op.greater(raised, highest), highest, raised)
        return out


class WinsorizeTransform(Transform):
    """Limit fractions to quantiles of the training rows."""

    name = "acme.winsorize"
    share: Annotated[float, Interval(gt=0, lt=0.5)] = 0.01
    """Share of rows at each end that is limited."""

    def fit(self, train: Dataset) -> FittedWinsorize:
        """Learn the quantiles, in one pass."""
        import polars as pl

        schema = train.frame.collect_schema()
        names = [name for name in train.feature_columns() if schema[name].is_float()]
        low, high = (
            train.frame.select(pl.col(name).quantile(q, "linear") for name in names).collect().row(0)
            for q in (self.share, 1 - self.share)
        )
        pairs = zip(names, low, high, strict=True)
        return FittedWinsorize({name: (a, b) for name, a, b in pairs if a is not None and b is not None})
