"""Reads rows from a request, and says what is wrong with each of them by row and column."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from hookline import Roles, Schema
from hookline.artifacts import Column
from hookline.errors import suggestion

if TYPE_CHECKING:
    import polars as pl

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


def to_columns(rows: Sequence[Mapping[str, Any]], schema: Schema, roles: Roles) -> dict[str, list[Any]]:
    """Return rows by column of the schema, as Python values, and the ids where each row names one; raises BadRows."""
    problems: list[RowProblem] = []
    columns = {column.name: _values(column, rows, problems) for column in schema.columns}
    if problems:
        raise BadRows(problems)
    if roles.id and all(row.get(roles.id) is not None for row in rows):
        columns[roles.id] = [row[roles.id] for row in rows]
    return columns


def to_frame(columns: Mapping[str, list[Any]], schema: Schema) -> pl.DataFrame:
    """Return what `to_columns` made as a frame."""
    import polars as pl

    dtypes = {"number": pl.Float64(), "string": pl.String(), "boolean": pl.Boolean(), "datetime": pl.Datetime("us")}
    kinds = {column.name: dtypes[column.kind] for column in schema.columns}
    return pl.DataFrame(
        [pl.Series(name, values, dtype=kinds.get(name), strict=False) for name, values in columns.items()]
    )


def _values(column: Column, rows: Sequence[Mapping[str, Any]], problems: list[RowProblem]) -> list[Any]:
    values: list[Any] = []
    for index, row in enumerate(rows):
        try:
            values.append(_value(column, row[column.name]))
        except KeyError:
            values.append(None)
            if column.required:
                problems.append(RowProblem(index, column.name, _absent(column.name, row)))
        except (ValueError, OverflowError) as error:
            problems.append(RowProblem(index, column.name, str(error)))
    return values


def _absent(name: str, row: Mapping[str, Any]) -> str:
    hint = suggestion(name, row, "column")
    near = f"; {hint}" if hint and hint.startswith("did you mean") else ""
    return f"is missing{near}; null stands for a value that is not known"


def _value(column: Column, value: Any) -> Any:
    if value is None:
        return None
    if column.kind == "number" and isinstance(value, (int, float)) and not isinstance(value, bool):
        return float(value)
    if column.kind == "string" and isinstance(value, str):
        return value
    if column.kind == "boolean" and isinstance(value, bool):
        return value
    if column.kind == "datetime" and isinstance(value, str):
        return _moment(value)
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
    import msgspec

    text = msgspec.json.encode(value).decode()
    return text if len(text) <= 60 else f"{text[:57]}..."


WANTED = {
    "number": "a number",
    "string": "a string",
    "boolean": "true or false",
    "datetime": "an ISO 8601 date or time such as 2024-05-31T14:30:00",
}
