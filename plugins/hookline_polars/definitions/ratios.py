"""Ratios of numbers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from hookline import Dataset, Derived, Transform

from .base import numbers, require

if TYPE_CHECKING:
    import polars as pl


class RatioTransform(Transform):
    """Add ratios of two columns of numbers: `columns={per_visit: [spend, visits]}`; missing where the second is 0."""

    name = "ratio"
    columns: Mapping[str, tuple[str, str]]
    """New column -> the columns above and below the line."""
    otherwise: float | None = None
    """What a ratio is where the number below the line is 0; null leaves it missing."""

    def fit(self, train: Dataset) -> RatioTransform:
        """Check the columns; raises DataError or ConfigError."""
        require(self.name, train, self.added(), ("number", "boolean"))
        return self

    def added(self) -> Mapping[str, Derived]:
        """Return the ratios."""
        zero = "" if self.otherwise is None else f", {self.otherwise:g} where {{}} is 0"
        return {
            new: Derived((above, below), f"{above} / {below}{zero.format(below)}")
            for new, (above, below) in self.columns.items()
        }

    def transform(self, frame: pl.LazyFrame) -> pl.LazyFrame:
        """Add the ratios, float64."""
        import polars as pl

        return frame.with_columns(
            pl.when(numbers(below) != 0)
            .then(numbers(above) / numbers(below))
            .when(numbers(below) == 0)
            .then(pl.lit(self.otherwise, pl.Float64))
            .alias(new)
            for new, (above, below) in self.columns.items()
        )

    def to_onnx(self, inputs: Mapping[str, Any]) -> dict[str, Any]:
        """Say it as ONNX."""
        import spox.opset.ai.onnx.v21 as op

        from ..onnx import number

        empty = number(float("nan") if self.otherwise is None else self.otherwise)
        made = {}
        for new, (above, below) in self.columns.items():
            is_zero = op.equal(inputs[below], number(0.0))
            made[new] = op.where(is_zero, empty, op.div(inputs[above], op.where(is_zero, number(1.0), inputs[below])))
        return {**inputs, **made}
