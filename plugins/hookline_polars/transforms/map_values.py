"""Replaces values of one column by others, in training and at inference alike."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

from hookline import Dataset, Roles, Transform
from hookline.data.columns import kind_of
from hookline.errors import ConfigError, DataError, ExportError, Problem
from hookline.kinds.formats.words import holds_feature

from ..columns import NullIsWord, Scalar, choose, present
from .checks import require_values, some

if TYPE_CHECKING:
    import polars as pl


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

        Integers become float64 where one of them becomes a fraction.
        Where `default` is error, reading the rows raises DataError naming such values.
        """
        import polars as pl

        if not present(frame, [self.column]):
            return frame
        column = pl.col(self.column)
        dtype, old, new = frame.collect_schema()[self.column], _of_one_type(self.old), _of_one_type(self.new)
        if dtype in (pl.Categorical, pl.Enum):
            column = column.cast(pl.String)
        elif dtype.is_integer() and any(map(_is_fraction, (*self.old, *self.new, self.default_value))):
            # Polars would cut the fraction off.
            column = column.cast(pl.Float64)
        if self.default == "keep":
            mapped = column.replace(old, new)
        else:
            mapped = column.replace_strict(old, new, default=self.default_value)
        if self.default == "error":
            known = column.replace_strict(old, True, default=False, return_dtype=pl.Boolean)
            frame = require_values(frame, {self.column: known}, self._refusal)
        return frame.with_columns(pl.when(column.is_not_null()).then(mapped).alias(self.column))

    def _refusal(self, name: str, values: list[Any]) -> DataError:
        return DataError(
            f"transform.map_values: '{name}' holds values that are not in old: {some(values)}",
            hint="transform.map_values.default=keep, or add them",
        )

    def to_onnx(self, inputs: Mapping[str, Any]) -> dict[str, Any]:
        """Say it as ONNX: texts to texts, and numbers to numbers; raises ExportError for a mapping between types."""
        if self.column not in inputs:
            return dict(inputs)
        return {**inputs, self.column: self._in_onnx(inputs[self.column])}

    def _in_onnx(self, column: Any) -> Any:
        import spox.opset.ai.onnx.v21 as op

        from ..onnx import constant, is_missing, is_number, replace_values

        wanted = (bool, int, float) if is_number(column) else str
        values = [value for value in (*self.old, *self.new, self.default_value) if value is not None]
        if not all(isinstance(value, wanted) for value in values) or self.default == "error":
            raise ExportError(
                f"transform 'map_values' cannot be said in ONNX (column {self.column}): "
                "it maps between types, or fails on others",
                hint="choose packager=[skops]",
            )
        others = column
        if self.default != "keep":
            others = op.where(is_missing(column), column, constant(column, self.default_value))
        return replace_values(column, zip(self.old, self.new, strict=True), others)


class MapValuesTransform(Transform):
    """Replace values of one column by others."""

    name = "map_values"
    mends: ClassVar = {
        "sentinel": "transform=[map_values] transform.map_values.column={column} transform.map_values.old=[{old}] "
        "transform.map_values.new=[{new}]"
    }
    column: str
    """The column; it may be the target."""
    old: tuple[Scalar, ...]
    """Values to replace."""
    new: tuple[Scalar | None, ...]
    """What each becomes, in the same order; null makes it missing."""
    default: Annotated[Literal["keep", "null", "value", "error"], NullIsWord()] = "keep"
    """What becomes of a value that is not in `old`."""
    default_value: Scalar | None = None
    """What `value` makes of it."""

    def lacks_words(self, roles: Roles) -> Mapping[str, str]:
        """Say that ONNX maps numbers to numbers and texts to texts, and fails on no value."""
        values = [value for value in (*self.old, *self.new, self.default_value) if value is not None]
        alike = all(isinstance(value, str) for value in values) or not any(isinstance(value, str) for value in values)
        wants = (
            "an error for other values" if self.default == "error" else "" if alike else "texts for numbers, or back"
        )
        return {"onnx": wants} if wants and holds_feature((self.column,), roles) else {}

    def fit(self, train: Dataset) -> FittedMapValues:
        """Check the mapping against the column; raises ConfigError, or DataError naming what cannot be mapped."""
        if len(self.old) != len(self.new):
            problem = Problem("transform.map_values.new", f"has {len(self.new)} values for {len(self.old)} in old")
            raise ConfigError("bad config for transform 'map_values'", [problem])
        choose(train, (self.column,), "transform.map_values.column")
        self._require_kind(train.frame.collect_schema()[self.column])
        fallback = self.default_value if self.default == "value" else None
        fitted = FittedMapValues(self.column, self.old, self.new, self.default, fallback)
        self._try(fitted, train)
        return fitted

    def _require_kind(self, dtype: pl.DataType) -> None:
        kind = kind_of(self.column, dtype)
        wanted = {"string": (str,), "boolean": (bool,), "number": (int, float)}.get(kind, ())
        for value in self.old:
            if not isinstance(value, wanted) or (isinstance(value, bool) and kind == "number"):
                raise _refused(f"{value!r} is no {kind}, as '{self.column}' holds")
            if dtype.is_integer() and _is_fraction(value):
                raise _refused(f"{value!r} is no whole number, and '{self.column}' holds no others")

    def _try(self, fitted: FittedMapValues, train: Dataset) -> None:
        import polars as pl

        try:
            fitted.transform(train.frame).select(pl.col(self.column).null_count()).collect()
        except (pl.exceptions.PolarsError, TypeError) as error:
            first = str(error).strip().splitlines()[0]
            raise DataError(
                f"transform.map_values: {first}", hint="map every value, or choose transform.map_values.default=null"
            ) from None


def _is_fraction(value: Scalar | None) -> bool:
    return isinstance(value, float) and not value.is_integer()


def _of_one_type(values: Sequence[Scalar | None]) -> list[Scalar | None]:
    """Return whole numbers among fractions as fractions, since polars makes no column of both."""
    if any(isinstance(value, float) for value in values):
        return [float(value) if isinstance(value, int) and not isinstance(value, bool) else value for value in values]
    return list(values)


def _refused(message: str) -> ConfigError:
    return ConfigError("bad config for transform 'map_values'", [Problem("transform.map_values.old", message)])
