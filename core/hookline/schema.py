"""The input contract of a pipeline: inferred from training rows, checked at every later door."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from .artifacts import Column, ColumnKind, Schema
from .errors import DataError, Problem, StoreError, closest

if TYPE_CHECKING:
    import polars as pl

MAX_CATEGORIES = 1_000


def column_kind(dtype: pl.DataType) -> ColumnKind:
    """Return how hookline treats a polars dtype; raises DataError for nested and binary ones."""
    import polars as pl

    if dtype == pl.Boolean:
        return "boolean"
    if dtype.is_numeric():
        return "number"
    if dtype in (pl.String, pl.Categorical, pl.Enum, pl.Null):
        return "string"
    if dtype in (pl.Date, pl.Datetime):
        return "datetime"
    raise DataError(
        f"columns of type {dtype} are not supported", hint="cast or drop them, or name them in roles.ignore"
    )


def infer_schema(frame: pl.LazyFrame, names: list[str]) -> Schema:
    """Infer the contract of columns `names` from training rows, in one pass."""
    import polars as pl

    dtypes = frame.select(names).collect_schema()
    kinds: dict[str, ColumnKind] = {name: _kind_or_raise(name, dtype) for name, dtype in dtypes.items()}
    exprs = [pl.col(name).null_count().alias(f"{name}\0nulls") for name in names]
    for name, kind in kinds.items():
        value = as_number(name, kind, dtypes[name])
        if value is not None:
            finite = value.filter(value.is_finite())
            exprs += [finite.min().alias(f"{name}\0min"), finite.max().alias(f"{name}\0max")]
        else:
            exprs.append(
                pl.col(name)
                .cast(pl.String)
                .drop_nulls()
                .unique()
                .sort()
                .head(MAX_CATEGORIES + 1)
                .implode()
                .alias(f"{name}\0values")
            )
    found = frame.select(exprs).collect().row(0, named=True) if names else {}
    columns = []
    for name, dtype in dtypes.items():
        values = found.get(f"{name}\0values")
        categories = tuple(values) if values is not None and len(values) <= MAX_CATEGORIES else None
        columns.append(
            Column(
                name,
                repr(dtype),
                kinds[name],
                found[f"{name}\0nulls"] > 0,
                categories,
                found.get(f"{name}\0min"),
                found.get(f"{name}\0max"),
            )
        )
    return Schema(tuple(columns))


def as_number(name: str, kind: ColumnKind, dtype: pl.DataType) -> pl.Expr | None:
    """Return a column as float64 (datetimes: seconds since 1970 UTC), or None for strings and booleans."""
    import polars as pl

    if kind == "number":
        return pl.col(name).cast(pl.Float64)
    if kind == "datetime":
        return pl.col(name).cast(pl.Datetime("us")).dt.epoch("us").cast(pl.Float64) / 1e6
    return None


def conform(frame: pl.DataFrame, schema: Schema) -> pl.DataFrame:
    """Return just the schema's columns in its order and dtypes, empty strings as missing.

    Columns beyond the schema are left out. Raises DataError naming every column that is absent or cannot be read as its type.
    """
    import polars as pl

    problems: list[Problem] = []
    series: list[pl.Series] = []
    for column in schema.columns:
        if column.name not in frame.columns:
            match = closest(column.name, frame.columns)
            problems.append(Problem(column.name, "is missing" + (f"; did you mean '{match}'?" if match else "")))
            continue
        try:
            series.append(_cast(frame[column.name], column))
        except (pl.exceptions.PolarsError, ValueError, TypeError) as error:
            problems.append(Problem(column.name, f"must be a {column.kind}, got {_example(frame[column.name], error)}"))
    if problems:
        raise DataError("the rows do not fit the model's input contract", problems)
    return pl.DataFrame(series)


def unlike_training(frame: pl.DataFrame, schema: Schema) -> dict[int, tuple[str, ...]]:
    """Return row position -> what in it training never saw: a new category, a number out of range, a gap where none was."""
    import polars as pl

    warnings: dict[int, list[str]] = {}
    for column in schema.columns:
        values = frame[column.name]
        if not column.nullable:
            for row in values.is_null().arg_true().to_list() if values.null_count() else []:
                warnings.setdefault(row, []).append(f"{column.name}: is missing, and never was in training")
        if column.categories is not None:
            strange = values.cast(pl.String)
            mask = ~strange.is_in(list(column.categories))
        elif column.minimum is not None and column.maximum is not None:
            expr = as_number(column.name, column.kind, values.dtype)
            assert expr is not None
            strange = frame.select(expr)[column.name]
            mask = (strange < column.minimum) | (strange > column.maximum)
        else:
            continue
        for row in (mask & strange.is_not_null()).arg_true().to_list():
            warnings.setdefault(row, []).append(_warning(column, strange[row]))
    return {row: tuple(texts) for row, texts in warnings.items()}


class Familiar:
    """What training has seen, looked up value by value: `unlike_training` for a few rows of Python values."""

    def __init__(self, schema: Schema) -> None:
        self._columns = [
            (column, None if column.categories is None else frozenset(column.categories)) for column in schema.columns
        ]

    def warnings(self, columns: Mapping[str, list[Any]]) -> dict[int, tuple[str, ...]]:
        """Return row position -> what in it training never saw."""
        found: dict[int, tuple[str, ...]] = {}
        for column, categories in self._columns:
            for row, value in enumerate(columns[column.name]):
                text = _strange(column, categories, value)
                if text is not None:
                    found[row] = (*found.get(row, ()), text)
        return found


def _strange(column: Column, categories: frozenset[str] | None, value: Any) -> str | None:
    if value is None or value == "" or value != value:
        return None if column.nullable else f"{column.name}: is missing, and never was in training"
    if categories is not None:
        word = str(value).lower() if isinstance(value, bool) else value
        return None if word in categories else _warning(column, word)
    if column.minimum is None or column.maximum is None:
        return None
    number = value.replace(tzinfo=UTC).timestamp() if isinstance(value, datetime) else value
    return None if column.minimum <= number <= column.maximum else _warning(column, number)


def _warning(column: Column, value: object) -> str:
    if column.categories is not None:
        return f"{column.name}: '{value}' was never seen in training"
    shown = [_shown(column, number) for number in (value, column.minimum, column.maximum)]
    return f"{column.name}: {shown[0]} is outside the training range [{shown[1]}, {shown[2]}]"


def _shown(column: Column, number: Any) -> str:
    if column.kind == "datetime":
        return datetime.fromtimestamp(number, UTC).replace(tzinfo=None).isoformat(" ", "seconds")
    return f"{number:g}"


def _cast(values: pl.Series, column: Column) -> pl.Series:
    import polars as pl

    dtype = parse_dtype(column.dtype)
    if column.kind == "string":
        text = values if values.dtype == pl.String else values.cast(pl.String)
        cleaned = text.replace("", None)
        return cleaned if dtype == pl.String else cleaned.cast(dtype, strict=column.categories is None)
    if values.dtype == pl.String and column.kind == "boolean":
        raise ValueError("a string")
    if values.dtype == pl.String and column.kind == "datetime":
        return values.str.to_datetime(time_unit="us", strict=True).cast(dtype)
    if values.dtype == pl.Boolean and column.kind == "number":
        return values.cast(pl.Int8).cast(dtype)
    if values.dtype.is_numeric() and column.kind == "datetime":
        raise ValueError("a number")
    if values.dtype.is_numeric() and column.kind == "boolean" and not values.drop_nulls().is_in([0, 1]).all():
        raise ValueError("a number")
    if values.dtype.is_float():
        values = values.fill_nan(None)
        # A whole-number column may meet a fraction later; float64 holds both.
        return values.cast(pl.Float64) if dtype.is_integer() else values.cast(dtype)
    return values.cast(dtype)


def parse_dtype(text: str) -> pl.DataType:
    """Return the polars dtype that `repr` wrote, such as `Datetime(time_unit='us', time_zone=None)`."""
    import ast

    import polars as pl

    call = ast.parse(text, mode="eval").body
    if isinstance(call, ast.Name):
        return pl.String() if call.id == "Enum" else _dtype_class(call.id)()
    if not (isinstance(call, ast.Call) and isinstance(call.func, ast.Name)):
        raise StoreError(f"{text!r} is not a column type")
    if call.func.id in ("Categorical", "Enum"):
        return pl.String()
    keywords = {k.arg: ast.literal_eval(k.value) for k in call.keywords if k.arg}
    return _dtype_class(call.func.id)(*[ast.literal_eval(a) for a in call.args], **keywords)


def _dtype_class(name: str) -> type[pl.DataType]:
    """Return a polars dtype by name, and nothing else of polars: the text may come from a package."""
    import polars as pl

    found = getattr(pl, name, None)
    if not (isinstance(found, type) and issubclass(found, pl.DataType)):
        raise StoreError(f"{name!r} is not a column type")
    return found


def _kind_or_raise(name: str, dtype: pl.DataType) -> ColumnKind:
    try:
        return column_kind(dtype)
    except DataError as error:
        raise DataError(f"column '{name}': {error.message}", hint=error.hint) from None


def _example(values: pl.Series, error: Exception) -> str:
    present = values.drop_nulls()
    return repr(present[0]) if len(present) else str(error)
