"""Numbers far from the others: limited, made missing or flagged in every row, or dropped with their row from training."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, Literal

from annotated_types import Gt

from hookline import Dataset, Transform
from hookline.data.frames import require_new

from ..columns import Columns, choose, present
from ..stats import one_row, quantile, weight_of

if TYPE_CHECKING:
    import polars as pl

Method = Literal["iqr", "mad"]
Action = Literal["clip", "missing", "flag"]
FACTORS: Mapping[Method, float] = {"iqr": 1.5, "mad": 3.5}
NORMAL = 0.6745
"""The median absolute deviation of a standard normal distribution."""


@dataclass(frozen=True)
class FittedOutliers:
    """Limits what is beyond the learned bounds, makes it missing, or flags its row."""

    bounds: Mapping[str, tuple[float, float]]
    action: Action
    flag: str = ""
    """The new column, where rows are flagged."""

    def transform(self, frame: pl.LazyFrame) -> pl.LazyFrame:
        """Change what is beyond, where the columns become float64; or add a boolean column, true where any number is beyond."""
        if self.action == "flag":
            import polars as pl

            beyond = [~_inside(name, self.bounds[name]) for name in present(frame, self.bounds)]
            return frame.with_columns(pl.any_horizontal(*beyond, pl.lit(value=False)).alias(self.flag))
        return frame.with_columns(self._within(name) for name in present(frame, self.bounds))

    def _within(self, name: str) -> pl.Expr:
        import polars as pl

        column, bounds = _number(name), self.bounds[name]
        if self.action == "clip":
            return column.clip(*bounds)
        return pl.when(column.is_between(*bounds)).then(column).alias(name)

    def to_onnx(self, inputs: Mapping[str, Any]) -> dict[str, Any]:
        """Say it as ONNX."""
        from ..onnx import any_beyond, clip, without_beyond

        if self.action == "flag":
            held = {name: bounds for name, bounds in self.bounds.items() if name in inputs}
            return {**inputs, self.flag: any_beyond(inputs, held)}
        change = clip if self.action == "clip" else without_beyond
        held = {name: bounds for name, bounds in self.bounds.items() if name in inputs}
        return {**inputs, **{name: change(inputs[name], *bounds) for name, bounds in held.items()}}


class OutliersTransform(Transform):
    """Limit numbers that are far from the others of the training rows, make them missing, or flag their rows."""

    name = "outliers"
    columns: tuple[str, ...] | Columns = ()
    """Columns to look at; by default every number among the features."""
    method: Method = "iqr"
    """`iqr`: how far beyond the quartiles (Tukey 1977); `mad`: how far from the median (Iglewicz and Hoaglin 1993)."""
    factor: Annotated[float, Gt(0)] | None = None
    """Interquartile ranges, by default 1.5; or modified z-scores, by default 3.5."""
    action: Action = "clip"
    """`clip` puts the nearest value that is none; `missing` makes it missing, for `impute` or the featurizer; `flag` leaves it,
    and adds a column that says which rows hold one."""
    flag: str = "is_outlier"
    """Name of the column that `flag` adds, of which features are made as of any other."""

    def fit(self, train: Dataset) -> FittedOutliers:
        """Learn the bounds; a column without spread gets none. Raises ConfigError for a column that holds no number."""
        names = choose(train, self.columns, "transform.outliers.columns", ("number",))
        if self.action != "flag":
            return FittedOutliers(_bounds(train, names, self.method, self.factor), self.action)
        require_new((self.flag,), train.frame.collect_schema().names(), "transform.outliers.flag")
        return FittedOutliers(_bounds(train, names, self.method, self.factor), self.action, self.flag)


@dataclass(frozen=True)
class FittedDropOutliers:
    """Drops rows with a number beyond the learned bounds."""

    bounds: Mapping[str, tuple[float, float]]

    def transform(self, frame: pl.LazyFrame) -> pl.LazyFrame:
        """Keep rows whose numbers are within the bounds or missing, in order."""
        names = present(frame, self.bounds)
        return frame.filter([_inside(name, self.bounds[name]) for name in names])


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


def _inside(name: str, bounds: tuple[float, float]) -> pl.Expr:
    """Tell whether a number is within bounds, or missing."""
    import polars as pl

    return _number(name).is_between(*bounds).fill_null(pl.lit(value=True))


def _finite(value: float | None) -> bool:
    import math

    return value is not None and math.isfinite(value)


def _number(name: str) -> pl.Expr:
    import polars as pl

    return pl.col(name).cast(pl.Float64).fill_nan(None)
