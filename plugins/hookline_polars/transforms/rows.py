"""Transforms that drop rows, before the split."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from hookline import Dataset, Transform
from hookline.data.columns import kind_of
from hookline.data.frames import require_columns
from hookline.errors import ConfigError, DataError, Problem
from hookline.kinds.artifacts import ROW_ID

from ..columns import Columns, Scalar, choose

if TYPE_CHECKING:
    import polars as pl

Op = Literal["==", "!=", "<", "<=", ">", ">=", "in", "not_in", "is_null", "not_null", "between", "matches"]


@dataclass(frozen=True)
class FittedDedupe:
    """Drops rows that repeat an earlier one in `columns`."""

    columns: tuple[str, ...]

    def transform(self, frame: pl.LazyFrame) -> pl.LazyFrame:
        """Keep the first of equal rows, in order.

        Rows with ids are compared by a hash first, and value by value only where that is equal, which holds little in memory.
        """
        import polars as pl

        columns = list(self.columns)
        repeated = _repeated(frame, columns) if ROW_ID in frame.collect_schema() else None
        if repeated is None:
            return frame.unique(subset=columns, keep="first", maintain_order=True)
        return frame.filter(~pl.col(ROW_ID).is_in(repeated.implode())) if len(repeated) else frame

    def repeats_in(self) -> tuple[str, ...]:
        """Return the columns that make rows equal."""
        return self.columns


def _repeated(frame: pl.LazyFrame, columns: list[str]) -> pl.Series | None:
    """Return the ids of rows that repeat an earlier one; None where row ids do not name rows, or most rows are suspect."""
    import polars as pl

    keys = frame.select(ROW_ID, hash=pl.struct(columns).hash()).collect(engine="streaming")
    suspect = keys.filter(pl.col("hash").is_duplicated())[ROW_ID]
    if 2 * len(suspect) > len(keys) or keys[ROW_ID].n_unique() < len(keys):
        return None
    rows = frame.filter(pl.col(ROW_ID).is_in(suspect.implode())).collect(engine="streaming")
    kept = rows.unique(subset=columns, keep="first", maintain_order=True)[ROW_ID]
    return suspect.filter(~suspect.is_in(kept.implode()))


class DedupeTransform(Transform):
    """Drop rows that repeat an earlier one."""

    name = "dedupe"
    mends: ClassVar = {"duplicates": "transform=[dedupe]"}
    applies = "dataset"
    columns: tuple[str, ...] | Columns = ()
    """Columns that make rows equal; by default every one but the id role's."""

    def fit(self, train: Dataset) -> FittedDedupe:
        """Choose the columns."""
        if self.columns and self.columns != Columns():
            return FittedDedupe(tuple(choose(train, self.columns, "transform.dedupe.columns")))
        names = [name for name in train.frame.collect_schema().names() if name not in (ROW_ID, train.roles.id)]
        return FittedDedupe(tuple(names))


class FilterRowsTransform(Transform):
    """Keep the rows whose value in one column meets a condition; a missing value meets only `is_null` and `!=`."""

    name = "filter_rows"
    mends: ClassVar = {"unwanted_rows": "transform=[filter_rows]"}
    applies = "dataset"
    column: str
    """The column to look at."""
    op: Op
    """How it is compared."""
    value: Scalar | tuple[Scalar, ...] | None = None
    """What it is compared with: a scalar, two bounds for `between`, several for `in`, a regular expression for `matches`.

    Datetimes as ISO 8601 writes them, in the column's own time zone where they name none.
    """

    def fit(self, train: Dataset) -> FilterRowsTransform:
        """Check the column and the value; raises DataError or ConfigError."""
        schema = train.frame.collect_schema()
        require_columns([self.column], schema.names(), "transform.filter_rows.column")
        wanted = {"in": tuple, "not_in": tuple, "between": tuple, "matches": str}.get(self.op)
        if self.op not in ("is_null", "not_null") and self.value is None:
            raise _bad(f"required for {self.op}")
        if wanted is not None and not isinstance(self.value, wanted):
            raise _bad(f"must be a {'list' if wanted is tuple else 'text'} for {self.op}, got {self.value!r}")
        if self.op == "between" and isinstance(self.value, tuple) and len(self.value) != 2:
            raise _bad(f"must be [lowest, highest] for between, got {list(self.value)}")
        if self.op == "matches":
            _require_regex(str(self.value))
        elif self.op not in ("is_null", "not_null"):
            self._require_kinds(train.frame, schema[self.column])
        return self

    def transform(self, frame: pl.LazyFrame) -> pl.LazyFrame:
        """Keep the rows that meet the condition."""
        return frame.filter(self._condition(frame.collect_schema()[self.column]))

    def _require_kinds(self, frame: pl.LazyFrame, dtype: pl.DataType) -> None:
        import polars as pl

        try:
            for value in self._values():
                _require_kind(value, self.column, dtype)
        except ConfigError:
            # Of a column without any value nobody knows the type.
            if dtype not in (pl.String, pl.Null) or frame.select(pl.col(self.column).count()).collect().item():
                raise

    def _values(self) -> tuple[Scalar, ...]:
        if self.value is None:
            return ()
        return self.value if isinstance(self.value, tuple) else (self.value,)

    def _condition(self, dtype: pl.DataType) -> pl.Expr:
        import operator

        import polars as pl

        if self.op == "matches":
            return pl.col(self.column).cast(pl.String).str.contains(str(self.value))
        column, values = _comparable(pl.col(self.column), dtype, self._values())
        value = values[0] if values else None
        compared: dict[str, Callable[[Any, Any], Any]] = {
            "==": operator.eq,
            "<": operator.lt,
            "<=": operator.le,
            ">": operator.gt,
            ">=": operator.ge,
        }
        if self.op in compared:
            result: pl.Expr = compared[self.op](column, value)
            return result
        if self.op == "!=":
            return column.ne_missing(pl.lit(value))
        if self.op == "is_null":
            return column.is_null()
        if self.op == "not_null":
            return column.is_not_null()
        if self.op == "between":
            return column.is_between(pl.lit(values[0]), pl.lit(values[1]))
        inside = column.is_in(values)
        return inside if self.op == "in" else ~inside


@dataclass(frozen=True)
class FittedDropMissingTarget:
    """Drops rows whose target is missing."""

    target: str

    def transform(self, frame: pl.LazyFrame) -> pl.LazyFrame:
        """Keep rows with a target."""
        import polars as pl

        return frame.filter(pl.col(self.target).is_not_null())


class DropMissingTargetTransform(Transform):
    """Drop rows whose target is missing."""

    name = "drop_missing_target"
    mends: ClassVar = {"missing_target": "transform=[drop_missing_target]"}
    applies = "dataset"

    def fit(self, train: Dataset) -> FittedDropMissingTarget:
        """Look up the target."""
        if train.roles.target is None:
            raise DataError("drop_missing_target needs roles.target")
        return FittedDropMissingTarget(train.roles.target)


def _comparable(column: pl.Expr, dtype: pl.DataType, values: Sequence[Scalar]) -> tuple[pl.Expr, list[Any]]:
    """Return a column and what it is compared with as types that polars compares."""
    import polars as pl

    if dtype in (pl.Date, pl.Datetime):
        zone = getattr(dtype, "time_zone", None)
        return column.cast(pl.Datetime("us", zone)), [_moment(str(value), zone) for value in values]
    if dtype.is_float() or (dtype.is_integer() and any(isinstance(value, float) for value in values)):
        return column.cast(pl.Float64), [float(value) for value in values]
    if dtype in (pl.String, pl.Null) and not all(isinstance(value, str) for value in values):
        # It holds nothing.
        return column.cast(pl.Float64, strict=False), [float(value) for value in values]
    if dtype in (pl.Categorical, pl.Enum):
        # A value need be none of its categories.
        return column.cast(pl.String), list(values)
    return column, list(values)


def _moment(text: str, zone: str | None) -> datetime:
    """Return a moment in a column's time zone; one without an offset is meant there. Raises ValueError."""
    from zoneinfo import ZoneInfo

    moment = datetime.fromisoformat(text)
    if zone is None:
        return moment if moment.tzinfo is None else moment.astimezone(UTC).replace(tzinfo=None)
    return moment.replace(tzinfo=ZoneInfo(zone)) if moment.tzinfo is None else moment.astimezone(ZoneInfo(zone))


def _require_kind(value: Scalar, column: str, dtype: pl.DataType) -> None:
    kind = kind_of(column, dtype)
    if kind == "datetime":
        try:
            _moment(str(value), None)
        except ValueError:
            raise _bad(f"must be a date or time as ISO 8601 writes it, such as 2026-01-31, got {value!r}") from None
        return
    types: dict[str, tuple[type, ...]] = {"string": (str,), "boolean": (bool,), "number": (int, float)}
    if not isinstance(value, types[kind]) or (isinstance(value, bool) and kind == "number"):
        raise _bad(f"must be a {kind}, as '{column}' holds, got {value!r}")


def _require_regex(text: str) -> None:
    import polars as pl

    try:
        pl.Series([""]).str.contains(text)
    except pl.exceptions.PolarsError:
        raise _bad(f"must be a regular expression, got {text!r}") from None


def _bad(message: str) -> ConfigError:
    return ConfigError("bad config for transform 'filter_rows'", [Problem("transform.filter_rows.value", message)])
