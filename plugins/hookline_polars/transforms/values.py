"""Transforms that change values one by one, fitted on training rows, in training and at inference alike."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, Literal

from annotated_types import Interval

from hookline import Dataset, Limit, Transform
from hookline.data.columns import column_kind
from hookline.errors import ConfigError, DataError, Problem

from ..columns import Columns, Scalar, choose, present
from ..stats import one_row
from .casts import read_as
from .checks import require_values

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

    def fit(self, train: Dataset) -> FittedClip:
        """Learn the quantiles; raises ConfigError where no bound is given."""
        import polars as pl

        if all(value is None for value in (self.lower, self.upper, self.lower_quantile, self.upper_quantile)):
            problem = Problem("transform.clip", "give at least one of lower, upper, lower_quantile and upper_quantile")
            raise ConfigError("bad config for transform 'clip'", [problem])
        names = choose(train, self.columns, "transform.clip.columns", ("number",))
        asked = {"low": self.lower_quantile, "high": self.upper_quantile}
        exprs = [
            pl.col(name).cast(pl.Float64).quantile(share, "linear").alias(f"{end}\0{name}")
            for name in names
            for end, share in asked.items()
            if share is not None
        ]
        found = one_row(train.frame, exprs)
        low = {name: self.lower if self.lower is not None else found.get(f"low\0{name}") for name in names}
        high = {name: self.upper if self.upper is not None else found.get(f"high\0{name}") for name in names}
        return FittedClip({name: (low[name], high[name]) for name in names})


@dataclass(frozen=True)
class FittedCast:
    """Reads columns as another type."""

    dtypes: Mapping[str, str]
    format: str | None
    strict: bool

    def transform(self, frame: pl.LazyFrame) -> pl.LazyFrame:
        """Cast; where `strict`, reading the rows raises DataError naming a value that cannot be read, else it is missing."""
        import polars as pl

        schema = frame.collect_schema()
        read = {
            n: read_as(pl.col(n), schema[n], self.dtypes[n], self.format, strict=False)
            for n in present(frame, self.dtypes)
        }
        if self.strict:
            frame = require_values(frame, {n: expr.is_not_null() for n, expr in read.items()}, self._refusal)
        return frame.with_columns(**read)

    def _refusal(self, name: str, values: list[Any]) -> DataError:
        return DataError(
            f"transform.cast: '{name}' holds {_some(values)}, which cannot be read as {self.dtypes[name]}",
            hint="transform.cast.errors=null makes such values missing",
        )

    def to_onnx(self, inputs: Mapping[str, Any]) -> dict[str, Any]:
        """Say it as ONNX, where that has the words: numbers to numbers, integers and booleans."""
        from ..onnx import cast_number

        casts = {name: cast_number(inputs[name], dtype, name) for name, dtype in self.dtypes.items() if name in inputs}
        return {**inputs, **casts}

    def onnx_limit(self) -> Limit | None:
        """Return where integers end."""
        whole = "integer" in self.dtypes.values()
        return (
            Limit(2.0**63, "transform 'cast' reads integers, which end at 2^63 and are not refused there")
            if whole
            else None
        )


class CastTransform(Transform):
    """Read columns as another type."""

    name = "cast"
    dtypes: Mapping[str, Literal["number", "integer", "string", "boolean", "datetime"]]
    """Column -> type."""
    format: str | None = None
    """How datetimes are written, in strftime's letters; null finds out."""
    errors: Literal["raise", "null"] = "raise"
    """What becomes of a value that cannot be read: an error, or a missing value."""

    def fit(self, train: Dataset) -> FittedCast:
        """Check that the training rows can be read so; raises DataError naming a value that cannot."""
        import polars as pl

        names = choose(train, tuple(self.dtypes), "transform.cast.dtypes")
        fitted = FittedCast({name: self.dtypes[name] for name in names}, self.format, self.errors == "raise")
        if fitted.strict:
            try:
                fitted.transform(train.frame).select(names).collect()
            except pl.exceptions.PolarsError as error:
                raise DataError(f"transform.cast: {str(error).strip().splitlines()[0]}") from None
        return fitted


@dataclass(frozen=True)
class FittedMapValues:
    """Replaces values of one column."""

    column: str
    old: tuple[Scalar, ...]
    new: tuple[Scalar | None, ...]
    default: str
    default_value: Scalar | None

    def transform(self, frame: pl.LazyFrame) -> pl.LazyFrame:
        """Replace; values that are not in the mapping go by `default`, missing ones stay missing.

        Where `default` is error, reading the rows raises DataError naming such values.
        """
        import polars as pl

        if not present(frame, [self.column]):
            return frame
        column = pl.col(self.column)
        if frame.collect_schema()[self.column] in (pl.Categorical, pl.Enum):
            column = column.cast(pl.String)
        if self.default == "keep":
            mapped = column.replace(list(self.old), list(self.new))
        else:
            mapped = column.replace_strict(list(self.old), list(self.new), default=self.default_value)
        if self.default == "error":
            known = column.replace_strict(list(self.old), True, default=False, return_dtype=pl.Boolean)
            frame = require_values(frame, {self.column: known}, self._refusal)
        return frame.with_columns(pl.when(column.is_not_null()).then(mapped).alias(self.column))

    def _refusal(self, name: str, values: list[Any]) -> DataError:
        return DataError(
            f"transform.map_values: '{name}' holds values that are not in old: {_some(values)}",
            hint="transform.map_values.default=keep, or add them",
        )

    def to_onnx(self, inputs: Mapping[str, Any]) -> dict[str, Any]:
        """Say it as ONNX."""
        from ..onnx import map_column

        if self.column not in inputs:
            return dict(inputs)
        return {**inputs, self.column: map_column(self, inputs[self.column])}


class MapValuesTransform(Transform):
    """Replace values of one column by others."""

    name = "map_values"
    column: str
    """The column; it may be the target."""
    old: tuple[Scalar, ...]
    """Values to replace."""
    new: tuple[Scalar | None, ...]
    """What each becomes, in the same order; null makes it missing."""
    default: Literal["keep", "null", "value", "error"] = "keep"
    """What becomes of a value that is not in `old`."""
    default_value: Scalar | None = None
    """What `value` makes of it."""

    def fit(self, train: Dataset) -> FittedMapValues:
        """Check the mapping against the column; raises ConfigError, or DataError naming what cannot be mapped."""
        if len(self.old) != len(self.new):
            problem = Problem("transform.map_values.new", f"has {len(self.new)} values for {len(self.old)} in old")
            raise ConfigError("bad config for transform 'map_values'", [problem])
        choose(train, (self.column,), "transform.map_values.column")
        self._require_kind(column_kind(train.frame.collect_schema()[self.column]))
        fallback = self.default_value if self.default == "value" else None
        fitted = FittedMapValues(self.column, self.old, self.new, self.default, fallback)
        self._try(fitted, train)
        return fitted

    def _require_kind(self, kind: str) -> None:
        wanted = {"string": (str,), "boolean": (bool,), "number": (int, float)}.get(kind, ())
        for value in self.old:
            if not isinstance(value, wanted) or (isinstance(value, bool) and kind == "number"):
                problem = Problem("transform.map_values.old", f"{value!r} is no {kind}, as '{self.column}' holds")
                raise ConfigError("bad config for transform 'map_values'", [problem])

    def _try(self, fitted: FittedMapValues, train: Dataset) -> None:
        import polars as pl

        try:
            fitted.transform(train.frame).select(pl.col(self.column).null_count()).collect()
        except pl.exceptions.PolarsError as error:
            first = str(error).strip().splitlines()[0]
            raise DataError(
                f"transform.map_values: {first}", hint="map every value, or choose transform.map_values.default=null"
            ) from None


def _some(values: list[Any]) -> str:
    shown = ", ".join(repr(value) for value in values[:5])
    return f"{shown} and {len(values) - 5} more" if len(values) > 5 else shown
