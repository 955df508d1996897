"""Numbers far from the others: limited or made missing in every row, or dropped with their row from training."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, Literal

from annotated_types import Gt

from hookline import Dataset, Transform

from ..columns import Columns, choose, present
from ..stats import one_row, quantile, weight_of

if TYPE_CHECKING:
    import polars as pl

Method = Literal["iqr", "mad"]
FACTORS: Mapping[Method, float] = {"iqr": 1.5, "mad": 3.5}
NORMAL = 0.6745
"""The median absolute deviation of a standard normal distribution."""


@dataclass(frozen=True)
class FittedOutliers:
    """Limits what is beyond the learned bounds, or makes it missing."""

    bounds: Mapping[str, tuple[float, float]]
    action: Literal["clip", "missing"]

    def transform(self, frame: pl.LazyFrame) -> pl.LazyFrame:
        """Change what is beyond; the columns become float64."""
        return frame.with_columns(self._within(name) for name in present(frame, self.bounds))

    def _within(self, name: str) -> pl.Expr:
        import polars as pl

        column, bounds = _number(name), self.bounds[name]
        if self.action == "clip":
            return column.clip(*bounds)
        return pl.when(column.is_between(*bounds)).then(column).alias(name)

    def to_onnx(self, inputs: Mapping[str, Any]) -> dict[str, Any]:
        """Say it as ONNX."""
        from ..onnx import clip, without_beyond

        change = clip if self.action == "clip" else without_beyond
        held = {name: bounds for name, bounds in self.bounds.items() if name in inputs}
        return {**inputs, **{name: change(inputs[name], *bounds) for name, bounds in held.items()}}


class OutliersTransform(Transform):
    """Limit numbers that are far from the others of the training rows, or make them missing."""

    name = "outliers"
    columns: tuple[str, ...] | Columns = ()
    """Columns to look at; by default every number among the features."""
    method: Method = "iqr"
    """`iqr`: how far beyond the quartiles (Tukey 1977); `mad`: how far from the median (Iglewicz and Hoaglin 1993)."""
    factor: Annotated[float, Gt(0)] | None = None
    """Interquartile ranges, by default 1.5; or modified z-scores, by default 3.5."""
    action: Literal["clip", "missing"] = "clip"
    """`clip` puts the nearest value that is none; `missing` makes it missing, for `impute` or the featurizer."""

    def fit(self, train: Dataset) -> FittedOutliers:
        """Learn the bounds; a column without spread gets none. Raises ConfigError for a column that holds no number."""
        names = choose(train, self.columns, "transform.outliers.columns", ("number",))
        return FittedOutliers(_bounds(train, names, self.method, self.factor), self.action)


@dataclass(frozen=True)
class FittedDropOutliers:
    """Drops rows with a number beyond the learned bounds."""

    bounds: Mapping[str, tuple[float, float]]

    def transform(self, frame: pl.LazyFrame) -> pl.LazyFrame:
        """Keep rows whose numbers are within the bounds or missing, in order."""
        import polars as pl

        names = present(frame, self.bounds)
        return frame.filter([_number(n).is_between(*self.bounds[n]).fill_null(pl.lit(True)) for n in names])


class DropOutliersTransform(Transform):
    """Drop training rows with a number far from the others; rows to be judged or predicted are kept as they are."""

    name = "drop_outliers"
    applies = "training"
    columns: tuple[str, ...] | Columns = ()
    """Columns to look at; by default every number among the features. The target may be named."""
    method: Method = "iqr"
    """`iqr`: how far beyond the quartiles (Tukey 1977); `mad`: how far from the median (Iglewicz and Hoaglin 1993)."""
    factor: Annotated[float, Gt(0)] | None = None
    """Interquartile ranges, by default 1.5; or modified z-scores, by default 3.5."""

    def fit(self, train: Dataset) -> FittedDropOutliers:
        """Learn the bounds; a column without spread gets none. Raises ConfigError for a column that holds no number."""
        names = choose(train, self.columns, "transform.drop_outliers.columns", ("number",))
        return FittedDropOutliers(_bounds(train, names, self.method, self.factor))


def _bounds(train: Dataset, names: list[str], method: Method, factor: float | None) -> dict[str, tuple[float, float]]:
    """Return the lowest and highest usual value of each column whose spread is finite and above 0, rows weighted."""
    import math

    train = train.weighing()
    weight, times = weight_of(train), FACTORS[method] if factor is None else factor
    ends = ("middle",) if method == "mad" else ("low", "high")
    shares = {"middle": 0.5, "low": 0.25, "high": 0.75}
    asked = [quantile(_number(name), weight, shares[end]).alias(f"{end}\0{name}") for name in names for end in ends]
    found = one_row(train.frame, asked)
    held = [name for name in names if all(_finite(found[f"{end}\0{name}"]) for end in ends)]
    if method == "iqr":
        low, high = ({name: found[f"{end}\0{name}"] for name in held} for end in ends)
        reach = {name: times * (high[name] - low[name]) for name in held}
    else:
        low = high = {name: found[f"middle\0{name}"] for name in held}
        apart = [quantile((_number(name) - low[name]).abs(), weight, 0.5).alias(name) for name in held]
        reach = {name: times * value / NORMAL for name, value in one_row(train.frame, apart).items()}
    spread = [name for name in held if 0 < reach[name] < math.inf]
    return {name: (low[name] - reach[name], high[name] + reach[name]) for name in spread}


def _finite(value: float | None) -> bool:
    import math

    return value is not None and math.isfinite(value)


def _number(name: str) -> pl.Expr:
    import polars as pl

    return pl.col(name).cast(pl.Float64).fill_nan(None)
