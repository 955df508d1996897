"""The raw columns that a pipeline takes: inferred from training rows, and how later rows are read as them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, TypeVar

from hookline.errors import DataError, Problem, StoreError, closest
from hookline.kinds.artifacts import Column, ColumnKind, DateOrder, Schema

from .dates import read_moments, written_out

if TYPE_CHECKING:
    import polars as pl

F = TypeVar("F", "pl.DataFrame", "pl.LazyFrame")

MAX_CATEGORIES = 1_000
FEW_TEXTS = 20
"""Up to so many different texts are categories, however few the rows."""
DTYPES: Mapping[ColumnKind, str] = {
    "number": "Float64",
    "string": "String",
    "boolean": "Boolean",
    "datetime": "Datetime(time_unit='us', time_zone=None)",
}
"""Kind -> the dtype of a column of which nothing else is known."""


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


def kind_of(name: str, dtype: pl.DataType) -> ColumnKind:
    """Return how hookline treats a column; raises DataError naming it where it cannot be treated at all."""
    try:
        return column_kind(dtype)
    except DataError as error:
        raise DataError(f"column '{name}': {error.message}", hint=error.hint) from None


def infer_schema(frame: pl.LazyFrame, names: list[str]) -> Schema:
    """Infer the contract of columns `names` from training rows, in one pass; one without any value need not be there."""
    import polars as pl

    found_kinds = infer_kinds(frame, names)
    dtypes = {name: dtype for name, (dtype, _) in found_kinds.items()}
    kinds: dict[str, ColumnKind] = {name: kind for name, (_, kind) in found_kinds.items()}
    exprs = [pl.col(name).null_count().alias(f"{name}\0nulls") for name in names]
    exprs += [pl.col(name).count().alias(f"{name}\0held") for name in names]
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
        categories = None if values is None else _categories(values, found[f"{name}\0held"])
        columns.append(
            Column(
                name,
                repr(dtype),
                kinds[name],
                found[f"{name}\0nulls"] > 0,
                categories,
                found.get(f"{name}\0min"),
                found.get(f"{name}\0max"),
                required=found[f"{name}\0held"] > 0,
            )
        )
    return Schema(tuple(columns))


def _categories(values: Sequence[str], rows: int) -> tuple[str, ...] | None:
    """Return the texts that a column may hold; None where they are many, or name rows, so that further ones will come.

    rows: how many rows hold one
    """
    names_rows = len(values) > FEW_TEXTS and len(values) > rows / 2
    return None if len(values) > MAX_CATEGORIES or names_rows else tuple(values)


def infer_kinds(frame: pl.LazyFrame, names: Sequence[str]) -> dict[str, tuple[pl.DataType, ColumnKind]]:
    """Return the dtype and kind of columns; raises DataError naming all whose types are not supported."""
    dtypes = frame.select(names).collect_schema()
    _require_kinds(dtypes)
    return {name: (dtype, kind_of(name, dtype)) for name, dtype in dtypes.items()}


def _require_kinds(dtypes: Mapping[str, pl.DataType]) -> None:
    """Raise DataError naming all columns of which no type is supported."""
    from hookline.registry.remedies import list_option

    told: dict[str, str] = {}
    for name, dtype in dtypes.items():
        try:
            column_kind(dtype)
        except DataError:
            told[name] = f"column '{name}': columns of type {dtype} are not supported"
    if told:
        raise DataError("; ".join(told.values()), hint=f"cast or drop them, or {list_option('roles.ignore', [*told])}")


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

    Columns beyond the schema are left out, and one that is not required and absent is missing in every row. Raises DataError
    naming every other column that is absent, and those that cannot be read as their type.
    """
    import polars as pl

    problems: list[Problem] = []
    series: list[pl.Series] = []
    frame = as_read(frame, schema)
    for column in schema.columns:
        if column.name not in frame.columns:
            if column.required:
                problems.append(Problem(column.name, absence(column, frame.columns)))
            else:
                series.append(nothing(column, frame.height))
            continue
        try:
            series.append(read_column(frame[column.name], column))
        except ValueError as error:
            problems.append(Problem(column.name, str(error)))
    if problems:
        raise DataError("the rows do not fit the model's input contract", problems)
    return pl.DataFrame(series)


def as_read(frame: F, schema: Schema) -> F:
    """Return rows whose texts, in the columns of a schema, are as reading left those of the training rows."""
    import polars as pl

    rules, held = schema.texts, frame.collect_schema()
    names = [name for name in schema.names if held.get(name) == pl.String]
    marks = [text for text in rules.missing if text]
    if names and (marks or rules.strip):
        bare = pl.col(names).str.strip_chars() if rules.strip else pl.col(names)
        # Of few words, comparing is faster than a table of what takes the place of what.
        frame = frame.with_columns(pl.when(~bare.is_in(marks)).then(bare))
    dated: dict[str, DateOrder] = {name: rules.dates[name] for name in names if name in rules.dates}
    return frame.with_columns(written_out(pl.col(name), order) for name, order in dated.items()) if dated else frame


def absence(column: Column, present: Sequence[str]) -> str:
    """Say that a column is not there, and which may have been meant."""
    match = closest(column.name, present)
    return "is missing" + (f"; did you mean '{match}'?" if match else "")


def nothing(column: Column, rows: int) -> pl.Series:
    """Return a column that is missing in every row."""
    import polars as pl

    return pl.Series(column.name, [], dtype=parse_dtype(column.dtype)).extend_constant(None, rows)


def read_column(values: pl.Series, column: Column) -> pl.Series:
    """Return values in a column's dtype; raises ValueError with an example where they cannot be read so."""
    import polars as pl

    try:
        return _cast(values, column)
    except (pl.exceptions.PolarsError, ValueError, TypeError) as error:
        raise ValueError(f"must be a {column.kind}, got {_example(values, column)}") from error


def _cast(values: pl.Series, column: Column) -> pl.Series:
    import polars as pl

    dtype = parse_dtype(column.dtype)
    if values.dtype.is_nested() or values.dtype in (pl.Binary, pl.Duration, pl.Time, pl.Object):
        raise ValueError(f"a {values.dtype}")
    if column.kind == "string":
        text = values if values.dtype == pl.String else values.cast(pl.String)
        cleaned = text.replace("", None)
        return cleaned if dtype == pl.String else cleaned.cast(dtype, strict=column.categories is None)
    if values.dtype == pl.String and column.kind == "boolean":
        raise ValueError("a string")
    if values.dtype == pl.String and column.kind == "datetime":
        moments = values.to_frame().select(read_moments(pl.col(values.name))).to_series()
        if moments.null_count() > values.null_count():
            raise ValueError("a string")
        return moments.cast(dtype)
    if values.dtype == pl.Boolean and column.kind == "number":
        return values.cast(pl.Int8).cast(dtype)
    if values.dtype.is_numeric() and column.kind == "datetime":
        raise ValueError("a number")
    if values.dtype.is_numeric() and column.kind == "boolean" and not values.drop_nulls().is_in([0, 1]).all():
        raise ValueError("a number")
    if values.dtype.is_float():
        values = values.fill_nan(None)
        # A whole-number column may meet a fraction later, and a decimal one more digits; float64 holds both.
        return values.cast(pl.Float64) if dtype.is_integer() or dtype.is_decimal() else values.cast(dtype)
    if values.dtype.is_integer() and (dtype.is_integer() or dtype.is_decimal()):
        # Or a number that is too large for its type.
        fitting = values.cast(dtype, strict=False)
        return fitting if fitting.null_count() == values.null_count() else values.cast(pl.Float64)
    return values.cast(dtype)


def parse_dtype(text: str) -> pl.DataType:
    """Return the polars dtype that `repr` wrote, such as `Datetime(time_unit='us', time_zone=None)`; raises StoreError."""
    try:
        return _parsed(text)
    except (SyntaxError, ValueError, TypeError, RecursionError, MemoryError) as error:
        raise StoreError(f"{text[:60]!r} is not a column type") from error


def _parsed(text: str) -> pl.DataType:
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


def _example(values: pl.Series, column: Column) -> str:
    """Return the first value that is not of the column's type, and its row."""
    import polars as pl

    if values.dtype.is_nested() or values.dtype in (pl.Binary, pl.Duration, pl.Time, pl.Object):
        return f"a {str(values.dtype).partition('(')[0].lower()}"
    low, high = 0, len(values)
    while high - low > 1:
        middle = (low + high) // 2
        try:
            _cast(values[low:middle], column)
            low = middle
        except (pl.exceptions.PolarsError, ValueError, TypeError):
            high = middle
    value = values[low]
    return f"{value[:60]!r} in row {low}" if isinstance(value, str) else f"{value} in row {low}"
