"""Reads rows from a request, and says what is wrong with each of them by row and column."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from operator import itemgetter
from typing import TYPE_CHECKING, Any

import msgspec

from hookline import Roles, Schema
from hookline.artifacts import Column
from hookline.errors import suggestion

if TYPE_CHECKING:
    import polars as pl

JSON_TYPES = {"number": float | None, "string": str | None, "boolean": bool | None, "datetime": str | None}
"""How each kind of column travels."""
MOST_PROBLEMS = 100
"""A client that got every row wrong need not be told of each."""


@dataclass(frozen=True)
class RowProblem:
    """What is wrong with one value of a request."""

    row: int
    column: str
    message: str


class BadRows(ValueError):
    """Rows that do not fit the input contract, with every problem."""

    def __init__(self, problems: Sequence[RowProblem], count: int | None = None) -> None:
        self.problems = problems
        self.count = len(problems) if count is None else count
        super().__init__(f"{self.count} problems")


class BadRequest(ValueError):
    """A body that does not hold rows at all."""


def rows_of(body: Any) -> list[Mapping[str, Any]]:
    """Return the rows of a decoded body: {"rows": [...]}, a list of rows, or one row."""
    rows: Any = body["rows"] if isinstance(body, dict) and isinstance(body.get("rows"), list) else body
    rows = [rows] if isinstance(rows, dict) else rows
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise BadRequest('the body must be {"rows": [{"column": value, ...}, ...]}')
    if not rows:
        raise BadRequest("there are no rows to predict")
    return rows


class Reader:
    """Checks rows against the input contract, and turns checked rows into columns."""

    def __init__(self, schema: Schema, roles: Roles) -> None:
        self._columns, self._id = schema.columns, roles.id
        self._moments = tuple(column.name for column in schema.columns if column.kind == "datetime")
        self._names = [column.name for column in schema.columns]
        self._values = itemgetter(*self._names)
        self._optional = {column.name: None for column in schema.columns if not column.required}
        # msgspec compares a row with this type at once, where going through its values takes 20 times as long.
        self._fitting = msgspec.defstruct(
            "Row",
            [_field(f"column_{i}", column) for i, column in enumerate(schema.columns)],
            rename={f"column_{i}": column.name for i, column in enumerate(schema.columns)},
            kw_only=True,
            gc=False,
        )

    def check(self, rows: Sequence[Mapping[str, Any]]) -> Sequence[Mapping[str, Any]]:
        """Return rows with moments in place of their texts; raises BadRows with every problem."""
        try:
            for row in rows:
                msgspec.convert(row, self._fitting)
            rows = [{**self._optional, **row} for row in rows] if self._optional else rows
            return [self._with_moments(row) for row in rows] if self._moments else rows
        except (msgspec.ValidationError, ValueError, OverflowError):
            problems = [problem for column in self._columns for problem in _problems(column, rows)]
            raise BadRows(problems) from None

    def columns(self, rows: Sequence[Mapping[str, Any]]) -> dict[str, Sequence[Any]]:
        """Return checked rows by column, and their ids where each row names one."""
        values = list(map(self._values, rows))
        # Of a single name, itemgetter makes no tuple.
        by_column = zip(*values, strict=True) if len(self._names) > 1 else [values]
        columns: dict[str, Sequence[Any]] = dict(zip(self._names, by_column, strict=True))
        if self._id:
            ids = [row.get(self._id) for row in rows]
            if None not in ids:
                columns[self._id] = ids
        return columns

    def _with_moments(self, row: Mapping[str, Any]) -> Mapping[str, Any]:
        return {**row, **{name: None if row[name] is None else _moment(row[name]) for name in self._moments}}


def _field(name: str, column: Column) -> tuple[Any, ...]:
    """Return a field of a row's type: a column that the contract does not require may be left out."""
    return (name, JSON_TYPES[column.kind]) if column.required else (name, JSON_TYPES[column.kind], None)


def to_frame(columns: Mapping[str, Sequence[Any]], schema: Schema) -> pl.DataFrame:
    """Return columns as a frame."""
    import polars as pl

    dtypes = {"number": pl.Float64(), "string": pl.String(), "boolean": pl.Boolean(), "datetime": pl.Datetime("us")}
    kinds = {column.name: dtypes[column.kind] for column in schema.columns}
    return pl.DataFrame(
        [pl.Series(name, values, dtype=kinds.get(name), strict=False) for name, values in columns.items()]
    )


def _problems(column: Column, rows: Sequence[Mapping[str, Any]]) -> Iterator[RowProblem]:
    for index, row in enumerate(rows):
        try:
            _check(column, row[column.name])
        except KeyError:
            if column.required:
                yield RowProblem(index, column.name, _absent(column.name, row))
        except (ValueError, OverflowError) as error:
            yield RowProblem(index, column.name, str(error))


def _absent(name: str, row: Mapping[str, Any]) -> str:
    hint = suggestion(name, row, "column")
    near = f"; {hint}" if hint and hint.startswith("did you mean") else ""
    return f"is missing{near}; null stands for a value that is not known"


def _check(column: Column, value: Any) -> None:
    """Raise ValueError or OverflowError where a value is not of the column's kind."""
    if column.kind == "number" and isinstance(value, (int, float)) and not isinstance(value, bool):
        float(value)
    elif column.kind == "datetime" and isinstance(value, str):
        _moment(value)
    elif value is not None and not isinstance(value, {"string": str, "boolean": bool}.get(column.kind, ())):
        raise ValueError(f"must be {WANTED[column.kind]}, got {_shown(value)}")


def _moment(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise ValueError(f"must be {WANTED['datetime']}, got {_shown(text)}") from None
    try:
        return moment.astimezone(UTC).replace(tzinfo=None) if moment.tzinfo else moment
    except OverflowError:
        raise ValueError(f"must be a moment of the years 1 to 9999, got {_shown(text)}") from None


def _shown(value: Any) -> str:
    text = msgspec.json.encode(value).decode()
    return text if len(text) <= 60 else f"{text[:57]}..."


WANTED = {
    "number": "a number",
    "string": "a string",
    "boolean": "true or false",
    "datetime": "an ISO 8601 date or time such as 2024-05-31T14:30:00",
}
