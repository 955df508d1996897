"""Transforms that change values, fitted on training rows, in training and at inference alike."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, Literal

from annotated_types import Ge, Interval

from hookline import Dataset, Transform
from hookline.errors import ConfigError, DataError, Problem
from hookline.schema import column_kind

from .casts import read_as
from .checks import require_values
from .columns import Columns, choose
from .stats import one_row

if TYPE_CHECKING:
    import polars as pl

Scalar = bool | int | float | str


def present(frame: pl.LazyFrame, names: Any) -> list[str]:
    """Return those of `names` that a frame has: the target is absent at inference."""
    held = set(frame.collect_schema().names())
    return [name for name in names if name in held]


@dataclass(frozen=True)
class FittedImpute:
    """Fills missing values with what was learned."""

    numbers: Mapping[str, float]
    texts: Mapping[str, str]
    booleans: Mapping[str, bool]

    def transform(self, frame: pl.LazyFrame) -> pl.LazyFrame:
        """Fill; numbers become float64, so that a mean fits an integer column."""
        import polars as pl

        fill = {**self.numbers, **self.texts, **self.booleans}
        exprs = []
        for name in present(frame, fill):
            column = pl.col(name).cast(pl.Float64) if name in self.numbers else pl.col(name)
            exprs.append(column.fill_null(pl.lit(fill[name])))
        return frame.with_columns(exprs)

    def to_onnx(self, inputs: Mapping[str, Any]) -> dict[str, Any]:
        """Say it as ONNX."""
        from .onnx import fill_number, fill_text

        out = dict(inputs)
        for name, value in {**self.numbers, **{k: float(v) for k, v in self.booleans.items()}}.items():
            if name in out:
                out[name] = fill_number(out[name], value)
        for name, text in self.texts.items():
            if name in out:
                out[name] = fill_text(out[name], text)
        return out


class ImputeTransform(Transform):
    """Fill missing values with a statistic of the training rows, or with a constant."""

    name = "impute"
    columns: tuple[str, ...] | Columns = ()
    """Columns to fill; by default every feature column that is a number, a text or a boolean."""
    number: Literal["mean", "median", "most_frequent", "constant"] = "median"
    """How numbers are filled."""
    text: Literal["most_frequent", "constant"] = "most_frequent"
    """How texts and booleans are filled."""
    number_value: float = 0.0
    """What `constant` fills into numbers."""
    text_value: str = "missing"
    """What `constant` fills into texts."""

    def fit(self, train: Dataset) -> FittedImpute:
        """Compute all statistics; raises DataError for a column with no value at all."""

        schema = train.frame.collect_schema()
        names = choose(train, self.columns, "transform.impute.columns", ("number", "string", "boolean"))
        kinds = {name: column_kind(schema[name]) for name in names}
        stats = {name: self._statistic(name, kind) for name, kind in kinds.items()}
        found = one_row(train.frame, [expr.alias(name) for name, expr in stats.items()])
        empty = [name for name, value in found.items() if value is None]
        if empty:
            raise DataError(
                f"impute cannot fill {', '.join(empty[:5])}: no training row has a value",
                hint="add them to roles.ignore",
            )
        texts = {n: str(v) for n, v in found.items() if kinds[n] == "string"}
        numbers = {n: float(v) for n, v in found.items() if kinds[n] == "number"}
        return FittedImpute(numbers, texts, {n: bool(v) for n, v in found.items() if kinds[n] == "boolean"})

    def _statistic(self, name: str, kind: str) -> pl.Expr:
        import polars as pl

        column = pl.col(name)
        if kind == "number":
            if self.number == "constant":
                return pl.lit(self.number_value)
            if self.number in ("mean", "median"):
                finite = column.cast(pl.Float64)
                return finite.mean() if self.number == "mean" else finite.median()
        elif self.text == "constant" and kind == "string":
            return pl.lit(self.text_value)
        # Of equally frequent values the smallest, so that the choice does not depend on the order of rows.
        return column.drop_nulls().mode().sort().first()


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
        from .onnx import clip

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
        from .onnx import cast_number

        casts = {name: cast_number(inputs[name], dtype, name) for name, dtype in self.dtypes.items() if name in inputs}
        return {**inputs, **casts}


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
class FittedNormalizeText:
    """Writes equal texts equally."""

    columns: tuple[str, ...]
    strip: bool
    strip_end: str
    case: str
    unicode: bool
    collapse: bool

    def transform(self, frame: pl.LazyFrame) -> pl.LazyFrame:
        """Normalize; a text that becomes empty is missing."""
        return frame.with_columns(self._expr(name) for name in present(frame, self.columns))

    def _expr(self, name: str) -> pl.Expr:
        import polars as pl

        text = pl.col(name).cast(pl.String)
        if self.unicode:
            text = text.str.normalize("NFKC")
        if self.collapse:
            text = text.str.replace_all(r"\s+", " ")
        if self.strip:
            text = text.str.strip_chars()
        if self.strip_end:
            text = text.str.strip_chars_end(self.strip_end)
        if self.case != "keep":
            text = text.str.to_lowercase() if self.case == "lower" else text.str.to_uppercase()
        return text.replace("", None)

    def to_onnx(self, inputs: Mapping[str, Any]) -> dict[str, Any]:
        """Raise ExportError for features that it changes: ONNX has no such text operations. The target needs none."""
        from hookline.errors import ExportError

        changed = [name for name in self.columns if name in inputs]
        if changed:
            raise ExportError(
                f"transform 'normalize_text' cannot be said in ONNX (columns {', '.join(changed[:5])})",
                hint="choose packager=[skops], or normalize where the data come from",
            )
        return dict(inputs)


class NormalizeTextTransform(Transform):
    """Write equal texts equally: spaces, case, Unicode forms, stray endings."""

    name = "normalize_text"
    columns: tuple[str, ...] | Columns = ()
    """Columns to normalize; by default every text among the features. The target may be named."""
    strip: bool = True
    """Take spaces off both ends."""
    strip_end: str = ""
    """Characters to take off the end, such as `.`."""
    case: Literal["keep", "lower", "upper"] = "keep"
    """What becomes of letters."""
    unicode: bool = True
    """Bring Unicode to the NFKC form (UAX 15)."""
    collapse: bool = True
    """Make one space of several."""

    def fit(self, train: Dataset) -> FittedNormalizeText:
        """Choose the columns."""
        names = choose(train, self.columns, "transform.normalize_text.columns", ("string",))
        options = {f.name: getattr(self, f.name) for f in dataclasses.fields(self) if f.name != "columns"}
        return FittedNormalizeText(tuple(names), **options)


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
        from .onnx import map_column

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


@dataclass(frozen=True)
class FittedRareCategories:
    """Puts rare and unseen texts under one label."""

    kept: Mapping[str, tuple[str, ...]]
    label: str

    def transform(self, frame: pl.LazyFrame) -> pl.LazyFrame:
        """Replace what was rare or unseen in training; missing values stay missing."""
        import polars as pl

        exprs = []
        for name in present(frame, self.kept):
            # As text, since an Enum column would refuse the label.
            text = pl.col(name).cast(pl.String)
            kept = text.is_null() | text.is_in(list(self.kept[name]))
            exprs.append(pl.when(kept).then(text).otherwise(pl.lit(self.label)).alias(name))
        return frame.with_columns(exprs)

    def to_onnx(self, inputs: Mapping[str, Any]) -> dict[str, Any]:
        """Say it as ONNX."""
        from .onnx import keep_texts

        return {
            **inputs,
            **{name: keep_texts(inputs[name], kept, self.label) for name, kept in self.kept.items() if name in inputs},
        }


class RareCategoriesTransform(Transform):
    """Put texts that are rare in training, and ones never seen there, under one label."""

    name = "rare_categories"
    columns: tuple[str, ...] | Columns = ()
    """Columns to look at; by default every text among the features."""
    min_count: Annotated[int, Ge(1)] = 10
    """Fewest training rows of a value that is kept."""
    min_fraction: Annotated[float, Interval(ge=0, le=1)] = 0.0
    """Smallest share of training rows of a value that is kept."""
    label: str = "rare"
    """What the others become."""

    def fit(self, train: Dataset) -> FittedRareCategories:
        """Count the values of every column."""
        import polars as pl

        names = choose(train, self.columns, "transform.rare_categories.columns", ("string",))
        rows = train.frame.select(pl.len()).collect().item()
        least = max(self.min_count, self.min_fraction * rows)
        counts = pl.collect_all([train.frame.group_by(pl.col(name).cast(pl.String)).len() for name in names])
        kept = {}
        for name, count in zip(names, counts, strict=True):
            kept[name] = tuple(
                sorted(count.filter(pl.col(name).is_not_null() & (pl.col("len") >= least))[name].to_list())
            )
        return FittedRareCategories(kept, self.label)


def _some(values: list[Any]) -> str:
    shown = ", ".join(repr(value) for value in values[:5])
    return f"{shown} and {len(values) - 5} more" if len(values) > 5 else shown
