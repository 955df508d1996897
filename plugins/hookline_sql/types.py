"""Which types rows of a database have here, so that the same rows are the same in whichever database they lie."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any

from hookline.errors import DataError

if TYPE_CHECKING:
    import polars as pl
    import pyarrow as pa

YES_OR_NO = {0: False, 1: True}
"""What a column of yes and no may hold where it is kept as numbers."""
EXACT = "numeric"
"""How PostgreSQL calls numbers of any number of digits."""


def settled(dtype: pl.DataType) -> pl.DataType:
    """Return the type that a column of a database gets: whole numbers in 64 bits, decimals as float64, times in microseconds."""
    import polars as pl

    if dtype.is_integer() and dtype != pl.UInt64:
        return pl.Float64() if dtype in (pl.Int128, pl.UInt128) else pl.Int64()
    if dtype.is_decimal():
        return pl.Float64()
    if isinstance(dtype, pl.Datetime):
        return pl.Datetime("us", None if dtype.time_zone is None else "UTC")
    if isinstance(dtype, pl.Duration):
        return pl.Duration("us")
    return pl.String() if dtype in (pl.Categorical, pl.Enum, pl.Null) else dtype


def of_arrow(schema: pa.Schema) -> dict[str, pl.DataType]:
    """Return the types of an Arrow schema; raises DataError naming all columns of which no type is known here."""
    import polars as pl

    require_names(schema.names)
    found: dict[str, pl.DataType] = {}
    refused: dict[str, str] = {}
    for field in schema:
        name = _own_name(field)
        if name == EXACT:
            found[field.name] = pl.Float64()
        elif name == "uuid":
            found[field.name] = pl.String()
        elif (dtype := _polars_type(field)) is None:
            refused[field.name] = name
        else:
            found[field.name] = settled(dtype)
    if refused:
        raise unreadable(refused)
    return found


def of_batch(batch: pa.RecordBatch | pa.Table, types: Mapping[str, pl.DataType]) -> pl.DataFrame:
    """Return rows of Arrow with the types that were settled; raises DataError where columns are others by now."""
    import polars as pl

    require_same(batch.schema.names, types)
    columns = []
    for field, values in zip(batch.schema, batch.columns, strict=True):
        name = _own_name(field)
        series = _from_arrow(values).alias(field.name)
        if name == "uuid" and series.dtype == pl.Binary:
            series = _uuids(series)
        columns.append(_cast(series, types[field.name]))
    return pl.DataFrame(columns)


def of_rows(rows: Sequence[Sequence[Any]], types: Mapping[str, pl.DataType]) -> pl.DataFrame:
    """Return rows of Python's values with the types that were settled; raises DataError naming a column that does not fit."""
    import polars as pl

    columns = []
    for place, (name, dtype) in enumerate(types.items()):
        values = [row[place] for row in rows]
        try:
            columns.append(_of_values(name, values, dtype))
        except (KeyError, TypeError, ValueError, OverflowError, pl.exceptions.PolarsError):
            odd = next((value for value in values if not _fits(value, dtype)), None)
            raise unfit(name, dtype, odd) from None
    return pl.DataFrame(columns)


def require_names(names: Sequence[str]) -> None:
    """Raise DataError where two columns have one name, as in `select a.*, b.*`."""
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise DataError(
            f"source.query gives {', '.join(map(repr, twice))} more than once",
            hint=f"give one of them another name: {twice[0]} as other_{twice[0]}",
        )


def require_same(names: Sequence[str], types: Mapping[str, Any]) -> None:
    """Raise DataError where rows come with other columns than those that were found first."""
    if list(names) != list(types):
        differ = sorted({*names} ^ {*types}) or list(names)
        raise DataError(
            f"the columns changed while they were read: {', '.join(map(repr, differ))}",
            hint="run again, or name the columns in source.columns",
        )


def unreadable(refused: Mapping[str, str]) -> DataError:
    """Return the error for columns of types that no table here can have."""
    told = "; ".join(f"column '{name}' is of type {dtype}" for name, dtype in refused.items())
    return DataError(
        f"{told}, which cannot be read",
        hint="cast them in source.query, such as cast(x as text), or leave them out: source.columns=[...]",
    )


def unfit(name: str, dtype: pl.DataType, value: Any) -> DataError:
    """Return the error for a value that its column has no place for."""
    shown = repr(value) if len(repr(value)) <= 60 else f"{repr(value)[:57]}..."
    return DataError(
        f"column '{name}' is read as {dtype}, and holds {shown}",
        hint=f"cast it to one type in source.query, such as cast({name} as char)",
    )


def _polars_type(field: pa.Field) -> pl.DataType | None:
    import polars as pl
    import pyarrow as pa

    kept = field.type.storage_type if isinstance(field.type, pa.BaseExtensionType) else field.type
    if pa.types.is_interval(kept) or (_own_name(field) and pa.types.is_binary(kept) and kept is not field.type):
        return None
    found = pl.from_arrow(pa.array([], kept))
    assert isinstance(found, pl.Series)
    return found.dtype


def _own_name(field: pa.Field) -> str:
    """Return how the database calls a type that Arrow has no word for; of others nothing, and of UUIDs `uuid`."""
    import pyarrow as pa

    if isinstance(field.type, pa.OpaqueType):
        return str(field.type.type_name)
    if isinstance(field.type, pa.UuidType):
        return "uuid"
    return "interval" if pa.types.is_interval(field.type) else ""


def _from_arrow(values: pa.Array | pa.ChunkedArray) -> pl.Series:
    """Return values as a series; of types with a name of their own, as they are stored."""
    import polars as pl
    import pyarrow as pa

    if isinstance(values.type, pa.BaseExtensionType):
        values = values.cast(values.type.storage_type)
    found = pl.from_arrow(values)
    assert isinstance(found, pl.Series)
    return found


def _uuids(series: pl.Series) -> pl.Series:
    import uuid

    import polars as pl

    texts = [None if value is None else str(uuid.UUID(bytes=value)) for value in series.to_list()]
    return pl.Series(series.name, texts, pl.String)


def _cast(series: pl.Series, dtype: pl.DataType) -> pl.Series:
    import polars as pl

    if series.dtype == dtype:
        return series
    try:
        return series.cast(dtype)
    except pl.exceptions.PolarsError:
        lost = series.filter(series.cast(dtype, strict=False).is_null() & series.is_not_null())
        raise unfit(series.name, dtype, lost.head(1).item() if len(lost) else series.dtype) from None


def _of_values(name: str, values: list[Any], dtype: pl.DataType) -> pl.Series:
    import polars as pl

    if dtype == pl.Float64:
        return pl.Series(name, [None if value is None else float(value) for value in values], dtype)
    if dtype == pl.Boolean:
        return pl.Series(name, [None if value is None else YES_OR_NO[value] for value in values], dtype)
    if dtype.is_temporal() and any(isinstance(value, str) for value in values):
        reader = date if dtype == pl.Date else datetime
        values = [reader.fromisoformat(value) if isinstance(value, str) else value for value in values]
    if isinstance(dtype, pl.Datetime) and dtype.time_zone is not None:
        plain = _without_zones(values)
        return pl.Series(name, plain, pl.Datetime("us")).dt.replace_time_zone("UTC")
    if isinstance(dtype, pl.Datetime):
        values = _without_zones(values)
    return pl.Series(name, values, dtype, strict=True)


def _without_zones(values: list[Any]) -> list[Any]:
    """Return times in UTC, without its name; those without a zone as they are."""
    return [
        value if value is None or value.tzinfo is None else value.astimezone(UTC).replace(tzinfo=None)
        for value in values
    ]


def _fits(value: Any, dtype: pl.DataType) -> bool:
    import polars as pl

    try:
        _of_values("", [value], dtype)
    except (KeyError, TypeError, ValueError, OverflowError, pl.exceptions.PolarsError):
        return False
    return True
