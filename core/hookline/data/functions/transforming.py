"""The transform that a project's function becomes, and what it is fitted to."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from hookline.errors import ConfigError, DataError, Problem, suggestion
from hookline.kinds.artifacts import ROW_ID, Dataset, Roles
from hookline.kinds.features.telling import Derived
from hookline.kinds.formats.words import ONNX
from hookline.kinds.kinds import Transform

from ..columns import column_kind, parse_dtype
from .calling import Call, told_of
from .proving import require_rows_alone
from .signature import Signature

if TYPE_CHECKING:
    import polars as pl


@dataclass(frozen=True)
class FittedFunction:
    """A function with its parameters, and what it made of the training rows.

    inputs: the columns that it is given; columns: parameter -> column, where it takes columns
    outputs: column that it makes -> type, in polars' words; replaced: those of them that the rows have already
    """

    function: ClassVar[Callable[..., Any]]
    signature: ClassVar[Signature]

    inputs: tuple[str, ...]
    columns: Mapping[str, str]
    into: str
    outputs: Mapping[str, str]
    replaced: tuple[str, ...]
    parameters: Any

    def transform(self, frame: pl.LazyFrame) -> pl.LazyFrame:
        """Return the rows with the function's columns, each of the type that it had among training rows."""
        import polars as pl

        dtypes = {name: parse_dtype(text) for name, text in self.outputs.items()}

        def with_made(rows: pl.DataFrame) -> pl.DataFrame:
            if not rows.height:
                return rows.with_columns(pl.lit(None, dtype).alias(name) for name, dtype in dtypes.items())
            return rows.with_columns(_typed(self.call.name, self.call(rows.select(self.inputs)), dtypes))

        schema = pl.Schema({**frame.collect_schema(), **dtypes})
        # It sees all of what it may look at, in every row.
        return frame.map_batches(
            with_made, schema=schema, predicate_pushdown=False, projection_pushdown=False, slice_pushdown=False
        )

    def added(self) -> Mapping[str, Derived]:
        """Return the new columns, each made of all that the function is given."""
        told = told_of(self.call.name, self.inputs, self.call.parameters)
        return {name: Derived(self.inputs, told) for name in self.outputs if name not in self.replaced}

    @property
    def call(self) -> Call:
        """The function with its parameters."""
        given = {one.name: getattr(self.parameters, one.name) for one in dataclasses.fields(self.parameters)}
        return Call(type(self).function, self.signature, given, self.columns, self.into)


class FunctionTransform(Transform):
    """What every transform that was a function shares; `as_transform` makes one of each."""

    function: ClassVar[Callable[..., Any]]
    signature: ClassVar[Signature]
    Parameters: ClassVar[type[Any]]
    Fitted: ClassVar[type[FittedFunction]]

    def fitted(self, train: Dataset) -> FittedFunction:
        """Try the function on training rows, and prove that what it makes of a row hangs on that row alone.

        Raises ConfigError for columns that are none, DataError for what the function raises, and where it breaks a promise.
        """
        inputs, columns = self._inputs(train)
        call = Call(type(self).function, self.signature, self._given(), columns, self._into())
        rows = train.frame.select([*inputs, ROW_ID, *([train.roles.id] if train.roles.id else [])]).collect()
        if not rows.height:
            raise DataError(f"function '{call.name}' has no training rows to be tried on")
        given = rows.select(inputs)
        require_rows_alone(call.name, call, given, lambda place: _named(rows, place, train.roles))
        made = call(given)
        _require_columns(call.name, made, train)
        return self.Fitted(
            inputs=tuple(inputs),
            columns=columns,
            into=call.into,
            outputs={name: str(dtype) for name, dtype in made.schema.items()},
            replaced=tuple(name for name in made.columns if name in train.frame.collect_schema()),
            parameters=self.Parameters(**self._given()),
        )

    def added(self) -> Mapping[str, Derived]:
        """Return the new column, where the fields tell it: what a function makes as a frame is known once it is fitted."""
        if self.signature.makes == "frame" or not self.signature.columns:
            return {}
        inputs = tuple(dict.fromkeys(getattr(self, name) for name in self.signature.columns))
        into = f"{self._into()}_*" if self.signature.makes == "array" else self._into()
        return {into: Derived(inputs, told_of(type(self).function.__name__, inputs, self._given()))}

    def lacks_words(self, roles: Roles) -> Mapping[str, str]:
        """Say that it is Python."""
        return {ONNX: "a function of the project (expressions say what SQL can)"}

    def _given(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in self.signature.parameters}

    def _into(self) -> str:
        return str(getattr(self, "into", ""))

    def _inputs(self, train: Dataset) -> tuple[list[str], dict[str, str]]:
        """Return the columns that the function is given, and by which parameter; raises ConfigError for others than features."""
        features = train.feature_columns()
        if self.signature.rows:
            chosen: Sequence[str] = getattr(self, "columns", ()) or features
            places = {f"transform.{self.name}.columns": chosen}
            columns: dict[str, str] = {}
        else:
            columns = {name: str(getattr(self, name)) for name in self.signature.columns}
            places = {f"transform.{self.name}.{name}": (column,) for name, column in columns.items()}
            chosen = list(columns.values())
        held = train.frame.collect_schema()
        problems = [
            Problem(
                where,
                f"'{column}' is no feature, and is not there when a model is asked"
                if column in held
                else f"there is no column '{column}'; {suggestion(column, features, 'column')}",
            )
            for where, some in places.items()
            for column in some
            if column not in features
        ]
        if problems:
            raise ConfigError(f"bad config for transform '{self.name}'", problems)
        return list(dict.fromkeys(chosen)), columns


def _require_columns(name: str, made: pl.DataFrame, train: Dataset) -> None:
    """Raise DataError for columns of which no features are made, and for such as have another role."""
    if not made.width:
        raise DataError(f"function '{name}' makes no column")
    hidden = train.roles.not_features()
    for column, dtype in made.schema.items():
        if column in hidden:
            raise DataError(f"function '{name}' makes '{column}', which has a role, and stays as it is")
        if not _is_feature(dtype):
            hint = "return several columns, or a numpy array of vectors" if dtype.is_nested() else PLAIN
            raise DataError(f"function '{name}' makes '{column}' as {dtype}, of which no feature is made", hint=hint)


def _is_feature(dtype: pl.DataType) -> bool:
    import polars as pl

    try:
        return dtype != pl.Null and bool(column_kind(dtype))
    except DataError:
        return False


PLAIN = "give it a type: numbers, texts, booleans, dates or moments"
FIXED = "have the function give its column a type whatever the rows hold, such as `.cast(pl.Float64)`"


def _typed(name: str, made: pl.DataFrame, dtypes: Mapping[str, pl.DataType]) -> pl.DataFrame:
    """Return what was made in the types of the training rows; raises DataError for other columns, or values of another type."""
    import polars as pl

    if set(made.columns) != set(dtypes):
        other = sorted(set(made.columns) ^ set(dtypes))
        told = f"function '{name}' makes column '{other[0]}' of some rows, and not of others"
        raise DataError(told, hint="make the same columns whatever the rows hold")
    told = f"function '{name}' makes values of another type than among training rows"
    try:
        typed = made.select(pl.col(column).cast(dtype) for column, dtype in dtypes.items())
    except pl.exceptions.PolarsError as error:
        raise DataError(f"{told}: {str(error).strip().splitlines()[0]}") from error
    for column, dtype in dtypes.items():
        # A type that holds less would cut them, as 2.7 to 2, without a word.
        if made.schema[column] == dtype or dtype.is_float() or made.schema[column] == pl.Null:
            continue
        cut = made[column].ne_missing(typed[column].cast(made.schema[column], strict=False))
        if cut.any():
            value = made[column][cut.arg_max() or 0]
            raise DataError(f"{told}: '{column}' is {value!r}, and {dtype} does not hold it", hint=FIXED)
    return typed


def _named(rows: pl.DataFrame, place: int, roles: Roles) -> str:
    return f"row {rows[roles.id or ROW_ID][place]}"
