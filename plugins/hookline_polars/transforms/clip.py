"""Limits numbers, fitted on training rows, in training and at inference alike."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

from annotated_types import Interval

from hookline import Dataset, Transform
from hookline.errors import ConfigError, Problem

from ..columns import Columns, choose, present
from ..stats import one_row, quantile, weight_of

if TYPE_CHECKING:
    import polars as pl


@dataclass(frozen=True)
class FittedClip:
    """Limits numbers to learned or given bounds."""

    bounds: Mapping[str, tuple[float | None, float | None]]

    def transform(self, frame: pl.LazyFrame) -> pl.LazyFrame:
        """Clip; clipped columns become float64."""
        import polars as pl

        return frame.with_columns(
            pl.col(name).cast(pl.Float64).clip(*self.bounds[name]) for name in present(frame, self.bounds)
        )

    def to_onnx(self, inputs: Mapping[str, Any]) -> dict[str, Any]:
        """Say it as ONNX."""
        from ..onnx import clip

        return {
            **inputs,
            **{name: clip(inputs[name], *bounds) for name, bounds in self.bounds.items() if name in inputs},
        }


class ClipTransform(Transform):
    """Limit numbers to fixed bounds or to quantiles of the training rows."""

    name = "clip"
    mends: ClassVar = {
        "infinite": "transform=[clip] transform.clip.columns=[{column}] transform.clip.lower={low} transform.clip.upper={high}"
    }
    columns: tuple[str, ...] | Columns = ()
    """Columns to clip; by default every number among the features."""
    lower: float | None = None
    """Lowest value; null leaves the low end to `lower_quantile`."""
    upper: float | None = None
    """Highest value; null leaves the high end to `upper_quantile`."""
    lower_quantile: Annotated[float, Interval(ge=0, le=1)] | None = None
    """Quantile of the training rows below which values are raised to it."""
    upper_quantile: Annotated[float, Interval(ge=0, le=1)] | None = None
    """Quantile of the training rows above which values are lowered to it."""

    def __post_init__(self) -> None:
        for lowest, highest in (("lower", "upper"), ("lower_quantile", "upper_quantile")):
            low, high = getattr(self, lowest), getattr(self, highest)
            if low is not None and high is not None and low > high:
                raise ValueError(f"{lowest} must not be above {highest}, got {low:g} and {high:g}")

    def fit(self, train: Dataset) -> FittedClip:
        """Learn the quantiles; raises ConfigError where no bound is given, or a given one is beyond the learned other."""
        import polars as pl

        if all(value is None for value in (self.lower, self.upper, self.lower_quantile, self.upper_quantile)):
            problem = Problem("transform.clip", "give at least one of lower, upper, lower_quantile and upper_quantile")
            raise ConfigError("bad config for transform 'clip'", [problem])
        train = train.weighing()
        names = choose(train, self.columns, "transform.clip.columns", ("number",))
        asked = {"low": self.lower_quantile, "high": self.upper_quantile}
        exprs = [
            quantile(pl.col(name).cast(pl.Float64), weight_of(train), share).alias(f"{end}\0{name}")
            for name in names
            for end, share in asked.items()
            if share is not None
        ]
        found = one_row(train.frame, exprs)
        low = {name: self.lower if self.lower is not None else found.get(f"low\0{name}") for name in names}
        high = {name: self.upper if self.upper is not None else found.get(f"high\0{name}") for name in names}
        bounds = {name: (low[name], high[name]) for name in names}
        self._require_order(bounds)
        return FittedClip(bounds)

    def _require_order(self, bounds: Mapping[str, tuple[float | None, float | None]]) -> None:
        given = "lower" if self.lower is not None else "upper"
        problems = [
            Problem(
                f"transform.clip.{given}", f"the lowest value of '{name}' would be {low:g}, and the highest {high:g}"
            )
            for name, (low, high) in bounds.items()
            if low is not None and high is not None and low > high
        ]
        if problems:
            raise ConfigError("bad config for transform 'clip'", problems)
